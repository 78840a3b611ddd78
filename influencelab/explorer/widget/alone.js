// The explorer without a kernel: a stand-in for the notebook's model, whose values can be read, set and listened to.
import { render } from "./explorer.js";

/** Show the grid in `bytes`; `reason` says why nothing can be retrained here. Notes are kept under the `report`'s name. */
export function renderAlone({ bytes, settings, el, reason, report }) {
  const values = { settings, retrained: [], _grid: new DataView(bytes), selected: new DataView(new ArrayBuffer(0)), ...keptNotes(report) };
  const listeners = {};
  const model = {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      if (name === "notes") values.notes_reason = keepNotes(report, value);
      (listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    },
    on: (name, listener) => { (listeners[name] ??= []).push(listener); },
    off: (name, listener) => { listeners[name] = (listeners[name] ?? []).filter((one) => one !== listener); },
    save_changes() {},
    send() { (listeners["msg:custom"] ?? []).forEach((listener) => queueMicrotask(() => listener({ kind: "alive", reason }))); },
  };
  return render({ model, el });
}

const keyOf = (report) => `influencelab, notes on ${report}`;
const UNKEPT = "Notes last until this page is closed: the browser lets it store nothing. The CSV holds them.";

/** The notes of a report that this browser has kept, and why there can be none. */
function keptNotes(report) {
  try {
    return { notes: JSON.parse(localStorage.getItem(keyOf(report)) ?? "{}"), notes_reason: "" };
  } catch {
    return { notes: {}, notes_reason: UNKEPT };
  }
}

/** Keep them; why that cannot be, where it cannot. */
function keepNotes(report, notes) {
  try {
    localStorage.setItem(keyOf(report), JSON.stringify(notes));
    return "";
  } catch {
    return UNKEPT;
  }
}
