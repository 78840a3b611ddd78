// The note at the pointer: what a pair is, in one sentence and two pictures.
import { h } from "./dom.js";
import { likeness } from "./points.js";

const AT_POINTER = 36; // pixels

/** Show it beside a place in the plot. */
export function showTip(tip, { pair, words, address, x, y, plot }) {
  const { points, train, test } = pair.table, at = { size: AT_POINTER, address };
  const pictures = points.kind === "images" ? [likeness(points, "test", test[pair.place], at), likeness(points, "train", train[pair.place], at)] : [];
  tip.replaceChildren(h("div", { class: "ile-row" }, pictures), h("p", {}, words));
  tip.hidden = false;
  tip.style.left = `${Math.min(x + 14, plot.width - 240)}px`;
  tip.style.top = `${y > plot.height / 2 ? y - 14 : y + 14}px`;
  tip.classList.toggle("ile-above", y > plot.height / 2);
}
