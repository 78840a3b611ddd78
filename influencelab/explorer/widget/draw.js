// Draws the scatter: axes, lines, pairs, and above them what changes with the pointer.
import { rgb } from "./colours.js";
import { atX, atY, inner, place, project } from "./plot.js";
import { power, ticksOf } from "./scales.js";

const STRIP = 14; // pixels above the lower axis where pairs stand whose model did not converge

/** Draw axes, lines and pairs. */
export function draw(plot, scene) {
  const { base: context, ratio } = plot, { theme } = scene;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = theme.paper;
  context.fillRect(0, 0, plot.width, plot.height);
  project(plot);
  drawBand(plot, scene);
  drawAxes(plot, scene);
  drawLines(plot, scene);
  stampPairs(plot, scene);
  drawMissing(plot, scene);
}

function clipped(plot, context, work) {
  const { left, top, width, height } = inner(plot);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  work();
  context.restore();
}

/** What the truth varies by when nothing but the seed changes: twice its standard deviation to either side of 0. */
function drawBand(plot, { band, theme }) {
  if (!band) return;
  const { left, width } = inner(plot), [, up] = place(plot, 0, 2 * band), [, down] = place(plot, 0, -2 * band);
  clipped(plot, plot.base, () => {
    plot.base.fillStyle = theme.band;
    plot.base.fillRect(left, up, width, down - up);
  });
}

function drawAxes(plot, { theme, labels }) {
  const { base: context } = plot, { left, top, width, height } = inner(plot), { x0, x1, y0, y1 } = plot.view;
  const across = ticksOf(plot.sx, x0, x1, width / 90), up = ticksOf(plot.sy, y0, y1, height / 55);
  context.font = `12px ${theme.font}`;
  context.lineWidth = 1;
  const rule = (ax, ay, bx, by, colour) => { context.strokeStyle = colour; context.beginPath(); context.moveTo(ax, ay); context.lineTo(bx, by); context.stroke(); };
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const { at, label } of across.ticks) {
    const x = Math.round(atX(plot, at)) + 0.5;
    rule(x, top, x, top + height, at === 0 ? theme.zero : theme.grid);
    context.fillStyle = theme.ink;
    context.fillText(label.replace("-", "−"), x, top + height + 6);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { at, label } of up.ticks) {
    const y = Math.round(atY(plot, at)) + 0.5;
    rule(left, y, left + width, y, at === 0 ? theme.zero : theme.grid);
    context.fillStyle = theme.ink;
    context.fillText(label.replace("-", "−"), left - 6, y);
  }
  context.strokeStyle = theme.axis;
  context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.font = `13px ${theme.font}`;
  context.fillText(withUnit(labels.x, labels.units[0], across.exponent), left + width / 2, plot.height - 24);
  context.save();
  context.translate(15, top + height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(withUnit(labels.y, labels.units[1], up.exponent), 0, 0);
  context.restore();
}

/** A label and, in parentheses, the power of ten of its numbers and their unit, where there is either. */
function withUnit(label, unit, exponent) {
  const words = [exponent ? power(exponent) : "", unit].filter(Boolean).join(" ");
  return words ? `${label} (${words})` : label;
}

function drawLines(plot, { theme, line, identity }) {
  const { base: context } = plot, { x0, x1 } = plot.view;
  const follow = (slope, intercept, colour, dash, width) => {
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.lineWidth = width;
    context.beginPath();
    for (let k = 0; k <= 400; k++) {
      const u = x0 + (x1 - x0) * k / 400, y = atY(plot, plot.sy.forward(slope * plot.sx.back(u) + intercept));
      if (k) context.lineTo(atX(plot, u), y); else context.moveTo(atX(plot, u), y);
    }
    context.stroke();
    context.setLineDash([]);
  };
  clipped(plot, context, () => {
    if (identity) follow(1, 0, theme.identity, [6, 5], 1.5);
    if (line.slope !== null) follow(line.slope, line.intercept, theme.fitted, [], 2);
  });
}

/** Every pair as a small disc, blended straight into the pixels: one loop, whatever the number of colours. */
function stampPairs(plot, { tones, colours, chosen, theme }) {
  const { base: context, ratio, px, py } = plot, { left, top, width, height } = inner(plot);
  const x0 = Math.round(left * ratio), y0 = Math.round(top * ratio), w = Math.round(width * ratio), hgt = Math.round(height * ratio);
  const image = context.getImageData(x0, y0, w, hgt), data = image.data;
  const n = px.length, radius = (n > 20000 ? 1.6 : n > 3000 ? 2.2 : 3.4) * ratio;
  const paint = (mask, colour, i) => {
    const cx = Math.round(px[i] * ratio - x0), cy = Math.round(py[i] * ratio - y0), { size, alphas } = mask, half = size >> 1;
    if (cx < -half || cy < -half || cx > w + half || cy > hgt + half) return;
    for (let r = 0; r < size; r++) {
      const y = cy + r - half;
      if (y < 0 || y >= hgt) continue;
      for (let c = 0; c < size; c++) {
        const alpha = alphas[r * size + c], x = cx + c - half;
        if (alpha === 0 || x < 0 || x >= w) continue;
        const at = 4 * (y * w + x);
        data[at] += (colour[0] - data[at]) * alpha;
        data[at + 1] += (colour[1] - data[at + 1]) * alpha;
        data[at + 2] += (colour[2] - data[at + 2]) * alpha;
      }
    }
  };
  const opacity = n > 20000 ? 0.5 : n > 3000 ? 0.6 : 0.75, channels = colours.map(rgb);
  const quiet = discMask(radius, chosen ? 0.22 : opacity), loud = discMask(radius * 1.25, 0.95), grey = rgb(theme.faint);
  for (let i = 0; i < n; i++) if (!chosen || !chosen[i]) paint(quiet, chosen ? grey : channels[tones[i]], i);
  if (chosen) for (let i = 0; i < n; i++) if (chosen[i]) paint(loud, channels[tones[i]], i);
  context.putImageData(image, x0, y0);
}

/** How much of each pixel a disc covers. */
function discMask(radius, opacity) {
  const half = Math.ceil(radius), size = 2 * half + 1, alphas = new Float32Array(size * size);
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      const covered = radius + 0.5 - Math.hypot(r - half, c - half);
      alphas[r * size + c] = opacity * Math.min(1, Math.max(0, covered));
    }
  }
  return { size, alphas };
}

/** Pairs without a truth: crosses along the lower edge, at their predicted change. */
function drawMissing(plot, { theme }) {
  if (!plot.lost.length) return;
  const { base: context } = plot, { left, top, width, height } = inner(plot), y = top + height - STRIP / 2 - 2;
  clipped(plot, context, () => {
    context.strokeStyle = theme.ink;
    context.lineWidth = 1.2;
    context.beginPath();
    for (const u of plot.lost) {
      const x = atX(plot, u);
      context.moveTo(x - 3, y - 3); context.lineTo(x + 3, y + 3);
      context.moveTo(x - 3, y + 3); context.lineTo(x + 3, y - 3);
    }
    context.stroke();
    context.fillStyle = theme.ink;
    context.font = `11px ${theme.font}`;
    context.textAlign = "left";
    context.fillText(`× ${plot.lost.length} not converged`, left + 8, y - 9);
  });
}

/** What changes with the pointer: rings, the outline being drawn, and what was retrained. */
export function drawOverlay(plot, { hovered, focused, outline, retrained, theme }) {
  const { over: context, ratio } = plot;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, plot.width, plot.height);
  clipped(plot, context, () => {
    for (const found of retrained) drawRetrained(plot, found, theme);
    for (const [at, radius, width] of [[hovered, 7, 1.5], [focused, 8, 3]]) {
      if (at < 0 || at === undefined || at >= plot.px.length) continue;
      ring(context, plot.px[at], plot.py[at], radius, width + 2, theme.paper);
      ring(context, plot.px[at], plot.py[at], radius, width, theme.ink);
    }
    if (outline?.length > 1) {
      context.beginPath();
      outline.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
      context.fillStyle = theme.veil;
      context.fill();
      context.strokeStyle = theme.ink;
      context.lineWidth = 1.5;
      context.stroke();
    }
  });
}

function ring(context, x, y, radius, width, colour) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.stroke();
}

/** A diamond at what retraining gave just now. */
function drawRetrained(plot, found, theme) {
  const { over: context } = plot, [x, y] = place(plot, found.x, found.y);
  context.beginPath();
  context.moveTo(x, y - 8); context.lineTo(x + 8, y); context.lineTo(x, y + 8); context.lineTo(x - 8, y); context.closePath();
  context.fillStyle = theme.retrained;
  context.strokeStyle = theme.ink;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}
