// Colours that people with any colour vision can distinguish.
import { formatted } from "./scales.js";

// Okabe and Ito (2008); the ink of the page stands in for their black.
const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"];
// Paul Tol's muted scheme, for nine and ten classes.
const MUTED = ["#332288", "#ddcc77", "#117733", "#cc6677", "#88ccee", "#882255", "#44aa99", "#aa4499", "#999933", "#888888"];
const MUTED_ON_DARK = ["#8f86e0", ...MUTED.slice(1, 5), "#d0648f", ...MUTED.slice(6)];
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];

export function rgb(colour) {
  if (colour.startsWith("#")) return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return (colour.match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).map(Number);
}

/** As many colours as there are kinds. */
export function palette(count, dark) {
  if (count <= OKABE_ITO.length) return OKABE_ITO.slice(0, Math.max(1, count));
  if (count <= MUTED.length) return (dark ? MUTED_ON_DARK : MUTED).slice(0, count);
  return Array.from({ length: count }, (_, i) => viridis(i / (count - 1)));
}

export function viridis(share) {
  const place = Math.min(0.9999, Math.max(0, share)) * (VIRIDIS.length - 1);
  const [one, other] = [VIRIDIS[Math.floor(place)], VIRIDIS[Math.floor(place) + 1]].map(rgb);
  const mixed = one.map((value, i) => Math.round(value + (other[i] - value) * (place % 1)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

const STEPS = 24;

/** The colour of every drawn pair as a place in a palette, and what the legend says. */
export function paint(shown, choice, grid, dark) {
  const { settings, tables } = choice;
  if (settings.colour === "|influence|") return paintBySize(shown, dark, tables[0].unit);
  if (settings.colour === "class") return paintBy(shown, (i) => classOf(shown, tables, i), `class of the ${tables[0].deed} point`, dark);
  if (settings.colour === "seed") return paintBy(shown, (i) => seedOf(tables[shown.owners[i]]), "seed", dark);
  return { tones: new Uint8Array(shown.n), colours: palette(1, dark), legend: [] };
}

function classOf(shown, tables, i) {
  const table = tables[shown.owners[i]];
  const label = table.points.train_labels[table.train[shown.rows[i] - table.first]];
  return Number.isNaN(label) ? "unknown" : label;
}

function seedOf(table) {
  return table.settings.seed ?? table.settings.network ?? "one network";
}

/** A colour for each value of something; along one scale where there are many. */
export function paintBy(shown, valueOf, title, dark) {
  const values = Array.from({ length: shown.n }, (_, i) => valueOf(i));
  const kinds = [...new Set(values)].sort((a, b) => a - b);
  if (kinds.length > 12) return paintByRank(values, kinds, title);
  const places = new Map(kinds.map((kind, place) => [kind, place]));
  const colours = palette(kinds.length, dark);
  const legend = kinds.map((kind, place) => ({ label: inLegend(kind), colour: colours[place] }));
  return { tones: Uint8Array.from(values, (value) => places.get(value)), colours, legend, title };
}

const inLegend = (kind) => (typeof kind === "number" ? formatted(kind) : String(kind));

/** Targets, and more classes than can be distinguished, go along one scale of colours. */
function paintByRank(values, kinds, title) {
  const places = new Map(kinds.map((kind, place) => [kind, Math.round(place / (kinds.length - 1) * (STEPS - 1))]));
  return {
    tones: Uint8Array.from(values, (value) => places.get(value)), colours: scaleOf(STEPS),
    legend: [{ label: inLegend(kinds[0]), colour: viridis(0) }, { label: inLegend(kinds.at(-1)), colour: viridis(1) }], title,
  };
}

const scaleOf = (steps, from = 0) => Array.from({ length: steps }, (_, i) => viridis(from + (1 - from) * i / (steps - 1)));

function paintBySize(shown, dark, unit) {
  const sizes = Float64Array.from(shown.x, (value) => Math.log10(Math.abs(value) + 1e-300));
  const ordered = Float64Array.from(sizes).sort();
  const low = ordered[Math.floor(ordered.length / 20)] ?? 0, high = ordered.at(-1) ?? 1;
  const share = (size) => Math.min(1, Math.max(0, (size - low) / Math.max(1e-9, high - low)));
  const ends = [[low, 0], [high, 1]].map(([size, at]) => ({ label: (10 ** size).toExponential(1), colour: viridis(dark ? 0.25 + 0.75 * at : 0.92 * at) }));
  const colours = Array.from({ length: STEPS }, (_, i) => viridis(dark ? 0.25 + 0.75 * i / (STEPS - 1) : 0.92 * i / (STEPS - 1)));
  return { tones: Uint8Array.from(sizes, (size) => Math.round(share(size) * (STEPS - 1))), colours, legend: ends, title: `|predicted change|, ${unit}` };
}
