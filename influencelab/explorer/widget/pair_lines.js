// What the list of pairs says of each: as a line, and as a picture.
import { h } from "./dom.js";
import { likeness } from "./points.js";
import { pairOf, told } from "./listing.js";

const MINIATURE = 24, TILE_PICTURE = 60; // pixels
const HEADS = {
  id: ["point", 64], test: ["test", 44], label: ["label", 62], predicted: ["predicted", 74], actual: ["actual", 74], error: ["error", 74],
  rank: ["rank", 40], loss: ["loss", 62], own: ["self-infl.", 66], verdict: ["verdict", 130], note: ["note", 80], text: ["words", 240],
};

export const PAIR_LINES = {
  title: "Training points of the view", columns: HEADS, texts: ["note", "text"],
  tell: ({ listing, notes }, column, i) => told(listing, column, i, notes),
  picture({ listing, addresses }, i) {
    const { points, train } = pairOf(listing, i);
    return points.kind === "images" ? likeness(points, "train", train, { size: MINIATURE, address: addresses[points.name] }) : null;
  },
  tile({ listing, notes, addresses }, i) {
    const { points, train } = pairOf(listing, i), tell = (column) => told(listing, column, i, notes);
    return {
      words: ["id", "label", "predicted", "actual", "verdict"].map((column) => `${HEADS[column][0]} ${tell(column)}`).join(", "),
      parts: [likeness(points, "train", train, { size: TILE_PICTURE, address: addresses[points.name] }),
        h("span", {}, `${tell("id")}${tell("note") ? " ✎" : ""}`), h("span", { class: "ile-value" }, tell("predicted"))],
    };
  },
};
