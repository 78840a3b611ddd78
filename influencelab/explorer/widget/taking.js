// What is taken along from the list: a file of the pairs as CSV, and the ids of the points to drop.
import { h } from "./dom.js";
import { pairOf, VERDICTS } from "./listing.js";
import { idOf } from "./points.js";

/** A cell as CSV has it: in quotes where it holds a comma, a quote or a line's end. */
const cell = (value) => {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Pairs as CSV, a row each: the columns of `Explorer.table()` in Python. */
export function csvOf({ grid, listing, places, notes }) {
  const { columns, rows } = listing, has = (name) => listing.tables.some((table) => table[name].length);
  const losses = ["test_loss", "train_loss", "self_influence"].filter(has);
  const head = ["row", ...grid.names, "test_id", "test_label", "train_id", "train_label", "predicted", "actual", ...losses, "verdict", "note"];
  const lines = places.map((i) => {
    const { table, points, train, test } = pairOf(listing, i), id = idOf(points, "train", train);
    const known = { test_loss: table.test_loss[test], train_loss: table.train_loss[train], self_influence: table.self_influence[train] };
    return [rows[i], ...grid.names.map((name) => table.settings[name]), idOf(points, "test", test), points.test_labels[test], id, points.train_labels[train],
      columns.predicted[i], columns.actual[i], ...losses.map((name) => known[name]), VERDICTS[listing.verdicts[i]], notes[id] ?? ""];
  });
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** The ids of the training points of these pairs, each once. */
export function idsOf({ listing, places }) {
  return [...new Set(places.map((i) => { const { points, train } = pairOf(listing, i); return idOf(points, "train", train); }))];
}

/** Buttons, and what they show. `chosen()` gives the listing and the places in it that are taken. */
export function makeTaking({ grid, on, chosen }) {
  const file = h("button", { type: "button", class: "ile-csv", onclick: save }, "CSV");
  const drop = h("button", { type: "button", class: "ile-drop", "aria-expanded": "false", onclick: () => { open = !open; show(); } }, "Ids to drop");
  const text = h("textarea", { class: "ile-ids", readonly: true, rows: 3, "aria-label": "Ids of the training points, to be dropped" });
  const said = h("span", { class: "ile-small", role: "status" });
  const copy = h("button", { type: "button", class: "ile-copy", onclick: copied }, "Copy");
  const shown = h("div", { class: "ile-taken", hidden: true }, text, h("div", { class: "ile-row" }, copy, said));
  let open = false, address = "";

  function save() {
    const { listing, places } = chosen(), name = `${grid.title || "pairs"}.csv`.replaceAll(/[^\w.-]+/g, "_");
    URL.revokeObjectURL(address);
    // A spreadsheet takes the mark at the beginning as the sign of UTF-8.
    address = URL.createObjectURL(new Blob(["\ufeff", csvOf({ grid, listing, places, notes: on.notes() })], { type: "text/csv" }));
    h("a", { href: address, download: name }).click();
    on.say(`${places.length} pairs written to ${name}`);
  }

  async function copied() {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      said.textContent = "copied";
    } catch {
      said.textContent = document.execCommand("copy") ? "copied" : "press Control C: the text is selected";
    }
  }

  function show() {
    shown.hidden = !open;
    drop.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const ids = idsOf(chosen());
    text.value = `[${ids.map((id) => JSON.stringify(id)).join(", ")}]`;
    said.textContent = `${ids.length.toLocaleString("en")} training points, each once, as a list of Python`;
  }

  return {
    buttons: [file, drop], shown,
    refresh(selected, listed) {
      file.textContent = selected ? "CSV of the selection" : "CSV of the list";
      drop.textContent = selected ? "Ids of the selection" : "Ids of the list";
      file.disabled = drop.disabled = !selected && !listed;
      show();
    },
  };
}
