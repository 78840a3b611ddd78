"""The numbers of a study of retraining's noise: single points, groups, and the derivative of the run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas

from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.replicates import Replicates, mean
from influencelab.studies.retraining_noise.draws import Noise, distance_from_zero

# By (estimator, target), and by the share of the training points that is removed.
Scores = Mapping[tuple[str, str], Mapping[float, Replicates]]
# Settings of the scores of a run's derivative; the truth of each is its paired retraining.
SCORES = {
    "same": {"draw": "same", "estimator": "unrolled", "statistic": "spearman"},
    "other": {"draw": "other", "estimator": "unrolled", "statistic": "spearman"},
    "drop": {"estimator": "unrolled", "statistic": "drop"},
    "repeats": {"statistic": "repeatability"},
    "foreign": {"estimator": "unrolled", "statistic": "spearman"},
    "loss": {"estimator": "unrolled", "statistic": "drop"},
}


class Run(NamedTuple):
    """A training run whose derivative is taken, and the share of its points that a group is; None for single points."""

    optimiser: str
    depth: int
    learning_rate: float
    share: float | None = None


def measurements(
    noise: Mapping[tuple[int, float], Noise],
    scores: Scores,
    repeats: Mapping[str, Mapping[float, Replicates]],
    unrolled: Mapping[tuple[Any, ...], Mapping[str, Measurement]],
    mismatches: Mapping[tuple[str, str], Mapping[str, Measurement]],
    *,
    bootstrap: Bootstrap | None = None,
) -> pandas.DataFrame:
    """Every number of the study as a tidy table; where single points are removed, `share` is missing.

    Args:
        noise: by hidden layers and learning rate.
        scores: how each estimator's predictions rank each target, by share removed; the least is a single point.
        repeats: how well each target repeats, by share removed.
        unrolled: the scores of the derivative of each run, by the values of `Run`.
        mismatches: the scores where the derivative is another optimiser's, by (optimiser, derivative_of).
        bootstrap: of the intervals.
    """
    rows = []
    for (depth, rate), each in noise.items():
        rows += each.rows(part="noise", depth=depth, learning_rate=rate)
    rows += group_rows(scores, repeats, bootstrap=bootstrap)
    runs = [({"part": "unrolled", **Run(*key)._asdict()}, found) for key, found in unrolled.items()]
    for (optimiser, other), found in mismatches.items():
        runs.append(({"part": "mismatch", "optimiser": optimiser, "derivative_of": other}, found))
    for settings, found in runs:
        rows += [row(each.described(), **settings, target="paired", **SCORES[name]) for name, each in found.items()]
    return tidy(rows)


def group_rows(
    scores: Scores, repeats: Mapping[str, Mapping[float, Replicates]], *, bootstrap: Bootstrap | None = None
) -> list[dict[str, Any]]:
    """How well groups and single points are ranked, how far the interval of the latter is from 0, and what repeats."""
    rows = []
    for (estimator, target), line in scores.items():
        own = {"part": "groups", "estimator": estimator, "target": target}
        means = {share: mean(table, bootstrap=bootstrap) for share, table in line.items()}
        rows += [
            row(each.described(), **own, share=group(share, line), statistic="spearman")
            for share, each in means.items()
        ]
        rows.append(row(distance_from_zero(means[min(line)]), **own, statistic="distance_from_zero"))
    for target, line in repeats.items():
        own = {"part": "groups", "target": target, "statistic": "repeatability"}
        for share, table in line.items():
            rows.append(row(mean(table, bootstrap=bootstrap).described(), **own, share=group(share, line)))
    return rows


def group(share: float, line: Mapping[float, Replicates]) -> float | None:
    """The share that a group is, or None for the least, a single point."""
    return None if share == min(line) else share
