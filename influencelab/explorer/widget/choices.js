// Which settings can be chosen together: each control offers what exists with the choices made before it.
import { ANY_DAMPING, nearest } from "./grid.js";

// Settings whose values may also be looked at all at once.
const POOLED = ["seed", "network"];
export const ALL = "all";
export const APPEARANCE = { colour: ["class", "seed", "|influence|", "one colour"], axes: ["linear", "symlog"] };

/** The nearest combination that exists to the one that is wanted, its sheets, and every control's options. */
export function settle(grid, wanted) {
  const settings = {}, controls = [];
  let sheets = grid.sheets;
  for (const name of grid.names) {
    const every = distinct(grid.sheets.map((sheet) => sheet.settings[name]));
    const here = distinct(sheets.map((sheet) => sheet.settings[name]));
    const pooled = POOLED.includes(name) && here.length > 1;
    settings[name] = pick(wanted[name], pooled ? [...here, ALL] : here);
    controls.push({ name, options: options(pooled ? [...every, ALL] : every, pooled ? [...here, ALL] : here) });
    if (settings[name] !== ALL || !pooled) sheets = sheets.filter((sheet) => sheet.settings[name] === settings[name]);
  }
  const add = (name, every, here) => {
    settings[name] = pick(wanted[name], here);
    controls.push({ name, options: options(every, here) });
  };
  const first = sheets[0];
  add("removed", keysOf(grid, (sheet) => Object.keys(sheet.removed)), Object.keys(first.removed));
  add("target", keysOf(grid, (sheet) => Object.keys(sheet.actual)), Object.keys(first.actual));
  add("estimator", keysOf(grid, estimators), estimators(first));
  settings.damping = dampingOf(first, settings, wanted.damping);
  add("test point", null, [ALL, ...testPoints(sheets, settings.removed)]);
  add("models", null, anyMoved(sheets, settings.target) ? modelsFirst(grid) : ["trusted"]);
  for (const [name, values] of Object.entries(APPEARANCE)) add(name, null, values);
  return { settings, sheets, controls, path: first.path };
}

const estimators = (sheet) => [...Object.keys(sheet.predicted), ...(sheet.path ? [ANY_DAMPING] : [])];
const modelsFirst = (grid) => (grid.counts === "converged" ? ["converged", "trusted"] : ["trusted", "converged"]);
const keysOf = (grid, names) => distinct(grid.sheets.flatMap(names));

function dampingOf(sheet, settings, wanted) {
  if (settings.estimator !== ANY_DAMPING) return null;
  const { shares } = sheet.path;
  return shares[typeof wanted === "number" && wanted > 0 ? nearest(shares, wanted) : 0];
}

function pick(wanted, here) {
  return here.includes(wanted) ? wanted : here[0];
}

function options(every, here) {
  return (every ?? here).map((value) => ({ value, exists: here.includes(value) }));
}

/** Each value once: numbers by size, anything else in the order in which it came. */
export function distinct(values) {
  const once = [...new Set(values)];
  return once.every((value) => typeof value === "number") ? once.sort((a, b) => a - b) : once;
}

function testPoints(sheets, removed) {
  const ids = new Set();
  for (const sheet of sheets) {
    const looked = sheet.removed[removed];
    for (let i = 0; i < sheet.test.length; i++) if (looked[i]) ids.add(sheet.points.test_ids[sheet.test[i]]);
  }
  return [...ids].sort((a, b) => a - b);
}

function anyMoved(sheets, target) {
  return sheets.some((sheet) => sheet.moved[target].some(Boolean));
}
