"""Numbers of the study: influence beside distance, who helps, and predicted beside actual, of both models."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
import pandas
from jaxtyping import Bool, Float, Int
from scipy.stats import spearmanr

from influencelab.experiments.comparison import compare
from influencelab.experiments.tables import Agreement
from influencelab.influence.retrainer import Retrained
from influencelab.statistics.agreement import FOUR, statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.correlation import spearman
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.similarity.claims import DEEP, KERNEL
from influencelab.studies.similarity.models import Model
from influencelab.studies.similarity.pictures import Pictures

INFLUENCE = "exact"
# The most helpful pictures that somebody would look at.
FIRST = 20
# What is measured for each test point, and where a mean of it lies.
BY_TEST: Mapping[str, tuple[float, float]] = {
    "same_class_spearman": (-1.0, 1.0),
    "other_class_spearman": (-1.0, 1.0),
    "other_class_helps": (0.0, 1.0),
    "other_class_among_first": (0.0, 1.0),
    "first_of_other_class": (1.0, float("inf")),
    "nearest_among_first": (0.0, 1.0),
    "alike_among_first": (0.0, 1.0),
}
SHARES = tuple(what for what, within in BY_TEST.items() if within == (0.0, 1.0))
# Test points of whom a report keeps every training picture.
KEPT = 6


def by_test(given: Pictures, model: Model) -> pandas.DataFrame:
    """One row a test point of what `BY_TEST` names.

    Spearman correlations are of influence and closeness (minus the distance of pixels), among training pictures of its
    own class and of the other. Then the share of the other class that helps it (positive influence), of the other class
    among the `FIRST` most helpful, and the rank of the first of these; and the share of the `FIRST` of largest
    |influence| that are among as many nearest in pixels, and by the cosine of features.
    """
    values, same = model.values, given.same()
    near, alike = -given.distances(), given.cosines()
    found = []
    for test in range(values.shape[1]):
        own, value = same[:, test], values[:, test]
        order, largest = numpy.argsort(-value, kind="stable"), first(numpy.abs(value))
        found.append(
            {
                "test_id": int(given.pixels.test_ids[test]),
                "model": model.name,
                "same_class_spearman": rank_correlation(value[own], near[own, test]),
                "other_class_spearman": rank_correlation(value[~own], near[~own, test]),
                "other_class_helps": float((value[~own] > 0).mean()),
                "other_class_among_first": float((~own[order[:FIRST]]).mean()),
                "first_of_other_class": float(1 + numpy.flatnonzero(~own[order])[0]),
                "nearest_among_first": float(numpy.isin(largest, first(near[:, test])).mean()),
                "alike_among_first": float(numpy.isin(largest, first(alike[:, test])).mean()),
            }
        )
    return pandas.DataFrame(found)


def first(score: Float[numpy.ndarray, " n"]) -> Int[numpy.ndarray, " t"]:
    """The rows of the largest scores."""
    return numpy.argsort(-score, kind="stable")[:FIRST]


def rank_correlation(one: Float[numpy.ndarray, " k"], other: Float[numpy.ndarray, " k"]) -> float:
    """Spearman's; NaN of constants."""
    if one.min() == one.max() or other.min() == other.max():
        return float("nan")
    found: Any = spearmanr(one, other)
    return float(found.statistic)


def measurements(name: str, table: pandas.DataFrame, *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Means over test points for each model, with intervals over them, and the paired differences of the models."""
    parts: dict[str, Any] = {model: table[table["model"] == model] for model in (KERNEL, DEEP)}
    over, found = f"bootstrap over {len(parts[DEEP])} test points", []
    for (model, part), (what, within) in ((own, each) for own in parts.items() for each in BY_TEST.items()):
        values, ranks = part[what].to_numpy(dtype=float), what == "first_of_other_class"
        number = mean_of(values, bootstrap, over=over, within=within, ranks=ranks)
        found.append(row(number, data=name, model=model, statistic=what))
    kernel, deep = ({what: part[what].to_numpy(dtype=float) for what in BY_TEST} for part in parts.values())
    closer = kernel["same_class_spearman"] - numpy.abs(deep["same_class_spearman"])
    differences = {
        "same_class_spearman": (closer, "the kernel machine's correlation less the size of the deep model's")
    }
    differences |= {
        what: (deep[what] - kernel[what], "the deep model's share less the kernel machine's") for what in SHARES
    }
    for what, (values, words) in differences.items():
        number = mean_of(values, bootstrap, over=over, within=(-2.0, 2.0)).described(words)
        found.append(row(number, data=name, model="difference", statistic=f"{what}_difference"))
    return tidy(found)


def mean_of(
    values: Float[numpy.ndarray, " m"],
    bootstrap: Bootstrap,
    *,
    over: str,
    within: tuple[float, float],
    ranks: bool = False,
) -> Measurement:
    """The mean over test points; of ranks the geometric one, as a few large ones would say it all."""
    if not ranks:
        return bootstrap.mean(values[:, None], over=over, within=within)
    return bootstrap.mean(numpy.log(values)[:, None], over=over).mapped(
        lambda each: float(numpy.exp(each)), "geometric"
    )


def kept_values(given: Pictures, found: Mapping[str, Model]) -> pandas.DataFrame:
    """Distance, class and influence of every training picture, for the first test points of both classes."""
    m = len(given.pixels.test_ids)
    places = sorted({*range(min(KEPT // 2, m)), *range(m // 2 + m % 2, min(m // 2 + m % 2 + KEPT // 2, m))})
    distances, same = given.distances(), given.same()
    parts = [
        pandas.DataFrame(
            {
                "test_id": int(given.pixels.test_ids[test]),
                "train_id": given.pixels.train_ids.numpy(),
                "same_class": same[:, test],
                "distance": distances[:, test].astype(numpy.float32),
                **{name: each.values[:, test].astype(numpy.float32) for name, each in found.items()},
            }
        )
        for test in places
    ]
    return pandas.concat(parts, ignore_index=True)


def rivals(given: Pictures) -> dict[str, Float[numpy.ndarray, "n m"]]:
    """What costs no curvature: closeness, counted for a picture of the test point's class and against one of the other.

    `pixel_kernel` is the published kernel of the pixels, `feature_cosine` the cosine of the deep features, and
    `same_label` only whether the classes are the same.
    """
    sign = numpy.where(given.same(), 1.0, -1.0)
    squares = given.distances() ** 2 * given.pixels.x_train[0].numel()
    return {
        "pixel_kernel": sign * numpy.exp(-given.gamma * squares),
        "feature_cosine": sign * given.cosines(),
        "same_label": sign,
    }


def agreements(
    given: Pictures,
    model: Model,
    truth: Retrained,
    rows: Mapping[str, Int[numpy.ndarray, " t"]],
    *,
    bootstrap: Bootstrap,
) -> list[Agreement]:
    """Influence, one Newton step and the rivals beside the truth, of each choice of removals."""
    changed, found = numpy.concatenate(list(rows.values())), []
    whole = {each.estimator: each for each in (compare(one, truth) for one in (model.influence, model.newton))}
    whole |= {
        name: replace(whole[INFLUENCE], predicted=score[changed], estimator=name, unit="none")
        for name, score in rivals(given).items()
    }
    starts = numpy.cumsum([0, *map(len, rows.values())])
    for place, selection in enumerate(rows):
        chosen = numpy.zeros(len(changed), dtype=bool)
        chosen[starts[place] : starts[place + 1]] = True
        for estimator, comparison in whole.items():
            pairs = part_of(comparison, chosen)
            settings = {"data": given.name, "model": model.name, "estimator": estimator, "selection": selection}
            names = FOUR if comparison.unit != "none" else ("spearman", "pearson")
            statistics = {name: statistic(pairs, name, bootstrap=bootstrap) for name in names}
            found.append(Agreement(settings, pairs, statistics))
    return found


def every_agreement(
    given: Pictures,
    found: Mapping[str, Model],
    truths: Mapping[str, Retrained],
    rows: Mapping[str, Mapping[str, Int[numpy.ndarray, " t"]]],
    *,
    bootstrap: Bootstrap,
) -> list[Agreement]:
    """The same of both models."""
    parts = (agreements(given, each, truths[name], rows[name], bootstrap=bootstrap) for name, each in found.items())
    return [part for own in parts for part in own]


def part_of(comparison: Comparison, chosen: Bool[numpy.ndarray, " r"]) -> Comparison:
    """The pairs of some removals."""
    return replace(comparison, mask=comparison.mask & chosen[:, None]).without_empty_tests()


def advantage(parts: Sequence[Agreement], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """How much better influence ranks the truth than each rival does, on the same resamples of the same removals."""
    mine, found = {kept(part): part for part in parts if part.settings["estimator"] == INFLUENCE}, []
    for part in parts:
        if part.comparison.unit == "none":
            number = paired(mine[kept(part)].comparison, part.comparison, bootstrap)
            found.append(row(number, **part.settings, statistic="influence_less_rival"))
    return tidy(found)


def kept(part: Agreement) -> tuple[str, str]:
    """The model and the removals of a part."""
    return part.settings["model"], part.settings["selection"]


def paired(mine: Comparison, rival: Comparison, bootstrap: Bootstrap) -> Measurement:
    """Spearman of influence less that of a rival, the mean over test points."""

    def difference(pairs: Comparison, weights: numpy.ndarray) -> numpy.ndarray:
        return spearman(pairs, weights) - spearman(rival, weights)

    return statistic(mine, difference, bootstrap=bootstrap).pooled


def agreement_rows(parts: Sequence[Agreement]) -> pandas.DataFrame:
    """Every measure of every part as rows, means over test points."""
    return tidy(
        row(each.pooled, **part.settings, statistic=name) for part in parts for name, each in part.statistics.items()
    )


def facts(given: Pictures, found: Mapping[str, Model], truths: Mapping[str, Retrained]) -> dict[str, Any]:
    """How near their minima all models are, and how well they classify."""
    about = {}
    for name, each in found.items():
        truth = truths[name]
        about[name] = {
            "accuracy in training": each.accuracy[0],
            "accuracy in testing": each.accuracy[1],
            "gradient norm": each.fit.grad_norm,
            "largest gradient norm of retrained": float(truth.grad_norm.max()),
            "share of retrained that converged": float(truth.trusted.double().mean()),
        }
    return about | {"gamma": given.gamma, "pixels": list(given.pixels.x_train.shape[1:])}
