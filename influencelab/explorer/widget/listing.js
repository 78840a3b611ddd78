// The pairs of the view as columns: what each is, how well its prediction came true, and what the point is called.
import { predictions } from "./grid.js";
import { idOf, labelOf } from "./points.js";
import { formatted } from "./scales.js";

export const NO_TRUTH = "no truth";
// How a prediction came true, in the order in which it is sorted.
export const VERDICTS = ["agrees", "within seed noise", "off by a factor of 2", "wrong sign", NO_TRUTH];

/** What is said of a prediction beside its truth; `noise` is what another seed alone changes (two sd), or 0. */
export function verdictOf(predicted, actual, { unscaled, noise }) {
  if (!Number.isFinite(actual)) return NO_TRUTH;
  const [small, large] = [Math.abs(predicted), Math.abs(actual)].sort((a, b) => a - b);
  if (!unscaled && large < noise) return "within seed noise";
  if (Math.sign(predicted) * Math.sign(actual) < 0) return "wrong sign";
  return unscaled || large <= 2 * small ? "agrees" : "off by a factor of 2";
}

/** Every pair of the view, those without a truth last: numbers by name, and what says more of each. */
export function listingOf({ shown, choice }) {
  const { settings, tables } = choice, rows = Float64Array.from([...shown.rows, ...shown.missing.rows]), n = rows.length;
  const column = () => new Float64Array(n).fill(NaN);
  const found = { n, rows, owners: new Uint16Array(n), verdicts: new Uint8Array(n), tables, places: new Map() };
  const columns = found.columns = Object.fromEntries(
    ["predicted", "actual", "error", "size", "rank", "loss", "own", "label", "id", "test", "verdict"].map((name) => [name, column()]));
  const ranked = tables.map((table) => ranksOf(table, predictions(table, settings), settings));
  for (let i = 0; i < n; i++) {
    const missing = i >= shown.n, owner = missing ? tables.findLastIndex((table) => rows[i] >= table.first) : shown.owners[i];
    const table = tables[owner], { points } = table, place = rows[i] - table.first, train = table.train[place];
    const predicted = missing ? shown.missing.x[i - shown.n] : shown.x[i], actual = missing ? NaN : shown.y[i];
    const how = { unscaled: table.unscaled.includes(settings.estimator), noise: 2 * (table.noise[settings.target] ?? 0) };
    const verdict = VERDICTS.indexOf(verdictOf(predicted, actual, how));
    found.owners[i] = owner;
    found.places.set(rows[i], i);
    columns.predicted[i] = predicted;
    columns.actual[i] = actual;
    columns.error[i] = how.unscaled ? NaN : predicted - actual;
    columns.size[i] = Math.abs(predicted);
    columns.rank[i] = ranked[owner][place];
    columns.loss[i] = table.train_loss[train] ?? NaN;
    columns.own[i] = table.self_influence[train] ?? NaN;
    columns.label[i] = points.train_labels[train];
    columns.id[i] = points.train_names ? places(points, "train")[train] : points.train_ids[train];
    columns.test[i] = points.test_names ? places(points, "test")[table.test[place]] : points.test_ids[table.test[place]];
    columns.verdict[i] = found.verdicts[i] = verdict;
  }
  return found;
}

/** The place of each point's name in the order of the alphabet. */
function places(points, part) {
  const known = points.alphabet ??= {};
  if (known[part]) return known[part];
  const names = points[`${part}_names`], order = names.map((_, i) => i).sort((a, b) => names[a].localeCompare(names[b]));
  known[part] = new Float64Array(names.length);
  order.forEach((i, place) => { known[part][i] = place; });
  return known[part];
}

/** Of each pair: by |prediction|, its rank from 1 among the removals of its test point; ties have the best one. */
function ranksOf(table, values, settings) {
  const inSet = table.removed[settings.removed], ranked = new Float64Array(values.length).fill(NaN), { test } = table, some = [];
  for (let i = 0; i < values.length; i++) if (inSet[i] && Number.isFinite(values[i])) some.push(i);
  some.sort((a, b) => test[a] - test[b] || Math.abs(values[b]) - Math.abs(values[a]));
  let first = 0;
  some.forEach((i, k) => {
    if (k && test[some[k - 1]] !== test[i]) first = k;
    const tied = k > first && Math.abs(values[some[k - 1]]) === Math.abs(values[i]);
    ranked[i] = tied ? ranked[some[k - 1]] : k - first + 1;
  });
  return ranked;
}

/** The table, its points, and the places of both points of one listed pair. */
export function pairOf(listing, i) {
  const table = listing.tables[listing.owners[i]], place = listing.rows[i] - table.first;
  return { table, points: table.points, place, train: table.train[place], test: table.test[place] };
}

/** The places of the pairs that a search and the filters leave, sorted by a column; those without a number last. */
export function arranged(listing, { words, label, verdict, lossFrom, lossTo, rankTo, chosenOnly, sort, down }, { selected, notes }) {
  const { columns, rows } = listing, wanted = searched(words), kept = [];
  const known = new Map();
  for (let i = 0; i < listing.n; i++) {
    if (chosenOnly && !selected.has(rows[i])) continue;
    if (verdict >= 0 && listing.verdicts[i] !== verdict) continue;
    if (label !== null && columns.label[i] !== label) continue;
    if (Number.isFinite(lossFrom) && !(columns.loss[i] >= lossFrom)) continue;
    if (Number.isFinite(lossTo) && !(columns.loss[i] <= lossTo)) continue;
    if (Number.isFinite(rankTo) && !(columns.rank[i] <= rankTo)) continue;
    if (wanted.length && !matches(listing, i, { wanted, notes, known })) continue;
    kept.push(i);
  }
  const order = Uint32Array.from(kept), key = Float64Array.from(columns[sort], (value) => (Number.isNaN(value) ? Infinity : down ? -value : value));
  return order.sort((a, b) => key[a] - key[b] || a - b);
}

/** What is looked for: every word; a number as a whole word, so that 12 is not found in 112. */
function searched(words) {
  return words.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    if (!/^\d+$/.test(word)) return (text) => text.includes(word);
    const whole = new RegExp(`(^|[^\\d.])${word}($|[^\\d.])`);
    return (text) => whole.test(text);
  });
}

/** Whether a training point has all the words in its id, name, label, text or note; asked once a point. */
function matches(listing, i, { wanted, notes, known }) {
  const { table, points, train } = pairOf(listing, i), ofPoints = known.get(points) ?? known.set(points, new Map()).get(points);
  if (!ofPoints.has(train)) {
    const text = wordsOf(points, train), note = (notes[idOf(points, "train", train)] ?? "").toLowerCase();
    ofPoints.set(train, wanted.every((found) => found(text) || (note && found(note))));
  }
  return table && ofPoints.get(train);
}

function wordsOf(points, train) {
  points.words ??= [];
  return points.words[train] ??= [points.train_ids[train], points.train_names?.[train], labelOf(points, "train", train), points.train_texts?.[train]]
    .filter((each) => each !== undefined && each !== "").join(" · ").toLowerCase();
}

/** One cell in words. */
export function told(listing, name, i, notes) {
  const { table, points, train, test } = pairOf(listing, i), { columns } = listing;
  switch (name) {
    case "id": return String(idOf(points, "train", train));
    case "test": return String(idOf(points, "test", test));
    case "label": return labelOf(points, "train", train) || "–";
    case "verdict": return VERDICTS[listing.verdicts[i]];
    case "note": return notes[idOf(points, "train", train)] ?? "";
    case "text": return points.train_texts[train];
    case "rank": return String(columns.rank[i]);
    default: return table && formatted(columns[name][i], 3);
  }
}
