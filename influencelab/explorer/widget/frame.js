// The explorer's frame: every part is there from the start and has its size, so that nothing jumps.
import { h } from "./dom.js";

const KEYS = "Scatter of predicted against actual change. Arrow keys move from point to point, Enter selects, "
  + "plus and minus zoom, 0 shows all, L draws a lasso, A selects all in view, Escape clears. Shift and arrows pan.";

/** The buttons above a plot, and the one for the lasso. */
export function makeTools(actions) {
  const button = (text, label, action, more = {}) => h("button", { type: "button", "aria-label": label, title: label, onclick: action, ...more }, text);
  const lasso = button("Lasso", "Lasso: draw around points to select them (L)", actions.toggleLasso, { "aria-pressed": "false" });
  return { lasso, tools: h("div", { class: "ile-tools", role: "toolbar", "aria-label": "Plot" },
    button("+", "Zoom in (+)", actions.zoomIn), button("−", "Zoom out (−)", actions.zoomOut),
    button("Fit", "Show all points (0)", actions.reset), lasso,
    button("In view", "Select all points in view (A)", actions.all), button("Clear", "Select nothing (Escape)", actions.clear)) };
}

/** Show whether the lasso is on. */
export function showLasso({ lasso, surface }, on) {
  lasso.setAttribute("aria-pressed", String(on));
  surface.classList.toggle("ile-lassoing", on);
}

/** Build the frame into an element; the parts by name. */
export function makeFrame(el, actions) {
  const { tools, lasso } = makeTools(actions);
  const parts = {
    controls: h("div", { class: "ile-controls", role: "group", "aria-label": "Settings" }),
    surface: h("div", { class: "ile-surface", tabindex: 0, role: "application", "aria-label": KEYS, "aria-roledescription": "scatter plot" }),
    tip: h("div", { class: "ile-tip", hidden: true }),
    key: h("div", { class: "ile-key", "aria-hidden": "true" },
      h("span", { class: "ile-dash" }, "prediction = truth"), h("span", { class: "ile-solid" }, "fitted slope"), h("span", { class: "ile-null" }, "what another seed changes (±2 sd)")),
    legend: h("div", { class: "ile-legend" }),
    lasso,
    readings: h("div", { class: "ile-readings" }),
    pair: h("div", { class: "ile-pair" }),
    tabs: h("div", { class: "ile-tabs", role: "tablist", "aria-label": "What is shown beside the plot" }),
    panels: h("div", { class: "ile-panels" }),
    note: h("div", { class: "ile-noting" }),
    strips: h("div", { class: "ile-strips" }),
    retrain: h("button", { type: "button", class: "ile-retrain", onclick: actions.retrain }, "Retrain without this point"),
    retrained: h("span", { class: "ile-retrained", role: "status" }),
    notes: h("div", { class: "ile-notes" }),
    live: h("div", { class: "ile-live", "aria-live": "polite" }),
  };
  parts.what = h("p", { class: "ile-what" });
  const plot = h("div", { class: "ile-plot" }, parts.surface, parts.tip, parts.key);
  const left = h("div", { class: "ile-left" }, tools, parts.what, plot, parts.legend);
  parts.one = h("div", { class: "ile-one" }, parts.readings, parts.pair);
  const right = h("div", { class: "ile-right" }, parts.tabs, parts.panels, parts.note, h("div", { class: "ile-retraining" }, parts.retrain, parts.retrained));
  parts.root = h("div", { class: "ile", "data-lm-suppress-shortcuts": "true", role: "region", "aria-label": "Explorer of predicted and actual loss changes" },
    parts.controls, h("div", { class: "ile-body" }, left, right), parts.strips, parts.notes, parts.live);
  // A notebook would take arrow keys for its own: what is pressed in here stays in here.
  parts.root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(parts.root);
  return parts;
}

/** What a dot of these points and of what is watched is. */
export function showWhat(host, { points, watched, deed }) {
  const whose = watched === "test loss" ? "a test point's loss" : `the ${watched}`;
  host.textContent = `Each dot: one ${points.grouped ? "group of training points" : "training point"} ${deed}. Across: what was predicted for ${whose}. Up: what retraining gave.`;
}

/** What the colours mean. */
export function showLegend(host, { title, legend }) {
  const marks = legend.map(({ label, colour }) => h("span", {}, h("i", { style: `background:${colour}` }), label));
  host.replaceChildren(...(marks.length ? [h("b", {}, title), ...marks] : []));
}
