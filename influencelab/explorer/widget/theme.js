// The page's colours, read from CSS variables, and word of when they change.

const NAMES = ["paper", "ink", "faint", "grid", "zero", "axis", "band", "identity", "fitted", "retrained", "veil"];

/** Every colour as the canvas can use it. */
function readTheme(root) {
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.forcedColorAdjust = "none";
  root.append(probe);
  const theme = {};
  for (const name of NAMES) {
    probe.style.color = `var(--ile-${name})`;
    theme[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  theme.font = getComputedStyle(root).fontFamily;
  const [red, green, blue] = theme.paper.match(/[\d.]+/g).map(Number);
  theme.dark = red + green + blue < 380;
  return theme;
}

// Milliseconds after which colours are looked at again: a style sheet may arrive well after its theme was named.
const LATE = [400, 1500, 5000, 15000];

/**
 * Hand over the colours, now and whenever JupyterLab's theme, the system's or forced colours change; returns a function
 * that ends it. What is out of the page has no colours: a notebook takes cells out while they are out of sight, and one
 * that comes back is looked at again.
 */
export function watchTheme(root, changed) {
  let seen = "", timers = [];
  const look = () => {
    if (!root.isConnected) return;
    const theme = readTheme(root), now = JSON.stringify(theme);
    if (now === seen) return;
    seen = now;
    changed(theme);
  };
  const mark = () => {
    const setting = document.body.dataset.jpThemeLight;
    const dark = setting === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : setting === "false";
    root.classList.toggle("ile-dark", dark);
    timers.forEach(clearTimeout);
    timers = LATE.map((wait) => setTimeout(look, wait));
    look();
  };
  const observer = new MutationObserver(mark), back = new ResizeObserver(look);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  back.observe(root);
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
  queries.forEach((query) => query.addEventListener("change", mark));
  mark();
  return () => {
    timers.forEach(clearTimeout);
    observer.disconnect();
    back.disconnect();
    queries.forEach((query) => query.removeEventListener("change", mark));
  };
}
