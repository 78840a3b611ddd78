// What a point is: its picture, its words or its features, and what the fit says of it.
import { h } from "./dom.js";
import { formatted } from "./scales.js";

const LONGEST = 30; // features that stand below a point

/** The label of a point in words; empty where it is unknown. */
export function labelOf(points, part, place) {
  const label = points[`${part}_labels`][place];
  return Number.isNaN(label) ? "" : labelInWords(points, label);
}

/** A label in words: the name of its class, else its number, or a target. */
export function labelInWords(points, label) {
  return points.classes ? points.class_names?.[label] ?? `class ${label}` : `target ${formatted(label)}`;
}

/** What a point is called: its name, else its id. */
export const idOf = (points, part, place) => points[`${part}_names`]?.[place] ?? points[`${part}_ids`][place];

/** A picture of a point, its text or its features; a plain tile where nothing is known of it. */
export function likeness(points, part, place, { size, address }) {
  if (points.kind === "images") return thumbnail(points, part, place, size, address);
  if (points.kind === "texts") return h("blockquote", { class: "ile-text" }, points[`${part}_texts`][place]);
  if (points.kind === "features") return features(points, part, place, size);
  return h("div", { class: "ile-tile", style: `width:${size}px;height:${size}px` }, points.grouped && part === "train" ? "group" : "no picture");
}

/** A part of the points' sprite sheet. */
function thumbnail(points, part, place, size, address) {
  const at = part === "train" ? place : points.train_ids.length + place, count = points.train_ids.length + points.test_ids.length;
  const words = `${part === "train" ? "training" : "test"} image ${idOf(points, part, place)}, ${labelOf(points, part, place)}`;
  return pieceOf(points, at, { count, size, address, words });
}

/** Picture number `at` among `count` of a sprite sheet, as many times larger as fits. */
export function pieceOf({ shape: [height, width], columns }, at, { count, size, address, words }) {
  const zoom = size / Math.max(height, width);
  const style = [
    `width:${width * zoom}px`, `height:${height * zoom}px`, `background-image:url(${address})`,
    `background-size:${columns * width * zoom}px ${Math.ceil(count / columns) * height * zoom}px`,
    `background-position:-${(at % columns) * width * zoom}px -${Math.floor(at / columns) * height * zoom}px`,
  ];
  return h("div", { class: "ile-thumbnail", role: "img", "aria-label": words, style: style.join(";") });
}

/** The features of one point. */
export const valuesOf = (points, part, place) => {
  const wide = points[part].length / points[`${part}_ids`].length;
  return points[part].subarray(place * wide, (place + 1) * wide);
};

function features(points, part, place, size) {
  const values = [...valuesOf(points, part, place)];
  if (values.length > LONGEST && size >= 60) return h("p", { class: "ile-hint" }, `${values.length} features: see Features`);
  const names = points.features.length ? points.features : values.map((_, i) => `feature ${i + 1}`);
  if (size < 60) return h("div", { class: "ile-tile ile-numbers" }, values.slice(0, 4).map((value) => h("span", {}, formatted(value, 2))));
  return h("table", { class: "ile-features" }, values.map((value, i) => h("tr", {}, h("th", { scope: "row" }, names[i]), h("td", {}, formatted(value)))));
}

/** The pixels of every picture, 0 … 1, once the sprite sheet is decoded; null where points are no pictures. */
export async function pixelsOf(points) {
  if (points.kind !== "images") return null;
  const image = await createImageBitmap(new Blob([points.sprite_sheet], { type: "image/png" }));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const all = context.getImageData(0, 0, image.width, image.height).data, [height, width] = points.shape;
  return (at) => {
    const left = (at % points.columns) * width, top = Math.floor(at / points.columns) * height;
    const values = new Float64Array(3 * height * width);
    // Three colours count as one pixel; a grey has three equal ones.
    for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) for (let k = 0; k < 3; k++) {
      values[3 * (r * width + c) + k] = all[4 * ((top + r) * image.width + left + c) + k] / 255 / Math.sqrt(3);
    }
    return values;
  };
}

/** How far apart a training and a test point are (Euclid): in pixels of 0 … 1, or in the units of the features. */
export function distance(points, train, test) {
  const read = points.kind === "features"
    ? [valuesOf(points, "train", train), valuesOf(points, "test", test)]
    : points.pixels && [points.pixels(train), points.pixels(points.train_ids.length + test)];
  return read ? Math.sqrt(read[0].reduce((sum, value, i) => sum + (value - read[1][i]) ** 2, 0)) : null;
}
