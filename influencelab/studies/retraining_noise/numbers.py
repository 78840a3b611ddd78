"""The numbers of a study of retraining's noise: single points, groups, and the derivative of the run."""

from collections.abc import Mapping

from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates, mean
from influencelab.studies.retraining_noise.draws import Noise, distance_from_zero

# By (estimator, target), and by the share of the training points that is removed.
Scores = Mapping[tuple[str, str], Mapping[float, Replicates]]


def whole(
    noise: Mapping[str, Noise],
    scores: Scores,
    repeats: Mapping[str, Mapping[float, Replicates]],
    unrolled: Mapping[str, Mapping[str, Measurement]],
    *,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Measurement]:
    """Every number of the study.

    Args:
        noise: of each setting, `1/0.001`.
        scores: how each estimator's predictions rank each target, by share removed.
        repeats: how well each target repeats, by share removed.
        unrolled: the scores of the derivative of each run, `sgd/1/0.01`.
        bootstrap: of the intervals.
    """
    found = {name: number for stem, each in noise.items() for name, number in each.numbers(stem).items()}
    found |= group_numbers(scores, repeats, bootstrap=bootstrap)
    return found | {
        f"unrolled/{run}/{name}": value.described() for run, part in unrolled.items() for name, value in part.items()
    }


def group_numbers(
    scores: Scores, repeats: Mapping[str, Mapping[float, Replicates]], *, bootstrap: Bootstrap | None = None
) -> dict[str, Measurement]:
    """`groups/paired/influence/spearman/0.5` and its like; the least share is a single point, `one`."""
    found = {}
    for (estimator, target), line in scores.items():
        stem = f"groups/{target}/{estimator}"
        means = {share: mean(table, bootstrap=bootstrap) for share, table in line.items()}
        found |= {f"{stem}/spearman/{size(share, line)}": score.described() for share, score in means.items()}
        found[f"{stem}/stands_off/one"] = distance_from_zero(means[min(line)])
    for target, line in repeats.items():
        for share, table in line.items():
            number = mean(table, bootstrap=bootstrap).described()
            found[f"groups/{target}/repeatability/{size(share, line)}"] = number
    return found


def size(share: float, line: Mapping[float, Replicates]) -> str:
    """A share in the name of a number."""
    return "one" if share == min(line) else f"{share:g}"
