// "Prove it": asks the kernel to retrain without the chosen points, and draws what comes back.
import { pairAt, predictions } from "./grid.js";
import { told } from "./scales.js";

const WAIT = 1500; // milliseconds in which a kernel that is there answers
export const MOST = 50; // points that are removed together, at most

/** The conversation with the kernel. `changed()` is called whenever what can be said of it changes. */
export function makeProver(model, changed) {
  const prover = { reason: "asking the kernel …", busy: false, told: "" };
  const hear = (message) => {
    if (message.kind === "alive") prover.reason = message.reason;
    if (message.kind === "failed") Object.assign(prover, { busy: false, told: message.text });
    if (message.kind === "proved") Object.assign(prover, { busy: false, told: sentence(message.proof) });
    changed();
  };
  model.on("msg:custom", hear);
  const silent = setTimeout(() => {
    if (prover.reason !== "asking the kernel …") return;
    prover.reason = "no kernel is connected: run the notebook to prove points";
    changed();
  }, WAIT);
  model.send({ kind: "hello" });
  prover.ask = (rows) => {
    Object.assign(prover, { busy: true, told: "retraining …" });
    model.send({ kind: "prove", rows });
    changed();
  };
  prover.end = () => { clearTimeout(silent); model.off("msg:custom", hear); };
  return prover;
}

function sentence({ actual, predicted, grad_norm, seconds }) {
  return `true change ${told(actual, 5)} nats (predicted ${told(predicted, 5)}), ‖∇J‖ = ${told(grad_norm, 2)}, ${told(seconds, 2)} s`;
}

/** Which pairs are asked about: the selected ones of one test point if the pair that is looked at is among them, or it alone. */
export function asked(focus, selected) {
  if (!focus) return [];
  const { sheet, place } = focus, row = sheet.first + place, alike = [];
  if (!selected.has(row)) return [row];
  sheet.test.forEach((test, i) => { if (test === sheet.test[place] && selected.has(sheet.first + i)) alike.push(sheet.first + i); });
  return alike.length <= MOST ? alike : [row];
}

/** Where the proofs of the shown networks stand: predicted by whoever predicts now, and the truth. */
export function proofsShown(grid, proofs, choice) {
  return proofs.flatMap((proof) => {
    const pairs = proof.rows.map((row) => pairAt(grid, row));
    if (!pairs.length || pairs.some((pair) => !pair || !choice.sheets.includes(pair.sheet))) return [];
    const { sheet } = pairs[0], values = predictions(sheet, choice.settings), wanted = choice.settings["test point"];
    if (wanted !== "all" && sheet.points.test_ids[sheet.test[pairs[0].place]] !== wanted) return [];
    const x = pairs.reduce((sum, pair) => sum + values[pair.place], 0);
    return Number.isFinite(x) && Number.isFinite(proof.actual) ? [{ x, y: proof.actual }] : [];
  });
}
