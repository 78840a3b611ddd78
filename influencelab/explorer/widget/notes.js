// A note on the training point in focus. The model keeps all of them by id: in Python, or in the browser's own storage.
import { h } from "./dom.js";
import { idOf } from "./points.js";

const NOTE_PAUSE = 400; // milliseconds without a key after which a note is kept

/** The box of one note, in an element. `changed()` is called when any note has changed, here or elsewhere. */
export function makeNotes(host, model, changed) {
  const name = h("span", {}), said = h("span", { class: "ile-small" });
  const box = h("textarea", { class: "ile-note", rows: 2, oninput: () => { clearTimeout(waiting); waiting = setTimeout(keep, NOTE_PAUSE); }, onblur: keep });
  let id = null, waiting = 0;
  host.append(h("label", { class: "ile-control" }, name, box), said);
  const all = () => model.get("notes") ?? {};

  /** What stands in the box becomes the note of its point. */
  function keep() {
    clearTimeout(waiting);
    const text = box.value, notes = { ...all() };
    if (id === null || (notes[id] ?? "") === text) return;
    if (text) notes[id] = text; else delete notes[id];
    model.set("notes", notes);
    model.save_changes();
    said.textContent = model.get("notes_reason") ?? "";
    changed();
  }

  function look(pair) {
    const next = pair ? String(idOf(pair.table.points, "train", pair.table.train[pair.place])) : null;
    if (next !== id) {
      keep();
      id = next;
    } else if (document.activeElement === box || box.getRootNode().activeElement === box) return;
    box.value = id === null ? "" : (all()[id] ?? "");
    box.disabled = id === null;
    name.textContent = id === null ? "Note" : `Note on ${pair.table.points.grouped ? "group" : "training point"} ${id}`;
    said.textContent = model.get("notes_reason") ?? "";
  }

  return { look, all, end: keep };
}
