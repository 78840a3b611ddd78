// Hand and keyboard on the plot: hover, click, pan, zoom, lasso, and arrows from pair to pair.
import { bins, inner, pan, zoom } from "./plot.js";
import { insideOutline, nearestTo, nextAlong } from "./nearby.js";

const REACH = 10, STILL = 4; // pixels: how far a pair is found, and how far a click may move
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Listen on an element. `on` holds what happens; returns a function that ends it. */
export function listen(element, plot, on) {
  let held = null;
  const at = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const handlers = {
    pointerdown(event) {
      if (event.button !== 0 || !plot.shown) return;
      const [x, y] = at(event);
      element.setPointerCapture(event.pointerId);
      element.focus({ preventScroll: true });
      held = { x, y, lastX: x, lastY: y, moved: false, outline: on.lassoing() || event.shiftKey ? [[x, y]] : null };
    },
    pointermove(event) {
      if (!plot.shown) return;
      const [x, y] = at(event);
      if (!held) return on.hover(nearestTo(bins(plot), x, y, REACH), x, y);
      held.moved ||= Math.hypot(x - held.x, y - held.y) > STILL;
      if (held.outline) {
        const [lastX, lastY] = held.outline.at(-1);
        if (Math.hypot(x - lastX, y - lastY) > 2) held.outline.push([x, y]);
        return on.outline(held.outline);
      }
      if (!held.moved) return undefined;
      pan(plot, x - held.lastX, y - held.lastY);
      Object.assign(held, { lastX: x, lastY: y });
      return on.moved();
    },
    pointerup(event) {
      if (!held) return;
      const { outline, moved } = held, [x, y] = at(event), add = event.ctrlKey || event.metaKey;
      held = null;
      if (outline && moved) on.lasso(insideOutline(plot.px, plot.py, outline), add);
      else if (outline) on.outline(null);
      if (!moved) on.click(nearestTo(bins(plot), x, y, REACH), add);
    },
    pointercancel() { held = null; on.outline(null); },
    pointerleave() { if (!held) on.hover(-1); },
    wheel(event) {
      // Only where the plot was clicked before: otherwise the page scrolls, as everywhere else.
      if (!plot.shown || document.activeElement !== element && element.getRootNode().activeElement !== element) return;
      event.preventDefault();
      zoom(plot, Math.exp(-event.deltaY / 400), ...at(event));
      on.moved();
    },
    keydown(event) {
      if (!plot.shown || event.altKey || event.ctrlKey || event.metaKey) return;
      if (press(event.key, plot, on, event.shiftKey)) event.preventDefault();
    },
  };
  for (const [name, handler] of Object.entries(handlers)) element.addEventListener(name, handler, { passive: false });
  return () => Object.entries(handlers).forEach(([name, handler]) => element.removeEventListener(name, handler));
}

/** What a key does; whether it did anything. */
function press(key, plot, on, shift) {
  const { left, top, width, height } = inner(plot), middle = [left + width / 2, top + height / 2];
  const keys = {
    "+": () => { zoom(plot, 1.25, ...middle); on.moved(); },
    "=": () => { zoom(plot, 1.25, ...middle); on.moved(); },
    "-": () => { zoom(plot, 0.8, ...middle); on.moved(); },
    0: () => on.reset(),
    Enter: () => on.choose(),
    " ": () => on.choose(),
    Escape: () => on.clear(),
    l: () => on.toggleLasso(),
    a: () => on.all(),
  };
  if (keys[key]) { keys[key](); return true; }
  if (!ARROWS[key]) return false;
  if (shift) { pan(plot, -30 * ARROWS[key][0], -30 * ARROWS[key][1]); on.moved(); return true; }
  const inside = (i) => plot.px[i] >= left && plot.px[i] <= left + width && plot.py[i] >= top && plot.py[i] <= top + height;
  const from = on.focused(), [dx, dy] = ARROWS[key];
  on.focus(from < 0 || from >= plot.px.length ? nearestTo(bins(plot), ...middle, 1e4) : nextAlong(plot.px, plot.py, from, dx, dy, inside));
  return true;
}
