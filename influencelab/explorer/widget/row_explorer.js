// Rows of a regression: any two of their numbers against each other, and beside the plot each row with all its values.
import { h } from "./dom.js";
import { showControls } from "./controls.js";
import { paintBy, palette } from "./colours.js";
import { draw, drawOverlay } from "./draw.js";
import { makeTools, showLasso, showLegend } from "./frame.js";
import { listen } from "./gestures.js";
import { bins, fitView, inView, inner, makePlot, place, resize, setPairs, zoom } from "./plot.js";
import { asText, cell, readRows, sortedRows, withFinite } from "./row_table.js";
import { makeList } from "./rows.js";
import { watchTheme } from "./theme.js";

const ROW_KEYS = "Scatter of rows. Arrow keys move from row to row, Enter selects, plus and minus zoom, 0 shows all, "
  + "L draws a lasso, A selects all in view, Escape clears. Shift and arrows pan.";

export function render({ model, el }) {
  const table = readRows(model), ends = [];
  const state = { focus: table.n ? 0 : -1, hovered: -1, outline: null, selected: new Set(), lassoing: false, shown: null };
  const asked = { sort: null, down: true, words: "", chosenOnly: false };
  const actions = {
    toggleLasso, all: selectView, clear: () => select([]), reset: () => { fitView(plot, false); redraw(); },
    zoomIn: () => { zoom(plot, 1.4, ...middle()); redraw(); }, zoomOut: () => { zoom(plot, 1 / 1.4, ...middle()); redraw(); },
  };
  const parts = makeParts(el, model.get("_words"), actions, {
    search: (event) => { asked.words = event.target.value; showList(); },
    only: (event) => { asked.chosenOnly = event.target.checked; showList(); },
  });
  const plot = makePlot(parts.surface);
  const list = makeList(parts.list, {
    focus, clear: actions.clear, every: () => select([...state.order]), choose: select,
    toggle: (row) => select(state.selected.has(row) ? [...state.selected].filter((one) => one !== row) : [row], !state.selected.has(row)),
    sort(name) { Object.assign(asked, { down: asked.sort !== name || !asked.down, sort: name }); showList(); },
  }, { title: "Rows", columns: table.heads, texts: table.texts, tell: (_, key, row) => cell(table, key, row) });
  let theme = null;

  const middle = () => { const { left, top, width, height } = inner(plot); return [left + width / 2, top + height / 2]; };
  const drawnAt = (row) => state.places.get(row) ?? -1;
  const numbersOf = (name) => table.columns.find((column) => column.name === name).numbers;

  /** Put what the settings say on the axes. */
  function choose() {
    const { across, up, axes } = state.settings = model.get("settings");
    state.shown = withFinite(numbersOf(across), numbersOf(up));
    state.places = new Map(Array.from(state.shown.rows, (row, i) => [row, i]));
    setPairs(plot, state.shown, { kind: axes, alike: false });
    fitView(plot, false);
    showControls(parts.controls, { settings: state.settings, controls: controls(), steps: null }, (name, value) => {
      model.set("settings", { ...state.settings, [name]: value });
      model.save_changes();
      choose();
    });
    const lost = table.n - state.shown.n;
    parts.lost.textContent = lost ? `${lost.toLocaleString("en")} of them have no finite number here, and no dot.` : "";
    refresh();
  }

  function controls() {
    const numbers = table.columns.filter((column) => column.numbers).map(({ name }) => name);
    const optionOf = (value) => ({ value, exists: true, words: numbers.includes(value) ? value : undefined });
    const named = (name, values) => ({ name, options: values.map(optionOf) });
    return [named("across", numbers), named("up", numbers), named("axes", ["linear", "symlog"]), named("colour", [...numbers, "one colour"])];
  }

  /** Everything that follows from the settings and the selection. */
  function refresh() {
    const { shown, settings: { across, up, colour } } = state;
    state.chosen = state.selected.size ? Uint8Array.from(shown.rows, (row) => (state.selected.has(row) ? 1 : 0)) : null;
    const values = colour === "one colour" ? null : numbersOf(colour);
    const painted = values ? paintBy(shown, (i) => values[shown.rows[i]], colour, theme.dark)
      : { tones: new Uint8Array(shown.n), colours: palette(1, theme.dark), legend: [] };
    showLegend(parts.legend, painted);
    state.scene = { theme, ...painted, chosen: state.chosen, line: { slope: null }, band: 0, identity: false, labels: { x: across, y: up, units: ["", ""] } };
    showList();
    lookAt();
    redraw();
  }

  function showList() {
    state.order = sortedRows(table, asked, state.selected);
    list.show({ listing: table, order: state.order, columns: table.keys, pictures: false, focus: state.focus, selected: state.selected, sort: asked.sort, down: asked.down });
    parts.count.textContent = `${state.order.length.toLocaleString("en")} rows are listed, ${state.selected.size.toLocaleString("en")} selected`;
  }

  /** Every value of the row in focus. */
  function lookAt() {
    const row = state.focus;
    const facts = row < 0 ? [] : table.columns.flatMap(({ name, key }) => [h("dt", {}, name), h("dd", {}, cell(table, key, row, 5))]);
    parts.row.replaceChildren(...(row < 0 ? [] : [h("h4", {}, `Row ${table.ids[row]}`), h("dl", { class: "ile-values" }, facts)]));
  }

  function focus(row) {
    state.focus = row;
    showList();
    lookAt();
    overlay();
    say(asText(table, row, state.settings));
  }

  function select(rows, add = false) {
    state.selected = new Set(add ? [...state.selected, ...rows] : rows);
    refresh();
    model.set("selected", new DataView(Uint32Array.from(state.selected).sort().buffer));
    model.save_changes();
    say(`${state.selected.size} rows selected`);
  }

  function selectView() {
    select(inView(plot).map((i) => state.shown.rows[i]));
  }

  function toggleLasso() {
    state.lassoing = !state.lassoing;
    showLasso(parts, state.lassoing);
    say(state.lassoing ? "Lasso on: drag around rows." : "Lasso off.");
  }

  function redraw() {
    draw(plot, state.scene);
    overlay();
    Object.assign(parts.root.dataset, { n: state.shown.n, selected: state.selected.size, settings: JSON.stringify(state.settings), ready: "true" });
  }

  function overlay() {
    drawOverlay(plot, { hovered: state.hovered, focused: drawnAt(state.focus), outline: state.outline, retrained: [], theme });
    parts.root.dataset.focus = state.focus < 0 ? "" : table.ids[state.focus];
  }

  function say(text) { parts.live.textContent = text; }

  const on = {
    hover(i, x, y) {
      state.hovered = i;
      overlay();
      parts.tip.hidden = i < 0;
      if (i < 0) return;
      parts.tip.textContent = asText(table, state.shown.rows[i], state.settings);
      Object.assign(parts.tip.style, { left: `${Math.min(x + 14, plot.width - 240)}px`, top: `${y > plot.height / 2 ? y - 14 : y + 14}px` });
      parts.tip.classList.toggle("ile-above", y > plot.height / 2);
    },
    outline(points) { state.outline = points; overlay(); },
    lasso(places, add) { state.outline = null; select(places.map((i) => state.shown.rows[i]), add); },
    click(i, add) {
      if (i < 0) { if (!add) select([]); return; }
      const row = state.focus = state.shown.rows[i];
      if (add && state.selected.has(row)) select([...state.selected].filter((one) => one !== row)); else select([row], add);
      say(asText(table, row, state.settings));
    },
    choose() { if (state.focus >= 0) select(state.selected.has(state.focus) ? [...state.selected].filter((one) => one !== state.focus) : [state.focus], !state.selected.has(state.focus)); },
    moved: redraw, reset: actions.reset, clear: actions.clear, toggleLasso, all: selectView, lassoing: () => state.lassoing,
    focused: () => drawnAt(state.focus), focus: (i) => { if (i >= 0) focus(state.shown.rows[i]); },
  };
  const heard = {
    "change:settings": () => { if (JSON.stringify(model.get("settings")) !== JSON.stringify(state.settings)) choose(); },
    "change:selected": () => {
      const rows = picked(model);
      if (rows.length === state.selected.size && rows.every((row) => state.selected.has(row))) return;
      state.selected = new Set(rows);
      refresh();
    },
  };

  /** Begin once the element stands in the page: before that it has neither size nor colours. */
  function start() {
    resize(plot);
    state.selected = new Set(picked(model));
    ends.push(watchTheme(parts.root, (colours) => { theme = colours; if (state.shown) refresh(); }));
    choose();
    ends.push(listen(parts.surface, plot, on));
    for (const [name, handler] of Object.entries(heard)) {
      model.on(name, handler);
      ends.push(() => model.off(name, handler));
    }
  }

  const observer = new ResizeObserver(() => {
    if (!parts.root.clientWidth) return;
    parts.root.classList.toggle("ile-narrow", parts.root.clientWidth < 760);
    if (!state.shown) start(); else if (resize(plot)) redraw();
  });
  observer.observe(parts.surface);
  ends.push(() => observer.disconnect(), () => list.end());
  parts.root.explorer = { place: (x, y) => place(plot, x, y), shown: () => state.shown, bins: () => bins(plot) };
  return () => ends.forEach((end) => end());
}

/** Every part of the widget, in an element. */
function makeParts(el, words, actions, { search, only }) {
  const { tools, lasso } = makeTools(actions);
  const parts = {
    lasso, controls: h("div", { class: "ile-controls", role: "group", "aria-label": "Settings" }),
    surface: h("div", { class: "ile-surface", tabindex: 0, role: "application", "aria-label": ROW_KEYS, "aria-roledescription": "scatter plot" }),
    tip: h("div", { class: "ile-tip", hidden: true }), legend: h("div", { class: "ile-legend" }), lost: h("p", { class: "ile-small" }),
    list: h("div", { class: "ile-list-host ile-named" }), count: h("p", { class: "ile-small", role: "status" }), row: h("div", { class: "ile-row-values" }),
    live: h("div", { class: "ile-live", "aria-live": "polite" }),
  };
  const left = h("div", { class: "ile-left" }, tools, h("div", { class: "ile-plot" }, parts.surface, parts.tip), parts.legend, parts.lost);
  const filters = h("div", { class: "ile-filters", role: "search" },
    h("label", { class: "ile-control" }, h("span", {}, "search"), h("input", { type: "search", class: "ile-search", placeholder: "row or words", oninput: search })),
    h("label", { class: "ile-check" }, h("input", { type: "checkbox", onchange: only }), "selected only"));
  const right = h("div", { class: "ile-right" }, filters, parts.count, parts.list);
  parts.root = h("div", { class: "ile ile-broad", "data-lm-suppress-shortcuts": "true", role: "region", "aria-label": "Explorer of rows" },
    h("h4", {}, words.title), words.said.map((each) => h("p", { class: "ile-what" }, each)), parts.controls, h("div", { class: "ile-body" }, left, right), parts.row, parts.live);
  parts.root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(parts.root);
  return parts;
}

function picked(model) {
  const bytes = model.get("selected");
  return bytes?.byteLength ? [...new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))] : [];
}

export default { render };
