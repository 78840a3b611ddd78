// Retraining on demand: asks the kernel to retrain without the chosen points, and draws what comes back.
import { pairAt, predictions } from "./grid.js";
import { formatted } from "./scales.js";

const WAIT = 1500; // milliseconds in which a kernel that is there answers
export const MOST = 50; // points that are removed together, at most

/** Requests to the kernel and its answers. `changed()` is called whenever their state changes. */
export function makeRetrainer(model, changed) {
  const retrainer = { reason: "asking the kernel …", busy: false, message: "" };
  const hear = (message) => {
    if (message.kind === "alive") retrainer.reason = message.reason;
    if (message.kind === "failed") Object.assign(retrainer, { busy: false, message: message.text });
    if (message.kind === "retrained") Object.assign(retrainer, { busy: false, message: sentence(message.found) });
    changed();
  };
  model.on("msg:custom", hear);
  const silent = setTimeout(() => {
    if (retrainer.reason !== "asking the kernel …") return;
    retrainer.reason = "no kernel is connected: run the notebook to retrain";
    changed();
  }, WAIT);
  model.send({ kind: "hello" });
  retrainer.ask = (rows) => {
    Object.assign(retrainer, { busy: true, message: "retraining …" });
    model.send({ kind: "retrain", rows });
    changed();
  };
  retrainer.end = () => { clearTimeout(silent); model.off("msg:custom", hear); };
  return retrainer;
}

function sentence({ actual, predicted, grad_norm, seconds, unit }) {
  return `true change ${formatted(actual, 5)} ${unit} (predicted ${formatted(predicted, 5)}), ‖∇J‖ = ${formatted(grad_norm, 2)}, ${formatted(seconds, 2)} s`;
}

/** The pairs to retrain without: the selected ones of one test point if the pair in focus is among them, or it alone. */
export function asked(focus, selected) {
  if (!focus) return [];
  const { table, place } = focus, row = table.first + place, alike = [];
  if (!selected.has(row)) return [row];
  table.test.forEach((test, i) => { if (test === table.test[place] && selected.has(table.first + i)) alike.push(table.first + i); });
  return alike.length <= MOST ? alike : [row];
}

/** Where the retrained pairs of the shown networks stand: predicted by the chosen estimator, and the truth. */
export function retrainedShown(grid, retrained, choice) {
  return retrained.flatMap((found) => {
    const pairs = found.rows.map((row) => pairAt(grid, row));
    if (!pairs.length || pairs.some((pair) => !pair || !choice.tables.includes(pair.table))) return [];
    const { table } = pairs[0], values = predictions(table, choice.settings), wanted = choice.settings["test point"];
    if (wanted !== "all" && table.points.test_ids[table.test[pairs[0].place]] !== wanted) return [];
    const x = pairs.reduce((sum, pair) => sum + values[pair.place], 0);
    return Number.isFinite(x) && Number.isFinite(found.actual) ? [{ x, y: found.actual }] : [];
  });
}
