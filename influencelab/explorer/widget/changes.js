// Training pictures before and after they were changed, and the change made visible, beside what it does.
import { h, pictureAddress } from "./dom.js";
import { predictions } from "./grid.js";
import { idOf, labelInWords, labelOf, likeness, pieceOf } from "./points.js";
import { formatted } from "./scales.js";

const WIDE = 150, LITTLE = 44; // pixels
const MOST_CHANGED = 60; // changed points that are offered at once

/** Where the picture of a pair stands among the changed ones: changed for its test point, or for all; -1 if nowhere. */
const changedAt = ({ rows, tests }, train, test) => rows.findIndex((row, k) => row === train && (tests[k] < 0 || tests[k] === test));

/** The mode that shows changed pictures; nothing where no picture was changed. */
export function makeChanges({ grid, addresses, on }) {
  const sheets = {};
  for (const [name, { changed }] of Object.entries(grid.points)) if (changed) sheets[name] = pictureAddress(changed.sprite_sheet);
  if (!Object.keys(sheets).length) return null;
  const one = h("div"), others = h("div"), panel = h("div", { class: "ile-changes" }, one, others);

  /** Before, after and the difference of one point. */
  function triptych({ table, place }, settings) {
    const { points } = table, { changed } = points, train = table.train[place], at = changedAt(changed, train, table.test[place]), count = changed.rows.length;
    const id = idOf(points, "train", train);
    if (at < 0) return [h("p", { class: "ile-hint" }, `Training point ${id} was not changed here. Choose one of the points below.`)];
    const old = labelOf(points, "train", train), kept = Number.isNaN(changed.labels[at]);
    const now = kept ? old : labelInWords(points, changed.labels[at]);
    const figure = (part, title, below, words) => h("figure", {},
      pieceOf(changed, part * count + at, { count: 3 * count, size: WIDE, address: sheets[points.name], words: `training image ${id} ${words}` }),
      h("figcaption", {}, h("b", {}, title), " ", below));
    const actual = table.actual[settings.target][place], predicted = predictions(table, settings)[place];
    return [
      h("h4", {}, `Training point ${id}${kept ? "" : `: ${old} becomes ${now}`}`),
      h("div", { class: "ile-figures" },
        figure(0, "before", old, "before"), figure(1, "after", now, "after"),
        figure(2, "difference", `× ${changed.factor}; grey is no change`, `less what it was, ${changed.factor} times as large`)),
      h("dl", { class: "ile-facts" }, [
        ["test point", `${idOf(points, "test", table.test[place])} ${labelOf(points, "test", table.test[place])}`],
        [`predicted change of its ${table.watched}`, formatted(predicted)],
        ["actual, retrained", Number.isFinite(actual) ? `${formatted(actual)} ${table.unit}` : "not converged"],
      ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      likeness(points, "test", table.test[place], { size: LITTLE * 2, address: addresses[points.name] }),
    ];
  }

  /** The changed points of the same test point, each a button that looks at its pair. */
  function offered({ table, place }, settings) {
    const { points } = table, values = predictions(table, settings), inSet = table.removed[settings.removed], test = table.test[place], mine = [];
    for (let i = 0; i < table.train.length; i++) if (table.test[i] === test && inSet[i] && changedAt(points.changed, table.train[i], test) >= 0) mine.push(i);
    mine.sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
    const count = points.changed.rows.length, address = sheets[points.name];
    return [h("h4", {}, `Changed points, the largest predicted change first${mine.length > MOST_CHANGED ? ` (${MOST_CHANGED} of ${mine.length})` : ""}`),
      h("div", { class: "ile-row" }, mine.slice(0, MOST_CHANGED).map((i) => h("button", { type: "button", class: i === place ? "ile-here" : "", onclick: () => on.focus(table.first + i) },
        pieceOf(points.changed, count + changedAt(points.changed, table.train[i], test), { count: 3 * count, size: LITTLE, address, words: `training image ${idOf(points, "train", table.train[i])} after its change` }),
        h("span", { class: "ile-value" }, formatted(values[i], 2)))))];
  }

  return {
    name: "changes", title: "Before and after", panel,
    show({ choice, focused }) {
      const pair = focused, known = pair?.table.points.changed;
      one.replaceChildren(...(known ? triptych(pair, choice.settings) : [h("p", { class: "ile-hint" }, "Choose a point to see what it was changed to.")]));
      others.replaceChildren(...(known ? offered(pair, choice.settings) : []));
    },
    end: () => Object.values(sheets).forEach((address) => URL.revokeObjectURL(address)),
  };
}
