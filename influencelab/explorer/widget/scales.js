// Axes: linear or symmetric logarithmic, with round ticks and labels in words.

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export function power(exponent) {
  return `10${[...String(exponent)].map((digit) => SUPERSCRIPT[digit]).join("")}`;
}

/** A map from values to places; both directions, so that a view can be any part of it. */
export function makeScale(kind, least) {
  if (kind !== "symlog") return { kind, forward: (v) => v, back: (u) => u };
  return {
    kind, least,
    forward: (v) => Math.sign(v) * Math.log10(1 + Math.abs(v) / least),
    back: (u) => Math.sign(u) * least * (10 ** Math.abs(u) - 1),
  };
}

/** Where the symmetric logarithm turns linear: a power of ten that one value in ten lies below. */
export function threshold(values) {
  const sizes = Float64Array.from(values, Math.abs).filter((size) => size > 0).sort();
  if (!sizes.length) return 1;
  const low = Math.max(sizes[Math.floor(sizes.length / 10)], sizes[sizes.length - 1] / 1e4);
  return 10 ** Math.floor(Math.log10(low));
}

/** Ticks of a part of a scale: places in its own coordinates, with their labels, and the power of ten left out. */
export function ticksOf(scale, low, high, room) {
  return scale.kind === "symlog" ? logTicks(scale, low, high, room) : linearTicks(low, high, room);
}

function linearTicks(low, high, room) {
  const rough = (high - low) / Math.max(2, room);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * unit).find((size) => size >= rough);
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const tens = Math.floor(Math.log10(largest));
  const exponent = tens < -2 || tens > 3 ? tens : 0;
  const digits = Math.max(0, exponent - Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) {
    ticks.push({ at: k * step, label: (k * step / 10 ** exponent).toFixed(Math.min(digits, 6)).replace(/^-(0(\.0*)?)$/, "$1") });
  }
  return { ticks, exponent };
}

function logTicks(scale, low, high, room) {
  const ticks = [];
  const add = (value, label) => {
    const at = scale.forward(value);
    if (at >= low && at <= high) ticks.push({ at, label });
  };
  const decades = Math.ceil(Math.max(Math.abs(low), Math.abs(high)));
  const skip = Math.max(1, Math.ceil((high - low) / Math.max(2, room)));
  add(0, "0");
  const start = Math.round(Math.log10(scale.least));
  // The first decade stands close to zero; its labels would run into that of zero.
  const near = 0.3 * room / (high - low) < 0.8 ? 1 : 0;
  for (let k = near; k <= decades; k += skip) {
    add(10 ** (start + k), power(start + k));
    add(-(10 ** (start + k)), `−${power(start + k)}`);
  }
  return { ticks, exponent: 0 };
}

/** A number for people: four digits, and powers of ten only where they help. */
export function formatted(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(digits))).replace("-", "−");
  const [mantissa, exponent] = value.toExponential(digits - 2).split("e");
  return `${mantissa.replace("-", "−")} × ${power(Number(exponent))}`;
}
