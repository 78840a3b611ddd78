// The modes of the explorer, a tab each beside the plot: one pair, the list, and what else the data hold.
import { h } from "./dom.js";
import { makeBrowse } from "./browse.js";
import { makeChanges } from "./changes.js";
import { makeCurves } from "./curves.js";
import { makeFeatures } from "./features.js";

/** Tabs, and below them the panels. A mode has a name, a title and a panel, and may show(state) and end(). */
export function makeModes(parts, model, doing) {
  const modes = [{ name: "pair", title: "Pair", panel: parts.one }, makeBrowse(doing), makeChanges(doing), makeFeatures(doing), makeCurves(doing)].filter(Boolean);
  const tabs = modes.map(({ name, title, panel }, i) => {
    panel.id ||= `ile-panel-${name}-${Math.random().toString(36).slice(2)}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", title);
    return h("button", { type: "button", role: "tab", "data-mode": name, "aria-controls": panel.id, onclick: () => choose(i), onkeydown: (event) => press(event, i) }, title);
  });
  let now = -1, state = null;
  parts.tabs.replaceChildren(...tabs);
  parts.tabs.hidden = modes.length < 2;
  parts.panels.replaceChildren(...modes.map(({ panel }) => panel));

  function turn(i) {
    now = i;
    tabs.forEach((tab, k) => {
      tab.setAttribute("aria-selected", String(k === i));
      tab.tabIndex = k === i ? 0 : -1;
      modes[k].panel.hidden = k !== i;
    });
    parts.root.classList.toggle("ile-broad", i > 0);
    parts.root.dataset.mode = modes[i].name;
    if (state) modes[i].show?.(state);
  }

  function choose(i) {
    if (i === now) return;
    turn(i);
    model.set("mode", modes[i].name);
    model.save_changes();
  }

  function press(event, i) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (i + step + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
  }

  const placeOf = (name) => Math.max(0, modes.findIndex((mode) => mode.name === name));
  turn(placeOf(model.get("mode")));
  return {
    /** Bring the mode that is open in line with what is shown, selected and in focus. */
    show(what) { state = what; modes[now].show?.(state); },
    turn(name) { if (placeOf(name) !== now) turn(placeOf(name)); },
    end: () => modes.forEach((mode) => mode.end?.()),
  };
}
