// Retraining on demand: asks the kernel to retrain without the chosen points, and draws what comes back.
import { pairAt, predictions } from "./grid.js";
import { told } from "./scales.js";

const WAIT = 1500; // milliseconds in which a kernel that is there answers
export const MOST = 50; // points that are removed together, at most

/** The conversation with the kernel. `changed()` is called whenever what can be said of it changes. */
export function makeRetrainer(model, changed) {
  const retrainer = { reason: "asking the kernel …", busy: false, told: "" };
  const hear = (message) => {
    if (message.kind === "alive") retrainer.reason = message.reason;
    if (message.kind === "failed") Object.assign(retrainer, { busy: false, told: message.text });
    if (message.kind === "retrained") Object.assign(retrainer, { busy: false, told: sentence(message.found) });
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
    Object.assign(retrainer, { busy: true, told: "retraining …" });
    model.send({ kind: "retrain", rows });
    changed();
  };
  retrainer.end = () => { clearTimeout(silent); model.off("msg:custom", hear); };
  return retrainer;
}

function sentence({ actual, predicted, grad_norm, seconds }) {
  return `true change ${told(actual, 5)} nats (predicted ${told(predicted, 5)}), ‖∇J‖ = ${told(grad_norm, 2)}, ${told(seconds, 2)} s`;
}

/** Which pairs are asked about: the selected ones of one test point if the pair that is looked at is among them, or it alone. */
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
