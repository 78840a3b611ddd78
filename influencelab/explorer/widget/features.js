// The training point beside the test point, feature by feature or word by word, and what each adds to the influence.
import { h } from "./dom.js";
import { inWords } from "./controls.js";
import { predictions } from "./grid.js";
import { idOf, labelOf, valuesOf } from "./points.js";
import { formatted } from "./scales.js";

const ROWS = 14; // features that are shown at first
const APART = 0.5; // standard deviations from which on a difference stands out

/** The mode that compares two points; nothing where points have no features that can be read. */
export function makeFeatures({ grid }) {
  const named = Object.values(grid.points).some((points) => points.kind === "features");
  if (!named && !grid.tables.some((table) => table.contributions)) return null;
  const panel = h("div", { class: "ile-compared" }), more = h("button", { type: "button", onclick: () => { whole = !whole; show(state); } });
  let whole = false, state = null;

  function show(now) {
    state = now;
    const pair = now.focused;
    if (!pair) { panel.replaceChildren(h("p", { class: "ile-hint" }, "Choose a point to see its features beside the test point's.")); return; }
    const { table, place } = pair, { points } = table, train = table.train[place], test = table.test[place], { settings } = now.choice;
    const parts = partsOf(table, place, settings), rows = compared(points, { train, test, parts });
    if (!rows.length) { panel.replaceChildren(h("p", { class: "ile-hint" }, `${absent(table, settings)}These points have no features that are kept.`)); return; }
    const size = Math.max(...rows.map(({ part }) => Math.abs(part ?? 0)), Math.abs(parts?.rest ?? 0), 1e-300);
    const shown = whole ? rows : rows.slice(0, ROWS);
    const head = [points.kind === "texts" ? "word" : "feature", ...(parts ? [`part of the influence${table.unit ? ` (${table.unit})` : ""}`] : []),
      `${points.grouped ? "group" : "training point"} ${idOf(points, "train", train)}`, `test point ${idOf(points, "test", test)}`, "difference"];
    const body = shown.map((row) => h("tr", { class: row.apart ? "ile-apart" : "" }, h("th", { scope: "row" }, row.name),
      parts ? h("td", {}, row.part === undefined ? "" : bar(row.part, size)) : null,
      h("td", {}, formatted(row.mine)), h("td", {}, formatted(row.theirs)), h("td", {}, row.apart ? "≠ " : "", formatted(row.mine - row.theirs))));
    const ends = parts ? [["all others", parts.rest], ["sum: predicted", predictions(table, settings)[place]]].map(([name, value]) =>
      h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, bar(value, size)), h("td", { colspan: 3 }))) : [];
    const label = (part, at) => labelOf(points, part, at) || "no label";
    more.textContent = whole ? `Show the first ${ROWS}` : `Show all ${rows.length}`;
    more.hidden = rows.length <= ROWS;
    panel.replaceChildren(
      h("p", { class: "ile-small" }, parts ? "Each part is a feature of the training point times what the model makes of it for the test point; all parts add up to the prediction. "
        : absent(table, settings), `Labels: ${label("train", train)}, and ${label("test", test)} of the test point.`),
      h("div", { class: "ile-wide" }, h("table", { class: "ile-comparison" }, h("thead", {}, h("tr", {}, head.map((words) => h("th", { scope: "col" }, words)))), h("tbody", {}, body), h("tfoot", {}, ends))), more);
  }

  const words = Object.values(grid.points).some((points) => points.kind === "texts");
  return { name: "features", title: words ? "Words" : "Features", panel, show };
}

/** Why nothing is said of parts. */
function absent(table, settings) {
  if (!table.contributions) return "";
  return table.contributions.estimator === settings.estimator ? "Parts are kept of the pairs with the largest predictions only. "
    : `Parts are kept of “${inWords(table.contributions.estimator)}” only. `;
}

/** What is known of one prediction's parts: by the name of the feature, and of all others. */
function partsOf(table, place, settings) {
  const kept = table.contributions, { points } = table;
  if (!kept || kept.estimator !== settings.estimator) return null;
  kept.places ??= new Map(Array.from(kept.train_ids, (id, q) => [`${id}/${kept.test_ids[q]}`, q]));
  const q = kept.places.get(`${points.train_ids[table.train[place]]}/${points.test_ids[table.test[place]]}`);
  if (q === undefined) return null;
  const wide = kept.features.length / kept.rest.length, of = (values) => Array.from(values.subarray(q * wide, (q + 1) * wide));
  const [values, mine, theirs] = [kept.values, kept.train_values, kept.test_values].map(of);
  return { rest: kept.rest[q], rows: of(kept.features).map((at, l) => ({ name: kept.names[at], part: values[l], mine: mine[l], theirs: theirs[l] })) };
}

/** A row a feature: those that carry the influence first, then those in which the points differ most. */
function compared(points, { train, test, parts }) {
  const carrying = (parts?.rows ?? []).filter(({ part }) => part !== 0).map((row) => ({ ...row, apart: row.mine !== row.theirs && Number.isFinite(row.theirs) }));
  if (points.kind !== "features") return carrying;
  const spread = spreadOf(points), mine = valuesOf(points, "train", train), theirs = valuesOf(points, "test", test);
  const name = (f) => points.features[f] ?? `feature ${f + 1}`, known = new Map(carrying.map((row) => [row.name, row])), others = [];
  mine.forEach((value, f) => {
    const far = Math.abs(value - theirs[f]) / (spread[f] || 1), row = { name: name(f), mine: value, theirs: theirs[f], far, apart: far > APART };
    if (known.has(row.name)) Object.assign(known.get(row.name), { apart: row.apart }); else others.push(row);
  });
  return [...carrying, ...others.sort((a, b) => b.far - a.far)];
}

/** The standard deviation of each feature over the training points. */
function spreadOf(points) {
  if (points.spread) return points.spread;
  const n = points.train_ids.length, wide = points.train.length / n;
  points.spread = Float64Array.from({ length: wide }, (_, f) => {
    let sum = 0, squares = 0;
    for (let i = 0; i < n; i++) sum += points.train[i * wide + f] / n;
    for (let i = 0; i < n; i++) squares += (points.train[i * wide + f] - sum) ** 2 / n;
    return Math.sqrt(squares);
  });
  return points.spread;
}

/** A number with a bar to the right where it is positive, to the left where it is negative. */
function bar(value, size) {
  const share = 50 * Math.min(1, Math.abs(value) / size), side = value < 0 ? "right" : "left";
  return h("span", { class: "ile-signed" }, h("span", { class: "ile-track", "aria-hidden": "true" },
    h("span", { class: `ile-bar ${value < 0 ? "ile-minus" : "ile-plus"}`, style: `${side}:50%;width:${share}%` })), h("span", { class: "ile-value" }, formatted(value, 3)));
}
