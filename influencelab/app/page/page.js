
// A stand-in for the notebook's model: values that can be read, set and listened to, and nobody to send them to.
function standIn() {
  const values = JSON.parse(document.getElementById("state").textContent);
  const text = atob(document.getElementById("grid").textContent.trim()), bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  Object.assign(values, { _grid: new DataView(bytes.buffer), selected: new DataView(new ArrayBuffer(0)) });
  const listeners = {};
  return {
    get: (name) => values[name],
    set(name, value) { values[name] = value; (listeners[`change:${name}`] ?? []).forEach((listener) => listener()); },
    on: (name, listener) => { (listeners[name] ??= []).push(listener); },
    off: (name, listener) => { listeners[name] = (listeners[name] ?? []).filter((one) => one !== listener); },
    save_changes() {},
    // Nothing can be retrained in a page.
    send() { (listeners["msg:custom"] ?? []).forEach((listener) => queueMicrotask(() => listener({ kind: "alive", reason: "this is a page, and retraining needs a notebook" }))); },
  };
}

render({ model: standIn(), el: document.getElementById("explorer") });
