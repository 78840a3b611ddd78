// A line for each training point, such as λ̂ as the point's weight goes from none to double; that in focus stands out.
import { h } from "./dom.js";
import { idOf } from "./points.js";
import { formatted, makeScale, ticksOf } from "./scales.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 400, MARGINS = { left: 62, right: 12, top: 10, bottom: 46 }; // pixels

/** The mode of curves; nothing where there are none. */
export function makeCurves({ grid, on }) {
  if (!grid.tables.some((table) => table.curves)) return null;
  const panel = h("div", { class: "ile-curves" }), said = h("p", { class: "ile-small", role: "status" }), host = h("div");
  panel.append(host, said);
  let drawn = null, state = null;
  const observer = new ResizeObserver(() => { if (drawn && host.clientWidth && drawn.width !== Math.max(300, host.clientWidth)) show(state); });
  observer.observe(host);

  /** The frame and every line, made once for each set of curves. */
  function draw(curves, width) {
    const size = { ...MARGINS, width, height: HEIGHT };
    const { across, up, train_ids: ids } = curves, wide = across.length, finite = up.filter(Number.isFinite);
    const [low, high] = finite.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]), pad = 0.04 * (high - low) || 1;
    const view = { x0: across[0], x1: across[wide - 1], y0: low - pad, y1: high + pad };
    const x = (value) => size.left + (value - view.x0) / (view.x1 - view.x0 || 1) * (size.width - size.left - size.right);
    const y = (value) => size.height - size.bottom - (value - view.y0) / (view.y1 - view.y0) * (size.height - size.top - size.bottom);
    const path = (i) => {
      let words = "", open = false;
      for (let l = 0; l < wide; l++) {
        const value = up[i * wide + l];
        if (Number.isFinite(value)) words += `${open ? "L" : "M"}${x(across[l]).toFixed(1)} ${y(value).toFixed(1)}`;
        open = Number.isFinite(value);
      }
      return words;
    };
    const lines = mark("g", { class: "ile-lines" }, Array.from(ids, (_, i) => mark("path", { d: path(i) }))), over = mark("g", {});
    const scale = makeScale("linear"), ticks = [];
    for (const { at, label } of ticksOf(scale, view.x0, view.x1, 6).ticks) ticks.push(mark("line", { x1: x(at), x2: x(at), y1: size.top, y2: size.height - size.bottom }), words(x(at), size.height - size.bottom + 16, "middle", label));
    const vertical = ticksOf(scale, view.y0, view.y1, 7), power = vertical.exponent ? ` (× 10^${vertical.exponent})` : "";
    for (const { at, label } of vertical.ticks) ticks.push(mark("line", { x1: size.left, x2: size.width - size.right, y1: y(at), y2: y(at) }), words(size.left - 6, y(at) + 4, "end", label));
    const names = [words((size.left + size.width) / 2, size.height - 10, "middle", curves.across_name),
      words(-(size.height - size.bottom) / 2, 14, "middle", `${curves.up_name}${power}`, { transform: "rotate(-90)" })];
    const svg = mark("svg", { viewBox: `0 0 ${size.width} ${size.height}`, role: "img" }, [mark("g", { class: "ile-ticks" }, ticks), lines, over, ...names]);
    svg.addEventListener("click", (event) => click(event, svg, { curves, x, y, width }));
    host.replaceChildren(svg);
    return { curves, svg, over, path, width };
  }

  /** A click on the lines puts the nearest one in focus. */
  function click(event, svg, { curves, x, y, width }) {
    const box = svg.getBoundingClientRect(), times = width / box.width;
    const px = (event.clientX - box.left) * times, py = (event.clientY - box.top) * times, { across, up, train_ids: ids } = curves;
    let l = 0;
    across.forEach((value, k) => { if (Math.abs(x(value) - px) < Math.abs(x(across[l]) - px)) l = k; });
    let best = -1, least = Infinity;
    ids.forEach((_, i) => { const far = Math.abs(y(up[i * across.length + l]) - py); if (far < least) { least = far; best = i; } });
    const row = rowOf(ids[best]);
    if (row >= 0) on.focus(row);
  }

  /** The pair of a training point in the network that is shown, of the test point in focus if there is one. */
  function rowOf(id) {
    const { choice: { tables, settings }, focused } = state, table = tables[0], { train_ids: ids } = table.points, inSet = table.removed[settings.removed];
    const wanted = focused?.table === table ? table.test[focused.place] : null;
    const place = table.train.findIndex((train, i) => ids[train] === id && inSet[i] && (wanted === null || table.test[i] === wanted));
    return place < 0 ? -1 : table.first + place;
  }

  function show(now) {
    state = now;
    const table = now.focused?.table ?? now.choice.tables[0], { curves, points } = table;
    if (!curves) { host.replaceChildren(); drawn = null; said.textContent = "There are no curves of this network."; return; }
    const wide = Math.max(300, host.clientWidth || 560);
    if (drawn?.curves !== curves || drawn.width !== wide) drawn = draw(curves, wide);
    const lines = (id) => { const i = curves.train_ids.indexOf(id); return i < 0 ? [] : [i]; };
    const chosen = [...now.selected].filter((row) => row >= table.first && row < table.first + table.train.length).map((row) => points.train_ids[table.train[row - table.first]]);
    const focus = now.focused ? points.train_ids[table.train[now.focused.place]] : null, here = lines(focus);
    drawn.over.replaceChildren(...[...new Set(chosen)].flatMap(lines).map((i) => mark("path", { class: "ile-picked", d: drawn.path(i) })),
      ...here.flatMap((i) => [mark("path", { class: "ile-behind", d: drawn.path(i) }), mark("path", { class: "ile-focus", d: drawn.path(i) })]));
    said.textContent = here.length ? inNumbers(curves, here[0], idOf(points, "train", table.train[now.focused.place])) : "Click a line, or choose a point, to see its curve among all.";
    drawn.svg.setAttribute("aria-label", `${curves.train_ids.length} curves: ${curves.up_name} against ${curves.across_name}. ${said.textContent}`);
  }

  return { name: "curves", title: "Curves", panel, show, end: () => observer.disconnect() };
}

/** A curve by its ends and its middle. */
function inNumbers({ across, up, across_name: across_words, up_name: up_words }, i, id) {
  const wide = across.length, some = [...new Set([0, wide >> 1, wide - 1])];
  const value = (l) => { const found = up[i * wide + l]; return Number.isFinite(found) ? formatted(found) : found > 0 ? "∞" : found < 0 ? "−∞" : "none"; };
  return `Training point ${id}: ${up_words} is ${some.map((l) => `${value(l)} at ${formatted(across[l])}`).join(", ")} (${across_words}).`;
}

function mark(name, attributes, children = []) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function words(x, y, anchor, text, more = {}) {
  return mark("text", { x, y, "text-anchor": anchor, ...more }, [text.replace("-", "−")]);
}
