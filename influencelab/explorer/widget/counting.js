// The statistics of what is shown and of what is selected, with what any prediction of this truth could reach.
import { summary } from "./statistics.js";

/** Everything the table of statistics says. */
export function statisticsOf({ shown, choice, chosen }) {
  const { settings, tables, steps } = choice;
  // What is shown changes less often than what is selected.
  shown.summary ??= partOf(shown, tables, null);
  const repeatability = tables[0].repeatability[settings.target] ?? null;
  return {
    shown: shown.summary, selected: partOf(shown, tables, chosen ?? new Uint8Array(shown.n)),
    repeatability, ceiling: repeatability > 0 ? Math.sqrt(repeatability) : null,
    not_converged: shown.missing.rows.length, not_predicted: shown.unpredicted,
    damping: settings.damping === null ? null : steps.dampings[steps.shares.indexOf(settings.damping)],
  };
}

/** The statistics of the drawn pairs, or of those that are marked. */
function partOf(shown, tables, marked) {
  const count = marked ? marked.reduce((sum, one) => sum + one, 0) : shown.n;
  const [x, y, groups] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  for (let i = 0, k = 0; i < shown.n; i++) {
    if (marked && !marked[i]) continue;
    const table = tables[shown.owners[i]];
    x[k] = shown.x[i];
    y[k] = shown.y[i];
    groups[k] = shown.owners[i] * 1048576 + table.test[shown.rows[i] - table.first];
    k += 1;
  }
  return summary(x, y, groups);
}
