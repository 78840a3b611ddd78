// The list beside the plot: the training points of the view to be searched, filtered, sorted, selected and taken along.
import { h } from "./dom.js";
import { arranged, listingOf, VERDICTS } from "./listing.js";
import { labelOf } from "./points.js";
import { PAIR_LINES } from "./pair_lines.js";
import { makeList } from "./rows.js";
import { makeTaking } from "./taking.js";

// What can be sorted by: its column, its words, and whether the largest come first.
const SORTS = [
  ["size", "|influence|", true], ["predicted", "predicted", true], ["actual", "actual", true], ["error", "error", true], ["rank", "rank", false],
  ["loss", "loss", true], ["own", "self-influence", true], ["label", "label", false], ["id", "id or name", false], ["verdict", "verdict", false], ["test", "test point", false],
];
const PAUSE = 120; // milliseconds without a key after which a search begins
const MOST_LABELS = 40; // labels that can be chosen from one by one

/** The mode that lists the pairs. `on` holds what the explorer does: focus(row), select(rows, add), say(text). */
export function makeBrowse({ grid, addresses, on }) {
  const asked = { words: "", label: null, verdict: -1, lossFrom: NaN, lossTo: NaN, rankTo: NaN, chosenOnly: false, sort: "size", down: true };
  const look = { pictures: Object.values(grid.points).some((points) => points.kind === "images") };
  const panel = h("div", { class: "ile-browse" }), count = h("p", { class: "ile-small", role: "status" });
  let state = null, listing = null, order = new Uint32Array(0), of = [], waiting = 0;

  const field = (words, control) => {
    if (!control.matches("div")) control.setAttribute("aria-label", words);
    return h("label", { class: "ile-control" }, h("span", {}, words), control);
  };
  const number = (name, words) => h("input", { type: "number", step: "any", class: "ile-number", "aria-label": words, oninput: (event) => later({ [name]: event.target.valueAsNumber }) });
  const search = h("input", { type: "search", class: "ile-search", placeholder: "id, name, label, words, note", oninput: () => later({ words: search.value }) });
  const sorts = h("select", { "aria-label": "sort by", onchange: () => sortBy(sorts.value) }), labels = h("select", { onchange: () => ask({ label: labels.value === "" ? null : Number(labels.value) }) });
  const verdicts = h("select", { onchange: () => ask({ verdict: Number(verdicts.value) }) }, h("option", { value: -1 }, "any"), VERDICTS.map((words, i) => h("option", { value: i }, words)));
  const direction = h("button", { type: "button", onclick: () => ask({ down: !asked.down }) });
  const only = h("input", { type: "checkbox", onchange: () => ask({ chosenOnly: only.checked }) });
  const switched = h("button", { type: "button", "aria-pressed": "false", onclick: () => { look.pictures = !look.pictures; refresh(); } }, "Pictures");
  const loss = h("div", { class: "ile-range" }, number("lossFrom", "loss from"), "–", number("lossTo", "loss to"));
  const parts = { label: field("label", labels), verdict: field("prediction", verdicts), loss: h("div", { class: "ile-control" }, h("span", {}, "loss"), loss), rank: field("rank up to", number("rankTo", "rank up to")) };
  const every = h("button", { type: "button", onclick: () => on.select(listed()) }, "Select all listed");
  const taking = makeTaking({ grid, on, chosen: () => ({ listing, state, places: taken() }) });
  const host = h("div", { class: "ile-list-host" });
  panel.append(
    h("div", { class: "ile-filters", role: "search" }, field("search", search), h("div", { class: "ile-control" }, h("span", {}, "sort by"), h("div", { class: "ile-range" }, sorts, direction)), ...Object.values(parts),
      h("label", { class: "ile-check" }, only, "selected only"), switched),
    count, host, h("div", { class: "ile-row" }, every, taking.buttons), taking.shown);
  const list = makeList(host, {
    focus: on.focus, clear: () => on.select([]), every: () => on.select(listed()), sort: sortBy,
    choose: (rows, add) => on.select(rows, add),
    toggle(row) { on.select(state.selected.has(row) ? [...state.selected].filter((one) => one !== row) : [row], !state.selected.has(row)); },
  }, PAIR_LINES);

  const listed = () => Array.from(order, (i) => listing.rows[i]);

  /** The selected pairs of the view, by their places. */
  const selected = () => [...state.selected].map((row) => listing.places.get(row)).filter((i) => i !== undefined);

  /** What is taken along: the selected pairs, in the order of the list; all that are listed where none is. */
  function taken() {
    const some = selected();
    if (!some.length) return [...order];
    const at = new Map(Array.from(order, (i, k) => [i, k]));
    return some.sort((a, b) => (at.get(a) ?? Infinity) - (at.get(b) ?? Infinity) || a - b);
  }

  function ask(change) {
    Object.assign(asked, change);
    refresh();
  }

  function later(change) {
    Object.assign(asked, change);
    clearTimeout(waiting);
    waiting = setTimeout(refresh, PAUSE);
  }

  function sortBy(name) {
    ask(name === asked.sort ? { down: !asked.down } : { sort: name, down: SORTS.find(([each]) => each === name)[2] });
  }

  /** What can be asked of these pairs. */
  function offer() {
    const { columns } = listing, has = (name) => columns[name].some((value) => !Number.isNaN(value));
    const several = (name) => { const [first] = columns[name]; return columns[name].some((value) => value !== first); };
    const there = SORTS.filter(([name]) => (name === "test" ? several(name) : has(name)));
    if (!there.some(([name]) => name === asked.sort)) Object.assign(asked, { sort: "size", down: true });
    sorts.replaceChildren(...there.map(([name, words]) => h("option", { value: name }, words)));
    const kinds = [...new Set(columns.label)].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
    if (!kinds.includes(asked.label)) asked.label = null;
    const inWords = new Map();
    columns.label.forEach((value, i) => { if (!inWords.has(value)) inWords.set(value, i); });
    const named = (value) => { const i = inWords.get(value), table = listing.tables[listing.owners[i]]; return labelOf(table.points, "train", table.train[listing.rows[i] - table.first]); };
    const few = kinds.length > 1 && kinds.length <= MOST_LABELS;
    parts.label.hidden = !few;
    labels.replaceChildren(...(few ? [h("option", { value: "" }, "any"), ...kinds.map((value) => h("option", { value }, named(value)))] : []));
    parts.loss.hidden = !has("loss");
    switched.hidden = !listing.tables.some(({ points }) => points.kind === "images");
    for (const option of verdicts.options) option.hidden = option.value >= 0 && !listing.verdicts.includes(Number(option.value));
  }

  function columns() {
    const known = new Set([...sorts.options].map((option) => option.value)), texts = listing.tables.some(({ points }) => points.kind === "texts");
    return ["id", "test", "label", "predicted", "actual", "error", "rank", "loss", "own", "verdict", "note", "text"]
      .filter((name) => name === "note" || (name === "text" ? texts : known.has(name)));
  }

  function refresh() {
    if (!state) return;
    const began = performance.now();
    if (listing?.of !== state.shown) {
      listing = Object.assign(listingOf(state), { of: state.shown });
      offer();
    }
    const notes = on.notes();
    sorts.value = asked.sort;
    labels.value = asked.label ?? "";
    direction.textContent = asked.down ? "↓" : "↑";
    direction.setAttribute("aria-label", asked.down ? "largest first: turn round" : "smallest first: turn round");
    // What is in focus changes often, and leaves the order as it is.
    const now = [listing, JSON.stringify(asked), asked.chosenOnly && state.selected, asked.words && notes];
    if (now.some((each, i) => each !== of[i])) order = arranged(listing, asked, { selected: state.selected, notes });
    of = now;
    const pictures = look.pictures && !switched.hidden;
    switched.textContent = pictures ? "As rows" : "As pictures";
    list.show({ listing, order, notes, addresses, pictures, columns: columns(), focus: state.focus, selected: state.selected, sort: asked.sort, down: asked.down });
    const lost = listing.n - listing.of.n;
    count.textContent = `${order.length.toLocaleString("en")} of ${listing.n.toLocaleString("en")} pairs are listed${lost ? `; ${lost.toLocaleString("en")} have no truth` : ""}`;
    taking.refresh(selected().length, order.length);
    Object.assign(panel.dataset, { listed: order.length, ms: (performance.now() - began).toFixed(1) });
  }

  return {
    name: "browse", title: "Browse", panel,
    show(now) { state = now; refresh(); },
    end() { clearTimeout(waiting); list.end(); },
  };
}
