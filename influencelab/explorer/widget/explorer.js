// The explorer: holds what is chosen, and brings plot, controls, statistics and points in line with it.
import { h, pictureAddress } from "./dom.js";
import { ANY_DAMPING, pairAt, pairKey, readGrid, visible } from "./grid.js";
import { settle } from "./choices.js";
import { paint } from "./colours.js";
import { draw, drawOverlay } from "./draw.js";
import { listen } from "./gestures.js";
import { makeFrame, showLasso, showLegend, showWhat } from "./frame.js";
import { showControls } from "./controls.js";
import { bins, fitView, inView, inner, makePlot, place, resize, setPairs, zoom } from "./plot.js";
import { pixelsOf } from "./points.js";
import { makeModes } from "./modes.js";
import { makeNotes } from "./notes.js";
import { showTip } from "./tip.js";
import { asked, makeRetrainer, retrainedShown } from "./retraining.js";
import { inOneSentence, showPair, showStrips } from "./panel.js";
import { showReadings } from "./readings.js";
import { watchTheme } from "./theme.js";
import { statisticsOf } from "./counting.js";

// Changes of these leave the visible part of the plot as it is.
const STAY = ["damping", "colour"];
const MANY = 5000; // pairs from which on painting comes before counting

export function render({ model, el }) {
  const started = performance.now(), grid = readGrid(model.get("_grid"));
  const ends = [], addresses = {};
  const state = { focus: -1, hovered: -1, outline: null, selected: new Set(), lassoing: false, choice: null, shown: null, ready: false };
  const actions = {
    toggleLasso, all: selectView, clear: () => select([]), reset: () => { fit(); redraw(); }, retrain,
    zoomIn: () => { zoom(plot, 1.4, ...middle()); redraw(); }, zoomOut: () => { zoom(plot, 1 / 1.4, ...middle()); redraw(); },
  };
  const parts = makeFrame(el, actions);
  parts.notes.replaceChildren(...grid.notes.map((note) => h("p", {}, note)));
  if (!grid.pairs) {
    parts.root.classList.add("ile-empty");
    parts.root.append(h("p", { class: "ile-hint" }, "There is nothing to show: this run stored no pairs of predicted and actual change."));
    parts.root.dataset.ready = "true";
    return () => {};
  }
  for (const [name, points] of Object.entries(grid.points)) if (points.sprite_sheet) addresses[name] = pictureAddress(points.sprite_sheet);
  const plot = makePlot(parts.surface);
  let theme = null;

  const middle = () => { const { left, top, width, height } = inner(plot); return [left + width / 2, top + height / 2]; };
  const focused = () => (state.focus < 0 ? null : pairAt(grid, state.focus));
  const drawnAt = (row) => state.places.get(row) ?? -1;

  /** Choose settings; the nearest combination that exists is taken. */
  function choose(wanted) {
    const before = state.choice;
    state.choice = settle(grid, wanted);
    const { settings, tables } = state.choice;
    if (before && before.tables.some((table, i) => table !== tables[i])) follow(before.tables);
    state.shown = visible(grid, state.choice);
    state.places = new Map();
    state.shown.rows.forEach((row, i) => state.places.set(row, i));
    state.unscaled = tables[0].unscaled.includes(settings.estimator);
    setPairs(plot, state.shown, { kind: settings.axes, alike: !state.unscaled });
    const stayed = before && Object.keys(settings).every((name) => STAY.includes(name) || before.settings[name] === settings[name]);
    if (!stayed) fit();
    // In focus first: the pair with the largest predicted change.
    if (drawnAt(state.focus) < 0 && !state.shown.missing.rows.includes(state.focus)) state.focus = largest();
    showControls(parts.controls, state.choice, change);
    showWhat(parts.what, tables[0]);
    refresh();
  }

  function largest() {
    let best = -1;
    state.shown.x.forEach((value, i) => { if (best < 0 || Math.abs(value) > Math.abs(state.shown.x[best])) best = i; });
    return best < 0 ? -1 : state.shown.rows[best];
  }

  /** Selected pairs and the one in focus stay the same pairs in another network. */
  function follow(before) {
    const wanted = new Map();
    for (const table of state.choice.tables) for (let i = 0; i < table.train.length; i++) wanted.set(pairKey(table, i), table.first + i);
    const moved = (row) => { const pair = pairAt(grid, row); return pair && before.includes(pair.table) ? wanted.get(pairKey(pair.table, pair.place)) : undefined; };
    state.focus = moved(state.focus) ?? -1;
    state.selected = new Set([...state.selected].map(moved).filter((row) => row !== undefined));
    sendSelected();
  }

  function change(name, value) {
    const wanted = { ...state.choice.settings, [name]: value };
    if (name === "damping") wanted.estimator = ANY_DAMPING;
    choose(wanted);
    model.set("settings", state.choice.settings);
    model.save_changes();
  }

  /** Everything that follows from the settings and the selection. */
  function refresh() {
    const { shown, choice } = state, { settings, tables } = choice;
    mark();
    state.statistics = statisticsOf(state);
    showReadings(parts.readings, state.statistics, state);
    if (state.painted !== shown || state.dark !== theme.dark) {
      Object.assign(state, paint(shown, choice, grid, theme.dark), { painted: shown, dark: theme.dark });
      showLegend(parts.legend, state);
    }
    const [target] = [settings.target], noise = tables[0].noise[target];
    state.scene = {
      theme, tones: state.tones, colours: state.colours, chosen: state.chosen, line: state.statistics.shown, band: noise ?? 0, identity: !state.unscaled,
      labels: { x: state.unscaled ? "score" : `predicted change in ${tables[0].watched}`, y: `actual change in ${tables[0].watched}`, units: [state.unscaled ? "no unit" : tables[0].unit, tables[0].unit] },
    };
    parts.key.querySelector(".ile-null").hidden = !noise;
    parts.key.querySelector(".ile-dash").hidden = state.unscaled;
    lookAt();
    redraw();
  }

  /** Show the pair in focus, and its test point's strip. */
  function lookAt() {
    const pair = state.focused = focused(), at = { address: pair && addresses[pair.table.points.name] };
    showPair(parts.pair, pair, state.choice, at.address);
    showStrips(parts.strips, pair, state.choice, { ...at, look: focus });
    notes.look(pair);
    modes.show(state);
    showRetrainer();
  }

  function focus(row) {
    state.focus = row;
    lookAt();
    overlay();
    const pair = focused();
    if (pair) say(describe(pair));
  }

  const describe = (pair) => inOneSentence(pair, state.choice.settings);

  function select(rows, add = false) {
    state.selected = new Set(add ? [...state.selected, ...rows] : rows);
    const finish = () => {
      refresh();
      sendSelected();
      say(`${state.statistics.selected.n} of ${state.shown.n} selected`);
      delete parts.root.dataset.busy;
    };
    if (state.shown.n < MANY) { finish(); return; }
    // Many points are shown as selected at once; what follows from it is counted after that was painted.
    parts.root.dataset.busy = "true";
    mark();
    draw(plot, Object.assign(state.scene, { chosen: state.chosen }));
    overlay();
    requestAnimationFrame(() => setTimeout(finish, 0));
  }

  function mark() {
    state.chosen = state.selected.size ? Uint8Array.from(state.shown.rows, (row) => (state.selected.has(row) ? 1 : 0)) : null;
  }

  function sendSelected() {
    model.set("selected", new DataView(Uint32Array.from(state.selected).sort().buffer));
    model.save_changes();
  }

  function selectView() {
    select(inView(plot).map((i) => state.shown.rows[i]));
  }

  function toggleLasso() {
    state.lassoing = !state.lassoing;
    showLasso(parts, state.lassoing);
    say(state.lassoing ? "Lasso on: drag around points." : "Lasso off.");
  }

  function retrain() {
    const rows = asked(focused(), state.selected);
    if (rows.length && !retrainer.reason && !retrainer.busy) retrainer.ask(rows);
  }

  function showRetrainer() {
    const rows = asked(focused(), state.selected);
    const reason = retrainer.reason || (rows.length ? "" : "choose a point first");
    parts.retrain.disabled = Boolean(reason) || retrainer.busy;
    parts.retrain.textContent = rows.length > 1 ? `Retrain without these ${rows.length}` : "Retrain without this point";
    parts.retrained.textContent = reason ? `Not now: ${reason}.` : retrainer.message;
    parts.retrain.title = reason;
  }

  function fit() {
    fitView(plot, !state.unscaled, retrainedShown(grid, model.get("retrained") ?? [], state.choice));
  }

  function redraw() {
    const before = performance.now();
    draw(plot, state.scene);
    overlay();
    const { root } = parts;
    Object.assign(root.dataset, { drawMs: (performance.now() - before).toFixed(1), n: state.shown.n, selected: state.statistics.selected.n });
    root.dataset.settings = JSON.stringify(state.choice.settings);
    if (state.ready) return;
    state.ready = true;
    root.dataset.firstMs = (performance.now() - started).toFixed(1);
    root.dataset.ready = "true";
  }

  function overlay() {
    const retrained = retrainedShown(grid, model.get("retrained") ?? [], state.choice);
    drawOverlay(plot, { hovered: state.hovered, focused: drawnAt(state.focus), outline: state.outline, retrained, theme });
    parts.root.dataset.retrained = JSON.stringify(retrained);
  }

  function tip(i, x, y) {
    if (i < 0) { parts.tip.hidden = true; return; }
    const pair = pairAt(grid, state.shown.rows[i]);
    showTip(parts.tip, { pair, words: describe(pair), address: addresses[pair.table.points.name], x, y, plot });
  }

  function say(text) { parts.live.textContent = text; }

  const notes = makeNotes(parts.note, model, () => modes.show(state));
  const modes = makeModes(parts, model, { grid, addresses, on: { focus, select, say, notes: notes.all } });
  const retrainer = makeRetrainer(model, () => { if (state.choice) { showRetrainer(); overlay(); } });
  const on = {
    hover(i, x, y) {
      const before = performance.now();
      if (i !== state.hovered) { state.hovered = i; overlay(); }
      tip(i, x, y);
      parts.root.dataset.hoverMs = (performance.now() - before).toFixed(2);
      parts.root.dataset.hovered = i < 0 ? "" : state.shown.rows[i];
    },
    outline(points) { state.outline = points; overlay(); },
    lasso(places, add) {
      const before = performance.now();
      state.outline = null;
      select(places.map((i) => state.shown.rows[i]), add);
      parts.root.dataset.lassoMs = (performance.now() - before).toFixed(1);
    },
    click(i, add) {
      if (i < 0) { if (!add) select([]); return; }
      const row = state.shown.rows[i];
      state.focus = row;
      if (add && state.selected.has(row)) select([...state.selected].filter((one) => one !== row)); else select([row], add);
      say(describe(pairAt(grid, row)));
    },
    choose() {
      if (state.focus < 0) return;
      select(state.selected.has(state.focus) ? [...state.selected].filter((row) => row !== state.focus) : [state.focus], !state.selected.has(state.focus));
    },
    moved: redraw, reset: actions.reset, clear: actions.clear, toggleLasso, all: selectView, lassoing: () => state.lassoing,
    focused: () => drawnAt(state.focus), focus: (i) => { if (i >= 0) focus(state.shown.rows[i]); },
  };
  const heard = {
    "change:settings": () => {
      const wanted = model.get("settings");
      if (JSON.stringify(wanted) !== JSON.stringify(state.choice.settings)) choose(wanted);
    },
    "change:selected": () => {
      const rows = picked(model);
      if (rows.length === state.selected.size && rows.every((row) => state.selected.has(row))) return;
      state.selected = new Set(rows);
      refresh();
    },
    "change:retrained": () => { fit(); redraw(); },
    "change:notes": () => { notes.look(focused()); modes.show(state); },
    "change:mode": () => modes.turn(model.get("mode")),
  };

  /** Begin once the element stands in the page: before that it has neither size nor colours. */
  function start() {
    resize(plot);
    state.selected = new Set(picked(model));
    ends.push(watchTheme(parts.root, (colours) => { theme = colours; if (state.choice) refresh(); }));
    choose(model.get("settings") ?? {});
    ends.push(listen(parts.surface, plot, on));
    for (const [name, handler] of Object.entries(heard)) {
      model.on(name, handler);
      ends.push(() => model.off(name, handler));
    }
  }

  const observer = new ResizeObserver(() => {
    if (!parts.root.clientWidth) return;
    parts.root.classList.toggle("ile-narrow", parts.root.clientWidth < 760);
    if (!state.choice) start();
    else if (resize(plot)) redraw();
  });
  observer.observe(parts.surface);
  ends.push(() => observer.disconnect(), () => retrainer.end(), notes.end, modes.end, () => Object.values(addresses).forEach((one) => URL.revokeObjectURL(one)));
  for (const points of Object.values(grid.points)) pixelsOf(points).then((pixels) => { points.pixels = pixels; if (state.choice) lookAt(); });
  parts.root.explorer = { place: (x, y) => place(plot, x, y), shown: () => state.shown, statistics: () => state.statistics, bins: () => bins(plot) };
  return () => ends.forEach((end) => end());
}

function picked(model) {
  const bytes = model.get("selected");
  if (!bytes?.byteLength) return [];
  return [...new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))];
}

export default { render };
