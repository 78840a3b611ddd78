// Reads an exploration's bytes (see packing.py): the header, and every array where the header says it stands.

const ARRAYS = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };
export const ANY_DAMPING = "exact, any damping";

/** The exploration as typed arrays that share one buffer. */
export function readGrid(bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const length = new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const take = ([kind, first, count]) => new ARRAYS[kind](buffer, 8 + length + first, count);
  const each = (held) => Object.fromEntries(Object.entries(held).map(([name, where]) => [name, take(where)]));
  const points = {};
  for (const [name, held] of Object.entries(header.points)) points[name] = readPoints(held, take);
  let first = 0;
  const sheets = header.sheets.map((held) => {
    const sheet = { ...held, first, points: points[held.points], path: held.path && each(held.path) };
    for (const name of ["train", "test", "train_loss", "self_influence", "test_loss"]) sheet[name] = take(held[name]);
    for (const family of ["predicted", "actual", "moved", "removed"]) sheet[family] = each(held[family]);
    first += sheet.train.length;
    return sheet;
  });
  return { ...header, points, sheets, pairs: first };
}

function readPoints(held, take) {
  const read = { ...held };
  for (const name of ["train_ids", "test_ids", "train_labels", "test_labels"]) read[name] = take(held[name]);
  for (const name of ["train", "test", "atlas"]) if (held[name]) read[name] = take(held[name]);
  return read;
}

/** The sheet that holds a pair, and the pair's place in it; null where there is no such pair. */
export function pairAt(grid, row) {
  const sheet = grid.sheets.find((one) => row >= one.first && row < one.first + one.train.length);
  return sheet ? { sheet, place: row - sheet.first } : null;
}

/** The predicted changes of a sheet's pairs: NaN for those of which the damping path is not kept. */
export function predictions(sheet, settings) {
  if (settings.estimator !== ANY_DAMPING) return sheet.predicted[settings.estimator];
  const { shares, rows, predicted } = sheet.path;
  const step = nearest(shares, settings.damping);
  const values = new Float32Array(sheet.train.length).fill(NaN);
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

/** What is drawn: every pair of the chosen sheets that the settings look at, as columns. */
export function visible(grid, choice) {
  const { settings, sheets } = choice;
  const rows = [], x = [], y = [], owners = [], missing = { rows: [], x: [] };
  let untold = 0;
  sheets.forEach((sheet, owner) => {
    const predicted = predictions(sheet, settings), actual = sheet.actual[settings.target];
    const looked = sheet.removed[settings.removed], moved = sheet.moved[settings.target];
    const { test_ids } = sheet.points;
    for (let i = 0; i < predicted.length; i++) {
      if (!looked[i]) continue;
      if (settings["test point"] !== "all" && test_ids[sheet.test[i]] !== settings["test point"]) continue;
      if (moved[i] && settings.models === "trusted") continue;
      if (!Number.isFinite(predicted[i])) { untold += 1; continue; }
      if (!Number.isFinite(actual[i])) { missing.rows.push(sheet.first + i); missing.x.push(predicted[i]); continue; }
      rows.push(sheet.first + i);
      x.push(predicted[i]);
      y.push(actual[i]);
      owners.push(owner);
    }
  });
  return {
    n: rows.length,
    rows: Uint32Array.from(rows), x: Float64Array.from(x), y: Float64Array.from(y), owners: Uint16Array.from(owners),
    missing: { rows: Uint32Array.from(missing.rows), x: Float64Array.from(missing.x) },
    untold,
  };
}

/** One number for each pair of a training and a test point, the same in every network. */
export function pairKey(sheet, place) {
  return sheet.points.train_ids[sheet.train[place]] * 1048576 + sheet.points.test_ids[sheet.test[place]];
}
