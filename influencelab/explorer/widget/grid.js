// Reads the explorer's file (see data.py): safetensors, with a header that says which array is what.
/* global WATCHED -- what changes, by its unit; bundle.py puts it in front. All other units are of losses. */

const ARRAYS = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U8: Uint8Array, BOOL: Uint8Array };
export const ANY_DAMPING = "exact, any damping";

/** What the file holds; its arrays share one buffer. */
export function readGrid(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const start = 8 + Number(new DataView(buffer).getBigUint64(0, true));
  const entries = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
  const array = ({ dtype, data_offsets: [from, to] }) => new ARRAYS[dtype](buffer, start + from, (to - from) / ARRAYS[dtype].BYTES_PER_ELEMENT);
  const grid = JSON.parse(entries.__metadata__.explorer, (_, value) => (value?.$ ? array(entries[value.$]) : value));
  let first = 0;
  for (const table of grid.tables) {
    const unit = table.unit ?? "nats", points = grid.points[table.points], deed = table.deed ?? usualDeed(points);
    Object.assign(table, { first, points, unit, deed, watched: WATCHED[unit] ?? "test loss" });
    first += table.train.length;
  }
  return { ...grid, pairs: first };
}

/** What was done to training points, where the file does not say. */
const usualDeed = ({ changed, train_ids: ids }) => (new Set(changed?.rows).size === ids.length ? "changed" : "removed");

/** The table that holds a pair, and the pair's place in it; null where there is no such pair. */
export function pairAt(grid, row) {
  const table = grid.tables.find((one) => row >= one.first && row < one.first + one.train.length);
  return table ? { table, place: row - table.first } : null;
}

/** The predicted changes of a table's pairs: NaN for those whose damping path is not stored. */
export function predictions(table, settings) {
  if (settings.estimator !== ANY_DAMPING) return table.predicted[settings.estimator];
  const { shares, rows, predicted } = table.damping_steps;
  const step = nearest(shares, settings.damping);
  const values = new Float32Array(table.train.length).fill(NaN);
  for (let q = 0; q < rows.length; q++) values[rows[q]] = predicted[step * rows.length + q];
  return values;
}

/** The place of the number nearest to another, by ratio. */
export function nearest(numbers, wanted) {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) {
    if (Math.abs(Math.log(numbers[i] / wanted)) < Math.abs(Math.log(numbers[best] / wanted))) best = i;
  }
  return best;
}

/** What is drawn: every pair of the chosen tables that the settings take in, as columns. */
export function visible(grid, choice) {
  const { settings, tables } = choice;
  const rows = [], x = [], y = [], owners = [], missing = { rows: [], x: [] };
  let unpredicted = 0;
  tables.forEach((table, owner) => {
    const predicted = predictions(table, settings), actual = table.actual[settings.target];
    const inSet = table.removed[settings.removed], moved = table.moved[settings.target];
    const { test_ids } = table.points;
    for (let i = 0; i < predicted.length; i++) {
      if (!inSet[i]) continue;
      if (settings["test point"] !== "all" && test_ids[table.test[i]] !== settings["test point"]) continue;
      if (moved[i] && settings.models === "trusted") continue;
      if (!Number.isFinite(predicted[i])) { unpredicted += 1; continue; }
      if (!Number.isFinite(actual[i])) { missing.rows.push(table.first + i); missing.x.push(predicted[i]); continue; }
      rows.push(table.first + i);
      x.push(predicted[i]);
      y.push(actual[i]);
      owners.push(owner);
    }
  });
  return {
    n: rows.length,
    rows: Uint32Array.from(rows), x: Float64Array.from(x), y: Float64Array.from(y), owners: Uint16Array.from(owners),
    missing: { rows: Uint32Array.from(missing.rows), x: Float64Array.from(missing.x) },
    unpredicted,
  };
}

/** One number for each pair of a training and a test point, the same in every network. */
export function pairKey(table, place) {
  return table.points.train_ids[table.train[place]] * 1048576 + table.points.test_ids[table.test[place]];
}
