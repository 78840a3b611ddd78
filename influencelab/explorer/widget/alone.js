// The explorer without a kernel: a stand-in for the notebook's model, whose values can be read, set and listened to.
import { render } from "./explorer.js";

/** Show the grid in `bytes`; `reason` says why nothing can be retrained here. */
export function renderAlone({ bytes, settings, el, reason }) {
  const values = { settings, retrained: [], _grid: new DataView(bytes), selected: new DataView(new ArrayBuffer(0)) };
  const listeners = {};
  const model = {
    get: (name) => values[name],
    set(name, value) { values[name] = value; (listeners[`change:${name}`] ?? []).forEach((listener) => listener()); },
    on: (name, listener) => { (listeners[name] ??= []).push(listener); },
    off: (name, listener) => { listeners[name] = (listeners[name] ?? []).filter((one) => one !== listener); },
    save_changes() {},
    send() { (listeners["msg:custom"] ?? []).forEach((listener) => queueMicrotask(() => listener({ kind: "alive", reason }))); },
  };
  return render({ model, el });
}
