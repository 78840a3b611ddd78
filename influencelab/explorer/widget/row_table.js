// The table behind the explorer of rows: a column of numbers or of texts for each thing that is known of a row.
import { formatted } from "./scales.js";

/** Rows 0 … n − 1 with their `ids`, and their columns by key; the lists that show them know `rows` and `places`. */
export function readRows(model) {
  const bytes = model.get("_numbers"), ids = model.get("_ids"), texts = model.get("_texts"), n = ids.length;
  const every = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const columns = model.get("_columns").map((name, i) => ({ name, key: `n${i}`, numbers: every.subarray(i * n, (i + 1) * n) }));
  if (texts.length) columns.push({ name: model.get("_words").texts, key: "text", texts });
  const heads = { id: ["row", Math.min(170, 20 + 7 * Math.max(3, ...ids.map((id) => String(id).length)))] };
  for (const { name, key } of columns) heads[key] = [name, key === "text" ? 260 : Math.max(66, 12 + 6 * name.length)];
  const rows = Float64Array.from({ length: n }, (_, i) => i);
  return { n, ids, columns, rows, places: new Map(Array.from(rows, (row) => [row, row])), heads, keys: Object.keys(heads), texts: ["text"] };
}

/** What stands in one cell. */
export function cell(table, key, row, digits = 4) {
  if (key === "id") return String(table.ids[row]);
  const { numbers, texts } = table.columns.find((column) => column.key === key);
  return texts ? texts[row] : Number.isFinite(numbers[row]) ? formatted(numbers[row], digits) : String(numbers[row]);
}

/** The rows that have a finite number in both columns, as a plot takes them. */
export function withFinite(x, y) {
  const rows = Array.from(x, (_, row) => row).filter((row) => Number.isFinite(x[row]) && Number.isFinite(y[row]));
  return {
    n: rows.length, rows: Uint32Array.from(rows), x: Float64Array.from(rows, (row) => x[row]), y: Float64Array.from(rows, (row) => y[row]),
    missing: { rows: [], x: [] },
  };
}

/** The rows that are asked for, in order: by default in that of the table, and those without a number last. */
export function sortedRows(table, { sort, down, words, chosenOnly }, selected) {
  const wanted = words.trim().toLowerCase(), texts = table.columns.find((column) => column.texts)?.texts;
  // A number is looked for as a whole.
  const found = (row) => [table.ids[row], texts?.[row]].some((each) => String(each ?? "").toLowerCase() === wanted || (typeof each === "string" && each.toLowerCase().includes(wanted)));
  const kept = [...table.rows].filter((row) => (!chosenOnly || selected.has(row)) && (!wanted || found(row)));
  if (sort === null) return kept;
  const values = sort === "id" ? table.ids : table.columns.find((column) => column.key === sort).numbers, lost = (row) => Number(Number.isNaN(values[row]));
  const apart = (a, b) => (values[a] === values[b] ? 0 : typeof values[a] === "number" ? values[a] - values[b] : String(values[a]).localeCompare(String(values[b])));
  return kept.sort((a, b) => lost(a) - lost(b) || (down ? -1 : 1) * apart(a, b) || a - b);
}

/** A row in one sentence: what it is called, and what is on the axes. */
export function asText(table, row, { across, up }) {
  const words = [...new Set([up, across])].map((name) => `${name} ${cell(table, table.columns.find((column) => column.name === name).key, row)}`);
  return `Row ${table.ids[row]}: ${words.join(", ")}.`;
}
