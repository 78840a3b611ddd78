// The table of statistics next to the plot, for what is shown and for what is selected.
import { h } from "./dom.js";
import { formatted } from "./scales.js";

const NOTE = "Brackets: Fisher's 95% interval of a correlation. It takes pairs for independent, which those of one test point "
  + "or of one removal are not; the study's own numbers resample both.";

/** A correlation with its interval, to the digits that the interval leaves standing. */
function ranged(value, [low, high]) {
  if (value === null) return "–";
  const width = high - low, digits = width > 0 ? Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(width)))) : 3;
  const [middle, ...ends] = [value, low, high].map((one) => one.toFixed(digits).replace("-", "−"));
  return [middle, h("small", {}, `[${ends.join(", ")}]`)];
}

/** Show the statistics. */
export function showReadings(host, statistics, { unscaled }) {
  const { shown, selected } = statistics;
  const rows = [
    ["pairs", (one) => one.n.toLocaleString("en")],
    ["Pearson", (one) => ranged(one.pearson, one.pearson_interval)],
    ["Spearman", (one) => ranged(one.spearman, one.spearman_interval)],
    ["Spearman by test point", (one) => formatted(one.spearman_over_tests)],
    ["slope (1 = right size)", (one) => (unscaled ? "– (no unit)" : formatted(one.slope))],
  ];
  const body = rows.map(([name, tell]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, tell(shown)), h("td", {}, selected.n ? tell(selected) : "–")));
  const table = h("table", { class: "ile-statistics" },
    h("caption", {}, "Agreement of prediction and truth"),
    h("thead", {}, h("tr", {}, h("th", {}, ""), h("th", { scope: "col" }, "shown"), h("th", { scope: "col" }, "selected"))),
    h("tbody", {}, body));
  host.replaceChildren(table, h("p", { class: "ile-small" }, worth(statistics)), h("p", { class: "ile-small" }, NOTE));
  host.dataset.statistics = JSON.stringify(statistics);
}

/** What any prediction of this truth could reach, where two seeds were trained. */
function worth({ repeatability, ceiling, not_converged, not_predicted }) {
  const many = (count, words) => (count ? ` ${count.toLocaleString("en")} pairs ${words}` : "");
  const lost = many(not_converged, "have no truth: the model did not converge.") + many(not_predicted, "are not shown: their prediction is not stored here.");
  if (repeatability === null) return `Ceiling by reliability: unknown, since this truth was found with one seed only.${lost}`;
  if (ceiling === null) return `The truth of two seeds correlates at ${formatted(repeatability, 3)}: nothing in it repeats.${lost}`;
  return `Ceiling by reliability: the truth of two seeds correlates at ${formatted(repeatability, 3)}, so a prediction that does not know the seed `
    + `reaches ${formatted(ceiling, 3)} at most.${lost}`;
}
