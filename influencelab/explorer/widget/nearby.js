// Which drawn pair is near a place on the screen: pairs lie in square bins, so that only a few are compared.

const BIN = 12; // pixels

/** Bins of pixel places `px`, `py`; pairs outside the plot are left out. */
export function makeBins(px, py, width, height) {
  const across = Math.ceil(width / BIN) + 1, down = Math.ceil(height / BIN) + 1;
  const heads = new Int32Array(across * down).fill(-1), next = new Int32Array(px.length).fill(-1);
  for (let i = 0; i < px.length; i++) {
    if (!(px[i] >= 0 && px[i] <= width && py[i] >= 0 && py[i] <= height)) continue;
    const bin = Math.floor(py[i] / BIN) * across + Math.floor(px[i] / BIN);
    next[i] = heads[bin];
    heads[bin] = i;
  }
  return { heads, next, across, down, px, py };
}

/** The pair nearest to a place within a reach in pixels; -1 where there is none. */
export function nearestTo(bins, x, y, reach) {
  const { heads, next, across, down, px, py } = bins;
  let best = -1, least = reach * reach;
  const span = Math.ceil(reach / BIN), column = Math.floor(x / BIN), row = Math.floor(y / BIN);
  for (let r = Math.max(0, row - span); r <= Math.min(down - 1, row + span); r++) {
    for (let c = Math.max(0, column - span); c <= Math.min(across - 1, column + span); c++) {
      for (let i = heads[r * across + c]; i >= 0; i = next[i]) {
        const distance = (px[i] - x) ** 2 + (py[i] - y) ** 2;
        if (distance < least) { least = distance; best = i; }
      }
    }
  }
  return best;
}

/** The nearest pair in a direction (dx, dy of −1, 0 or 1), straight ahead counting more than aside; -1 if none. */
export function nextAlong(px, py, from, dx, dy, inside) {
  let best = -1, least = Infinity;
  for (let i = 0; i < px.length; i++) {
    if (i === from || !inside(i)) continue;
    const along = (px[i] - px[from]) * dx + (py[i] - py[from]) * dy;
    const aside = Math.abs((px[i] - px[from]) * dy) + Math.abs((py[i] - py[from]) * dx);
    if (along <= 0.01) continue;
    const cost = along + 3 * aside;
    if (cost < least) { least = cost; best = i; }
  }
  return best;
}

/** Which pairs lie inside a closed outline of pixel places [[x, y], …]. */
export function insideOutline(px, py, outline) {
  const found = [];
  let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
  for (const [x, y] of outline) {
    left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
  }
  for (let i = 0; i < px.length; i++) {
    const x = px[i], y = py[i];
    if (x < left || x > right || y < top || y > bottom) continue;
    let inside = false;
    for (let a = 0, b = outline.length - 1; a < outline.length; b = a++) {
      const [ax, ay] = outline[a], [bx, by] = outline[b];
      if (ay > y !== by > y && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
    }
    if (inside) found.push(i);
  }
  return found;
}
