// The pair in focus: test point, removed point, predicted and actual change, and the most helpful and harmful points.
import { h } from "./dom.js";
import { inWords } from "./controls.js";
import { predictions } from "./grid.js";
import { distance, idOf, labelOf, likeness } from "./points.js";
import { formatted } from "./scales.js";

const BEST = 6; // points in each half of the strip
const LARGE = 76, SMALL = 44; // pixels

// What points are called whose removal makes the number rise, and fall; and the number.
const EFFECTS = {
  "test loss": ["helpful", "harmful", "loss"],
  margin: ["harmful", "helpful", "margin"],
  probability: ["harmful", "helpful", "probability"],
  parameter: ["lowering", "raising", "value"],
  output: ["lowering", "raising", "output"],
  prediction: ["lowering", "raising", "prediction"],
  penalty: ["lowering", "raising", "penalty"],
};

/** Whether points were left out, and not changed in another way. */
const gone = (table) => table.deed === "removed";

const known = (list, place) => (list.length ? formatted(list[place]) : "not stored");

/** A pair in one sentence, for screen readers and for the note at the pointer. */
export function inOneSentence({ table, place }, settings) {
  const { points } = table, predicted = predictions(table, settings)[place], actual = table.actual[settings.target][place];
  const label = (part) => { const words = labelOf(points, part, table[part][place]); return words ? ` (${words})` : ""; };
  const truth = Number.isFinite(actual) ? `actual ${formatted(actual)} ${table.unit}` : "not converged";
  const changed = `${points.grouped ? "group" : "training point"} ${idOf(points, "train", table.train[place])}${label("train")}`;
  return `Test point ${idOf(points, "test", table.test[place])}${label("test")} ${gone(table) ? `without ${changed}` : `with ${changed} ${table.deed}`}: predicted ${formatted(predicted)} (${inWords(settings.estimator)}), ${truth}.`;
}

/** The test point and the removed point of one pair, side by side. */
export function showPair(host, focus, choice, address) {
  if (!focus) {
    host.replaceChildren(h("p", { class: "ile-hint" }, "Click a point, or press an arrow key on the plot, to see what it is. "
      + "Hold shift and drag to select many."));
    return;
  }
  const { table, place } = focus, { points } = table, { settings } = choice;
  const train = table.train[place], test = table.test[place];
  const values = predictions(table, settings), actual = table.actual[settings.target][place];
  const order = rankOf(table, place, values, settings);
  const unit = table.unscaled.includes(settings.estimator) ? "" : ` ${table.unit}`;
  const card = (title, part, at, facts) => h("div", { class: "ile-card" }, h("h4", {}, title),
    likeness(points, part, at, { size: LARGE, address }),
    h("dl", {}, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
  const far = distance(points, train, test);
  host.replaceChildren(
    h("div", { class: "ile-cards" },
      card(`Test point ${idOf(points, "test", test)}`, "test", test, [
        ["label", labelOf(points, "test", test) || "unknown"], ["loss", known(table.test_loss, test)],
      ]),
      card(`${points.grouped ? "Group" : "Training point"} ${idOf(points, "train", train)}`, "train", train, [
        ["label", labelOf(points, "train", train) || "unknown"], ["loss", known(table.train_loss, train)],
        ["self-influence", known(table.self_influence, train)],
      ])),
    h("dl", { class: "ile-facts" }, [
      [gone(table) ? "predicted without it" : `predicted when ${table.deed}`, `${formatted(values[place])}${unit}`],
      ["actual, retrained", Number.isFinite(actual) ? `${formatted(actual)} ${table.unit}` : "not converged"],
      ["rank by |predicted|", `${order.rank} of ${order.of} ${gone(table) ? "removals" : "changes"}`],
      ["distance", far === null ? "not stored" : formatted(far, 3)],
    ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

function rankOf(table, place, values, settings) {
  const inSet = table.removed[settings.removed], mine = Math.abs(values[place]);
  let rank = 1, of = 0;
  for (let i = 0; i < values.length; i++) {
    if (table.test[i] !== table.test[place] || !inSet[i] || !Number.isFinite(values[i])) continue;
    of += 1;
    if (Math.abs(values[i]) > mine) rank += 1;
  }
  return { rank, of };
}

/** The first few in an order, without sorting the many others. */
function foremost(places, order) {
  const found = [];
  for (const i of places) {
    if (found.length === BEST && order(i, found[BEST - 1]) > 0) continue;
    found.push(i);
    found.sort(order);
    found.length = Math.min(found.length, BEST);
  }
  return found;
}

/** The removals that are predicted to help and to harm one test point most, each a button that looks at its pair. */
export function showStrips(host, focus, choice, { address, look }) {
  if (!focus) {
    host.replaceChildren(h("p", { class: "ile-hint" }, "The points that help and harm the test point most."));
    return;
  }
  const { table, place } = focus, { points } = table, values = predictions(table, choice.settings);
  const inSet = table.removed[choice.settings.removed], test = table.test[place];
  const mine = [];
  for (let i = 0; i < values.length; i++) if (table.test[i] === test && inSet[i] && Number.isFinite(values[i])) mine.push(i);
  const actual = table.actual[choice.settings.target];
  const strip = (title, places) => h("section", { class: "ile-strip", "aria-label": title }, h("h4", {}, title), h("div", { class: "ile-row" },
    places.map((i) => h("button", { type: "button", class: i === place ? "ile-here" : "", onclick: () => look(table.first + i),
      title: `id ${idOf(points, "train", table.train[i])}: predicted ${formatted(values[i])}, actual ${formatted(actual[i])}` },
    likeness(points, "train", table.train[i], { size: SMALL, address }),
    h("span", {}, labelOf(points, "train", table.train[i]) || `id ${idOf(points, "train", table.train[i])}`),
    h("span", { class: "ile-value" }, formatted(values[i], 2))))));
  const first = foremost(mine, (a, b) => values[b] - values[a] || a - b).filter((i) => values[i] > 0);
  const last = foremost(mine, (a, b) => values[a] - values[b] || b - a).filter((i) => values[i] < 0);
  const [rise, fall, what] = EFFECTS[table.watched], own = table.watched === "penalty";
  // The penalty is the whole model's; all else is a test point's or a parameter's.
  const named = idOf(points, "test", test), point = table.watched === "parameter" ? named : `test point ${named}`;
  const whose = own ? "" : table.watched === "parameter" ? ` ${named}` : ` to ${point}`;
  const changed = (way) => (own ? `The penalty would ${way}` : `The ${what} of ${point} would ${way}`) + ` most with these ${table.deed}`;
  host.replaceChildren(
    strip(gone(table) ? `Most ${rise}${whose}: ${own ? "the" : "its"} ${what} would rise without them` : changed("rise"), first),
    strip(gone(table) ? `Most ${fall}: ${own ? "the" : "its"} ${what} would fall without them` : changed("fall"), last));
}
