// The plot's canvases, and the map between values and pixels: what is in view, and where each pair stands.
import { makeScale, threshold } from "./scales.js";
import { makeBins } from "./nearby.js";

const MARGIN = { left: 64, right: 14, top: 12, bottom: 64 };

/** A plot in an element; its view stays until it is fitted again. */
export function makePlot(host) {
  const canvases = ["points", "overlay"].map((name) => {
    const canvas = document.createElement("canvas");
    canvas.className = `ile-${name}`;
    host.append(canvas);
    return canvas;
  });
  const base = canvases[0].getContext("2d", { willReadFrequently: true });
  return { host, canvases, base, over: canvases[1].getContext("2d"), width: 0, height: 0, ratio: 1, view: null, shown: null };
}

/** Make the canvases as large as their element; whether anything changed. */
export function resize(plot) {
  const width = Math.max(200, plot.host.clientWidth), height = Math.max(200, plot.host.clientHeight);
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  if (width === plot.width && height === plot.height && ratio === plot.ratio) return false;
  Object.assign(plot, { width, height, ratio, bins: null });
  for (const canvas of plot.canvases) Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  return true;
}

export const inner = (plot) => ({
  left: MARGIN.left, top: MARGIN.top,
  width: plot.width - MARGIN.left - MARGIN.right, height: plot.height - MARGIN.top - MARGIN.bottom,
});

/** Take new pairs; values are put on the scales once, so that zooming only shifts and stretches. */
export function setPairs(plot, shown, { kind, alike }) {
  const [lx, ly] = kind === "symlog" ? [threshold(shown.x), threshold(shown.y)] : [0, 0];
  const sx = makeScale(kind, alike ? Math.min(lx, ly) : lx), sy = makeScale(kind, alike ? Math.min(lx, ly) : ly);
  Object.assign(plot, { shown, sx, sy, bins: null });
  plot.u = Float64Array.from(shown.x, sx.forward);
  plot.v = Float64Array.from(shown.y, sy.forward);
  plot.lost = Float64Array.from(shown.missing.x, sx.forward);
  plot.px = new Float32Array(shown.n);
  plot.py = new Float32Array(shown.n);
}

function reach(values, more) {
  let low = Infinity, high = -Infinity;
  for (const list of [values, more]) for (let i = 0; i < list.length; i++) { low = Math.min(low, list[i]); high = Math.max(high, list[i]); }
  if (!(low <= high)) return [-1, 1];
  const pad = 0.06 * (high - low) || Math.abs(high) * 0.5 || 1;
  return [low - pad, high + pad];
}

/** Look at all pairs; both axes alike where predictions and truths are of one size, so that the identity is the diagonal. */
export function fitView(plot, alike, extra = []) {
  let [x0, x1] = reach(plot.u, [...plot.lost, ...extra.map((one) => plot.sx.forward(one.x))]);
  let [y0, y1] = reach(plot.v, extra.map((one) => plot.sy.forward(one.y)));
  if (alike && Math.max(x1 - x0, y1 - y0) < 4 * Math.min(x1 - x0, y1 - y0)) {
    x0 = y0 = Math.min(x0, y0);
    x1 = y1 = Math.max(x1, y1);
  }
  plot.view = { x0, x1, y0, y1 };
  plot.bins = null;
}

/** Stretch the view about a place in pixels. */
export function zoom(plot, factor, atX, atY) {
  const { left, top, width, height } = inner(plot), { x0, x1, y0, y1 } = plot.view;
  const cx = x0 + (atX - left) / width * (x1 - x0), cy = y1 - (atY - top) / height * (y1 - y0);
  const view = { x0: cx + (x0 - cx) / factor, x1: cx + (x1 - cx) / factor, y0: cy + (y0 - cy) / factor, y1: cy + (y1 - cy) / factor };
  if (view.x1 - view.x0 > 1e-12 * Math.max(Math.abs(cx), 1e-300) && view.y1 > view.y0) plot.view = view;
  plot.bins = null;
}

export function pan(plot, dx, dy) {
  const { width, height } = inner(plot), { x0, x1, y0, y1 } = plot.view;
  const sx = dx / width * (x1 - x0), sy = dy / height * (y1 - y0);
  plot.view = { x0: x0 - sx, x1: x1 - sx, y0: y0 + sy, y1: y1 + sy };
  plot.bins = null;
}

/** The pixel of a value on each axis. */
export function place(plot, x, y) {
  return [atX(plot, plot.sx.forward(x)), atY(plot, plot.sy.forward(y))];
}

export const atX = (plot, u) => { const { left, width } = inner(plot); return left + (u - plot.view.x0) / (plot.view.x1 - plot.view.x0) * width; };
export const atY = (plot, v) => { const { top, height } = inner(plot); return top + (plot.view.y1 - v) / (plot.view.y1 - plot.view.y0) * height; };

/** Pixel places of all pairs, and where each can be found; made anew only after the view has changed. */
export function bins(plot) {
  if (!plot.bins) plot.bins = makeBins(plot.px, plot.py, plot.width, plot.height);
  return plot.bins;
}

/** Which pairs stand inside the axes. */
export function inView(plot) {
  const { left, top, width, height } = inner(plot), { px, py } = plot;
  return [...px.keys()].filter((i) => px[i] >= left && px[i] <= left + width && py[i] >= top && py[i] <= top + height);
}

export function project(plot) {
  const { left, top, width, height } = inner(plot), { x0, x1, y0, y1 } = plot.view;
  const ax = width / (x1 - x0), ay = height / (y1 - y0), { u, v, px, py } = plot;
  for (let i = 0; i < u.length; i++) {
    px[i] = left + (u[i] - x0) * ax;
    py[i] = top + (y1 - v[i]) * ay;
  }
  plot.bins = null;
}
