"""Measurements of inspections: areas, shares found, accuracies after mending, each over repeats and paired."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy
import pandas
from jaxtyping import Float

from influencelab.data.source import Source
from influencelab.data.sources.digits import Digits
from influencelab.data.sources.enron1 import Enron1
from influencelab.data.sources.fashion_mnist import FashionMnist
from influencelab.errors import UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.tables import Agreement, agreements
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.mislabelled_data.flipped_labels import (
    MENDED,
    FlippedLabels,
)
from influencelab.studies.mislabelled_data.scores import INFLUENCE, SCORES
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton

# Two classes that a linear model does not tell apart without errors; of Fashion-MNIST pullovers and coats.
SOURCES: Mapping[str, Source] = {
    "digits": Digits(labels=(3, 8), held_out=897, scaling="unit"),
    "enron1": Enron1(),
    "fashion": FashionMnist(labels=(2, 4), train_size=2000, scaling="unit"),
}
# How each is trained: thousands of words by passes over what is not 0.
TRAINERS = {"enron1": LBFGS(tolerance=1e-9, memory=50, max_steps=20_000)}

# Data set, share of flips, repeat.
Key = tuple[str, float, int]


def trials(
    data: Sequence[str], *, shares: Sequence[float], repeats: int, relabelled: int
) -> tuple[dict[Key, FlippedLabels], dict[Key, FlippedLabels]]:
    """Each data set with each share of labels flipped in every repeat, of which the very first relabels; and untouched.

    An UnknownName error for a data set that is none of `SOURCES`.
    """
    flipped, untouched = {}, {}
    for name in data:
        if name not in SOURCES:
            raise UnknownName(f"There is no data set '{name}' here. There are: {', '.join(SOURCES)}.")
        common: dict[str, Any] = {"source": SOURCES[name], "trainer": TRAINERS.get(name, Newton())}
        for share, seed in itertools.product(shares, range(repeats)):
            some = relabelled if (share, seed) == (shares[0], 0) else 0
            flipped[name, share, seed] = FlippedLabels(share=share, relabelled=some, seed=seed, **common)
        untouched[name, 0.0, 0] = FlippedLabels(share=0.0, **common)
    return flipped, untouched


def measurements(
    outcomes: Mapping[Key, Outcome], *, inspected: Sequence[float], bootstrap: Bootstrap
) -> pandas.DataFrame:
    """Every number over repeats: means with intervals, spreads, and differences within each repeat."""
    rows: list[dict[str, Any]] = []
    for data, share in dict.fromkeys((data, share) for data, share, _ in outcomes):
        facts = [each.facts["mislabels"] for key, each in outcomes.items() if key[:2] == (data, share)]
        shared = {"data": data, "flipped": share}
        areas = {name: numpy.array([each["area"][name] for each in facts]) for name in SCORES}
        for name, values in areas.items():
            own = {**shared, "estimator": name}
            gain = over_repeats(areas[INFLUENCE] - values, bootstrap, how="self-influence less this, paired")
            rows += [row(over_repeats(values, bootstrap), **own, statistic="area"), *spreads(values, own)]
            rows += [row(gain, **own, statistic="area_gain")] if name != INFLUENCE else []
            rows += at_shares([each["found"][name] for each in facts], "found", own, inspected, bootstrap)
        clean = numpy.array([each["clean"] for each in facts])
        for name in MENDED:
            own, after = {**shared, "estimator": name}, [each["accuracy"][name] for each in facts]
            lost = [(whole - numpy.array(each)).tolist() for whole, each in zip(clean, after, strict=True)]
            rows += at_shares(after, "accuracy", own, inspected, bootstrap)
            rows += at_shares(lost, "accuracy_lost", own, inspected, bootstrap)
        for name, values in (("clean", clean), ("flipped", numpy.array([each["flipped"] for each in facts]))):
            number = over_repeats(values, bootstrap) if name == "flipped" else Measurement(clean[0], note="one fit")
            rows.append(row(number, **shared, estimator=name, statistic="accuracy"))
    return tidy(rows)


def replicated(outcomes: Mapping[Key, Outcome], *, inspected: Sequence[float]) -> pandas.DataFrame:
    """What the means over repeats are of: a row for each number of each repeat."""
    rows: list[dict[str, Any]] = []
    for (data, flipped, seed), outcome in outcomes.items():
        facts, own = outcome.facts["mislabels"], {"data": data, "flipped": flipped, "seed": seed}
        for name in SCORES:
            shared = {**own, "estimator": name}
            rows.append({**shared, "statistic": "area", "value": facts["area"][name]})
            found = zip(inspected, facts["found"][name], strict=True)
            rows += [{**shared, "inspected": share, "statistic": "found", "value": value} for share, value in found]
        for name in MENDED:
            after = zip(inspected, facts["accuracy"][name], strict=True)
            shared = {**own, "estimator": name, "statistic": "accuracy_lost"}
            rows += [{**shared, "inspected": share, "value": facts["clean"] - value} for share, value in after]
    return pandas.DataFrame(rows).astype(dict.fromkeys(("data", "estimator", "statistic"), "category"))


def at_shares(
    values: Sequence[Sequence[float]], name: str, own: Mapping[str, Any], inspected: Sequence[float], way: Bootstrap
) -> list[dict[str, Any]]:
    """A statistic at each share inspected, from a row a repeat."""
    table = numpy.array(values)
    return [
        row(over_repeats(column, way), **own, inspected=share, statistic=name)
        for share, column in zip(inspected, table.T, strict=True)
    ]


def over_repeats(values: Float[numpy.ndarray, " s"], way: Bootstrap, *, how: str = "mean") -> Measurement:
    """The mean over repeats, had other labels been flipped: the split is one and the same."""
    return way.mean(values[:, None], over=f"bootstrap over {len(values)} repeats of one split").described(how)


def spreads(values: Float[numpy.ndarray, " s"], own: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The standard deviation over repeats and the standard error of their mean, which the paper's bars are."""
    if len(values) < 2:
        return
    deviation, n = float(values.std(ddof=1)), len(values)
    yield row(
        Measurement(deviation, n=n, note="standard deviation over repeats; no interval"), **own, statistic="area_sd"
    )
    error = Measurement(deviation / n**0.5, n=n, note="standard error of the mean over repeats; no interval")
    yield row(error, **own, statistic="area_sem")


def relabelling(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> list[Agreement]:
    """Predicted against actual change in validation loss when one label is changed, of each first repeat."""
    first = {key[:1]: each for key, each in outcomes.items() if len(each.train_ids)}
    return agreements(first, ("data",), bootstrap=bootstrap)


def untouched_table(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """The points that each score puts first where no label was flipped: candidates for real errors."""
    return pandas.DataFrame(
        [
            {"data": key[0], "score": name, "rank": rank, **point}
            for key, outcome in outcomes.items()
            for name, points in outcome.facts["mislabels"]["top"].items()
            for rank, point in enumerate(points, start=1)
        ]
    )


def shared_by_scores(table: pandas.DataFrame, *, least: int = 3) -> pandas.DataFrame:
    """The points that so many scores or more put first, with how many do."""
    names = ["data", "id", "label", "probability"]
    counted: Any = table.groupby(names, sort=False, as_index=False).agg(scores=("score", "size"))
    return counted[counted["scores"] >= least].sort_values(["data", "scores"], ascending=[True, False], kind="stable")


def convergence(outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, float]]:
    """Of each data set how many models were trained, how many converged, and the largest ‖∇J‖ of any."""
    found: dict[str, dict[str, float]] = {}
    for key, outcome in outcomes.items():
        facts, own = outcome.facts["mislabels"], found.setdefault(key[0], {"models": 0, "converged": 0, "norm": 0.0})
        own["models"] += facts["models"]
        own["converged"] += facts["converged"]
        own["norm"] = max(own["norm"], facts["largest_grad_norm"])
    return found
