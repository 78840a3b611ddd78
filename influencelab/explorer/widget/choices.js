// Which settings can be chosen together: each control offers what exists with the choices made before it.
import { ANY_DAMPING, nearest } from "./grid.js";

// Settings whose values may also be shown all at once.
const POOLED = ["seed", "network"];
export const ALL = "all";
export const APPEARANCE = { colour: ["class", "seed", "|influence|", "one colour"], axes: ["linear", "symlog"] };

/** The nearest combination that exists to the one that is wanted, its tables, and every control's options. */
export function settle(grid, wanted) {
  const settings = {}, controls = [];
  let tables = grid.tables;
  for (const name of grid.names) {
    const every = distinct(grid.tables.map((table) => table.settings[name]));
    const here = distinct(tables.map((table) => table.settings[name]));
    const pooled = POOLED.includes(name) && here.length > 1;
    settings[name] = pick(wanted[name], pooled ? [...here, ALL] : here);
    controls.push({ name, options: options(pooled ? [...every, ALL] : every, pooled ? [...here, ALL] : here) });
    if (settings[name] !== ALL || !pooled) tables = tables.filter((table) => table.settings[name] === settings[name]);
  }
  const add = (name, every, here) => {
    settings[name] = pick(wanted[name], here);
    controls.push({ name, options: options(every, here) });
  };
  const first = tables[0];
  add("removed", keysOf(grid, (table) => Object.keys(table.removed)), Object.keys(first.removed));
  add("target", keysOf(grid, (table) => Object.keys(table.actual)), Object.keys(first.actual));
  add("estimator", keysOf(grid, estimators), estimators(first));
  settings.damping = dampingOf(first, settings, wanted.damping);
  add("test point", null, [ALL, ...testPoints(tables, settings.removed)]);
  controls.at(-1).options.forEach((each) => { each.words = nameOf(tables, each.value); });
  add("models", null, anyMoved(tables, settings.target) ? modelsFirst(grid) : ["trusted"]);
  for (const [name, values] of Object.entries(APPEARANCE)) add(name, null, values);
  return { settings, tables, controls, steps: first.damping_steps };
}

const estimators = (table) => [...Object.keys(table.predicted), ...(table.damping_steps ? [ANY_DAMPING] : [])];
const modelsFirst = (grid) => (grid.counts === "converged" ? ["converged", "trusted"] : ["trusted", "converged"]);
const keysOf = (grid, names) => distinct(grid.tables.flatMap(names));

function dampingOf(table, settings, wanted) {
  if (settings.estimator !== ANY_DAMPING) return null;
  const { shares } = table.damping_steps;
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

function testPoints(tables, removed) {
  const ids = new Set();
  for (const table of tables) {
    const inSet = table.removed[removed];
    for (let i = 0; i < table.test.length; i++) if (inSet[i]) ids.add(table.points.test_ids[table.test[i]]);
  }
  return [...ids].sort((a, b) => a - b);
}

/** The name of the test point with an id; undefined where it has none. */
function nameOf(tables, id) {
  const { points } = tables.find((table) => table.points.test_names && table.points.test_ids.includes(id)) ?? {};
  return points?.test_names[points.test_ids.indexOf(id)];
}

function anyMoved(tables, target) {
  return tables.some((table) => table.moved[target].some(Boolean));
}
