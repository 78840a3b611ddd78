"""The numbers of a study of retraining's noise: single points, groups, and the derivative of the run."""

from collections.abc import Mapping

from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Resampled
from influencelab.studies.retraining_noise.draws import Noise, stands_off

# By (estimator, target), and by the share of the training points that is removed.
Scores = Mapping[tuple[str, str], Mapping[float, Resampled]]


def whole(
    noise: Mapping[str, Noise],
    scores: Scores,
    repeats: Mapping[str, Mapping[float, Resampled]],
    unrolled: Mapping[str, Mapping[str, Resampled]],
) -> dict[str, Measurement]:
    """Every number of the study.

    Args:
        noise: of each setting, `1/0.001`.
        scores: how each estimator's predictions rank each target, by share removed.
        repeats: how well each target repeats, by share removed.
        unrolled: what is known of the derivative of each run, `sgd/1/0.01`.
    """
    found = {name: number for stem, each in noise.items() for name, number in each.numbers(stem).items()}
    found |= group_numbers(scores, repeats)
    return found | {
        f"unrolled/{run}/{name}": value.number() for run, part in unrolled.items() for name, value in part.items()
    }


def group_numbers(scores: Scores, repeats: Mapping[str, Mapping[float, Resampled]]) -> dict[str, Measurement]:
    """`groups/paired/influence/spearman/0.5` and its like; the least share is a single point, `one`."""
    found = {}
    for (estimator, target), line in scores.items():
        stem = f"groups/{target}/{estimator}"
        found |= {f"{stem}/spearman/{size(share, line)}": score.number() for share, score in line.items()}
        found[f"{stem}/stands_off/one"] = stands_off(line[min(line)])
    for target, line in repeats.items():
        found |= {f"groups/{target}/repeatability/{size(share, line)}": each.number() for share, each in line.items()}
    return found


def size(share: float, line: Mapping[float, Resampled]) -> str:
    """A share in the name of a number."""
    return "one" if share == min(line) else f"{share:g}"
