// The row of controls above the plot: a list for each setting, and a slider for damping.
import { h } from "./dom.js";
import { ALL } from "./choices.js";
import { ANY_DAMPING, nearest } from "./grid.js";
import { power, formatted } from "./scales.js";

const WORDS = {
  removed: "set of removals", "removal set": "set of removals", predictor: "predicted by", target: "truth", estimator: "predicted by", "test point": "test point", models: "models that count",
  colour: "colour", axes: "axes", trusted: "in the fit's own basin", converged: "all that converged", symlog: "symmetric log",
  everything: "all", top: "most influential", random_points: "random points", exact: "influence, exact", newton_step: "one Newton step",
};
const ALWAYS = ["colour", "axes", "test point"];

export const inWords = (value) => WORDS[value] ?? String(value).replaceAll("_", " ");

/** Rebuild the controls; the one that has the focus keeps it. `change(name, value)` is called when one is used. */
export function showControls(host, choice, change, hidden = []) {
  const { settings, controls } = choice, focused = host.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  const lists = controls
    .filter(({ name, options }) => (options.length > 1 || ALWAYS.includes(name)) && !hidden.includes(name))
    .map(({ name, options }) => labelled(name, list(name, options, settings[name], change)));
  const slider = choice.steps ? [damping(choice, change)] : [];
  const old = host.querySelector("input[type=range]");
  // A slider that is being dragged must stay the same element.
  if (old && slider.length && old.max === String(choice.steps.shares.length - 1)) {
    slideTo(old.closest("label"), choice);
    slider[0] = old.closest("label");
  }
  host.replaceChildren(...lists, ...slider);
  if (focused) host.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function labelled(name, control) {
  return h("label", { class: "ile-control" }, h("span", {}, inWords(name)), control);
}

function list(name, options, chosen, change) {
  const select = h("select", { "data-name": name, onchange: () => change(name, options[select.selectedIndex].value) });
  for (const { value, exists, words: known } of options) {
    const words = known ?? (value === ALL ? (name === "test point" ? "all of them" : "all") : inWords(value));
    select.append(h("option", { selected: value === chosen, disabled: !exists, "data-value": value }, words));
  }
  return select;
}

function damping(choice, change) {
  const { shares } = choice.steps;
  const slider = h("input", { type: "range", min: 0, max: shares.length - 1, step: 1, value: 0, "data-name": "damping" });
  slider.addEventListener("input", () => change("damping", shares[Number(slider.value)]));
  const label = h("label", { class: "ile-control ile-damping" }, h("span", {}, "damping λ"), slider, h("output", {}));
  slideTo(label, choice);
  return label;
}

function slideTo(label, { steps, settings }) {
  const slider = label.querySelector("input"), on = settings.estimator === ANY_DAMPING;
  const step = on ? nearest(steps.shares, settings.damping) : Number(slider.value);
  if (Number(slider.value) !== step) slider.value = step;
  const words = on
    ? `λ = ${formatted(steps.dampings[step], 3)} = ${shareInWords(steps.shares[step])} λ_max`
    : "move it to damp exact influence";
  label.querySelector("output").textContent = words;
  label.classList.toggle("ile-off", !on);
  slider.setAttribute("aria-valuetext", words);
}

function shareInWords(share) {
  const exponent = Math.log10(share);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9 ? power(Math.round(exponent)) : formatted(share, 3);
}
