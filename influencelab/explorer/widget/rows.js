// A long list as rows or as pictures: only those in sight are in the page, and every one is reached by keyboard.
import { h } from "./dom.js";

const LINE = 30, HEAD = 28, TILE = { width: 78, height: 92 }; // pixels
const AHEAD = 3; // lines above and below what is in sight
let made = 0;

/** A list in an element. `on` holds what happens: focus(row), choose(rows, add), toggle(row), sort(name), every(), clear().
 * `lines` says what its lines are: their `columns` by name (words above, width in pixels), those that are `texts` and are
 * not sorted by, a `title`, tell(shown, column, i), and perhaps picture(shown, i) and tile(shown, i). */
export function makeList(host, on, lines) {
  const room = h("div", { class: "ile-room", role: "presentation" }), head = h("div", { class: "ile-line ile-head", role: "row" });
  const list = h("div", { class: "ile-list", tabindex: 0, "aria-multiselectable": "true" }, head, room);
  const name = `ile-list-${made += 1}`;
  host.append(list);
  let shown = null, from = -1;

  const across = () => (shown.pictures ? Math.max(1, Math.floor((list.clientWidth || 400) / TILE.width)) : 1);
  const height = () => (shown.pictures ? TILE.height : LINE);
  const above = () => (shown.pictures ? 0 : HEAD);
  const inFocus = () => shown.order.indexOf(shown.listing.places.get(shown.focus) ?? -1);

  /** As much room as all lines take; how many there are. */
  function stretch() {
    const count = Math.ceil(shown.order.length / across());
    room.style.height = `${count * height()}px`;
    return count;
  }

  /** What is in sight, made anew. */
  function paint() {
    if (!shown) return;
    const { order } = shown, wide = across(), count = stretch(), tall = height();
    const first = Math.max(0, Math.floor((list.scrollTop - above()) / tall) - AHEAD);
    const last = Math.min(count, first + Math.ceil((list.clientHeight || 400) / tall) + 2 * AHEAD);
    from = first;
    const some = [];
    for (let at = first * wide; at < Math.min(order.length, last * wide); at++) {
      const left = (at % wide) * TILE.width, top = Math.floor(at / wide) * tall;
      some.push(shown.pictures ? tile(at, left, top) : line(at, top));
    }
    room.replaceChildren(...some);
    const active = inFocus();
    if (active >= 0) list.setAttribute("aria-activedescendant", `${name}-${active}`); else list.removeAttribute("aria-activedescendant");
  }

  function marked(at, role, style, words) {
    const row = shown.listing.rows[shown.order[at]], chosen = shown.selected.has(row);
    const kind = `${role === "row" ? "ile-line" : "ile-picture"}${chosen ? " ile-chosen" : ""}${row === shown.focus ? " ile-here" : ""}`;
    return { class: kind, role, style, id: `${name}-${at}`, "data-at": at, "aria-selected": String(chosen), ...words };
  }

  function line(at, top) {
    const i = shown.order[at], picture = lines.picture?.(shown, i) ?? null;
    return h("div", marked(at, "row", `top:${top}px`, { "aria-rowindex": at + 2 }), shown.columns.map((column, place) => {
      const words = lines.tell(shown, column, i);
      return h("span", { class: `ile-cell ile-of-${column}`, role: "gridcell", title: lines.texts.includes(column) ? words : null }, place ? null : picture, words);
    }));
  }

  function tile(at, left, top) {
    const { words, parts } = lines.tile(shown, shown.order[at]);
    return h("div", marked(at, "option", `left:${left}px;top:${top}px`, { "aria-label": words, title: words, "aria-posinset": at + 1, "aria-setsize": shown.order.length }), parts);
  }

  function showHead() {
    const { pictures, columns, sort, down } = shown;
    head.hidden = pictures;
    list.setAttribute("role", pictures ? "listbox" : "grid");
    list.setAttribute("aria-label", `${lines.title}: arrows move, space selects, Control A selects all that are listed`);
    if (pictures) list.removeAttribute("aria-rowcount"); else list.setAttribute("aria-rowcount", shown.order.length + 1);
    list.style.setProperty("--ile-columns", columns.map((column) => `minmax(${lines.columns[column][1]}px, ${column === "text" ? 3 : 1}fr)`).join(" "));
    list.style.setProperty("--ile-wide", `${columns.reduce((sum, column) => sum + lines.columns[column][1], 0) + 6 * columns.length}px`);
    head.replaceChildren(...columns.map((column) => {
      const here = column === sort, [words] = lines.columns[column];
      return h("span", { role: "columnheader", "aria-sort": here ? (down ? "descending" : "ascending") : "none" },
        lines.texts.includes(column) ? words
          : h("button", { type: "button", tabindex: -1, class: "ile-sorts", title: `Sort by ${words}`, onclick: () => on.sort(column) }, words, here ? (down ? " ↓" : " ↑") : ""));
    }));
  }

  function reveal() {
    const at = inFocus();
    if (at < 0) return;
    const tall = height(), top = above() + Math.floor(at / across()) * tall;
    if (top - above() < list.scrollTop) list.scrollTop = top - above();
    else if (top + tall > list.scrollTop + list.clientHeight) list.scrollTop = top + tall - list.clientHeight;
  }

  function move(event) {
    const count = shown.order.length, page = Math.max(1, Math.floor(list.clientHeight / height()) - 1) * across(), now = inFocus();
    const steps = { ArrowDown: across(), ArrowUp: -across(), ArrowRight: 1, ArrowLeft: -1, PageDown: page, PageUp: -page, Home: -count, End: count };
    const { key } = event, step = steps[key];
    if (event.altKey || !count) return false;
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "a") { on.every(); return true; }
    if (key === "Escape") { on.clear(); return true; }
    if ((key === " " || key === "Enter") && now >= 0) { on.toggle(rowAt(now)); return true; }
    // Rows may be wider than their room: arrows to the sides move what is in sight.
    if (step === undefined || (!shown.pictures && (key === "ArrowLeft" || key === "ArrowRight"))) return false;
    const next = now < 0 ? 0 : Math.min(count - 1, Math.max(0, now + step));
    if (event.shiftKey) on.choose([rowAt(now < 0 ? next : now), rowAt(next)], true);
    on.focus(rowAt(next));
    return true;
  }

  const rowAt = (at) => shown.listing.rows[shown.order[at]];
  const placeOf = (event) => Number(event.target.closest("[data-at]")?.dataset.at ?? -1);
  list.addEventListener("keydown", (event) => { if (event.target === list && move(event)) event.preventDefault(); });
  list.addEventListener("scroll", () => { if (shown && Math.max(0, Math.floor((list.scrollTop - above()) / height()) - AHEAD) !== from) paint(); });
  list.addEventListener("click", (event) => {
    const at = placeOf(event);
    if (at < 0) return;
    list.focus({ preventScroll: true });
    const row = rowAt(at), now = inFocus();
    if (event.shiftKey && now >= 0) {
      const [low, high] = [Math.min(now, at), Math.max(now, at)];
      on.choose(Array.from({ length: high - low + 1 }, (_, k) => rowAt(low + k)), true);
    } else if (event.ctrlKey || event.metaKey) on.toggle(row);
    else on.choose([row], false);
    on.focus(row);
  });
  const observer = new ResizeObserver(paint);
  observer.observe(list);

  return {
    /** Show these pairs: `order` are places in a `listing`; `columns` by name. */
    show(what) {
      const before = shown, follows = before?.focus !== what.focus;
      shown = what;
      if (before && (before.sort !== what.sort || before.down !== what.down || before.pictures !== what.pictures)) list.scrollTop = 0;
      showHead();
      stretch();
      if (follows) reveal();
      paint();
    },
    end: () => observer.disconnect(),
  };
}
