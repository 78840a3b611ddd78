"""Measurements of attacks: shares of test pictures that flip, predicted beside retrained, and where it shows."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy
import pandas
from scipy.stats import binomtest

from influencelab.data.source import Source
from influencelab.data.sources.cifar10 import Cifar10
from influencelab.data.sources.digits import Digits
from influencelab.data.sources.imagenette import Imagenette
from influencelab.errors import MissingData, UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.models.extractor import Extractor
from influencelab.models.extractors.efficientnet_lite0 import EfficientnetLite0
from influencelab.models.extractors.small_cnn import SmallCnn
from influencelab.statistics import agreement
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison, comparison_of
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, settings_of, tidy
from influencelab.studies.training_set_attack.trial import PUBLISHED, SELECTION, WHOLE, TrainingSetAttack
from influencelab.studies.training_set_attack.truth import PREDICTORS, TARGET

Key = tuple[str, int]
# Normal deviate of a 95% interval.
NORMAL = 1.959963984540054
OVER = "bootstrap over attacked test pictures"
# What each arm is held against: a coin that goes as far, and no curvature.
RIVALS = {PUBLISHED: ("random", "without_curvature"), WHOLE: ("random_whole_levels",), "without_curvature": ("random",)}


class Problem(NamedTuple):
    """Pictures of two classes, the network that is attacked, and another one."""

    source: Source
    extractor: Extractor
    other: Extractor


def problem_of(name: str, *, side: int, train: int, seed: int) -> Problem:
    """The problem of this name; `train` pictures are drawn, 0 for all.

    Raises:
        UnknownName: there is none of this name.
    """
    sizes: dict[str, Any] = {"train_size": train, "seed": seed}
    if name == "digits":
        # Hardly trained: features that know the labels leave nothing undecided.
        networks = [SmallCnn(features=48, steps=1, seed=each) for each in (0, 1)]
        return Problem(Digits(labels=(3, 8), held_out=697, **sizes), *networks)
    photographs: dict[str, Source] = {
        "cifar10": Cifar10(labels=(5, 6), **sizes),
        "imagenette": Imagenette(side=side, **sizes),
    }
    if name not in photographs:
        raise UnknownName(f"There is no data set '{name}' here. There are: digits, {', '.join(photographs)}.")
    return Problem(photographs[name], EfficientnetLite0(size=side), EfficientnetLite0(size=side * 4 // 3))


def available(name: str, *, optional: bool, **settings: Any) -> tuple[str, Problem]:
    """The problem of this name, or handwritten digits, with a warning, where its pictures cannot be had.

    Raises:
        MissingData: they cannot be had, and are not optional.
    """
    found = problem_of(name, **settings)
    try:
        found.source.load()
    except MissingData as error:
        if not optional:
            raise
        warnings.warn(f"Handwritten digits stand in for {name}: {error}", stacklevel=2)
        return "digits", problem_of("digits", **settings)
    return name, found


def trials(name: str, problem: Problem, *, tests: int, block: int, **settings: Any) -> dict[Key, TrainingSetAttack]:
    """A trial for each block of test pictures, by the name of the data and the place of its first."""
    return {
        (name, first): TrainingSetAttack(
            source=problem.source,
            extractor=problem.extractor,
            other=problem.other,
            first=first,
            count=min(block, tests - first),
            **settings,
        )
        for first in range(0, tests, block)
    }


def attacks(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """A row an attack, of all blocks."""
    return pandas.DataFrame(
        [{"data": data, **each} for (data, _), outcome in outcomes.items() for each in outcome.facts["attacks"]]
    )


def flips(table: pandas.DataFrame, *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Shares of attacked test pictures that flip, by arm and by how many pictures may be changed, and what goes on.

    `flip_rate` counts a test picture that any attempt with so many pictures or fewer flips; `ahead` is its
    difference from a rival, `times` its ratio with half a flip added to both. `log_odds_fall` is how much the log-odds
    of the right class fall in first attempts, which end when a prediction flips; `log_odds_ahead` by how much more than
    a rival's.
    """
    rows: list[dict[str, Any]] = []
    own: Any
    part: Any
    for data, own in table.groupby("data", sort=False):
        first = own[own["attempt"] == 0].assign(
            fall=lambda each: log_odds(each["loss_before"]) - log_odds(each["loss_after"])
        )
        falls = first.pivot_table(index="test", columns="arm", values="fall")
        for arm, part in own.groupby("arm", sort=False):
            shared = {"data": str(data), "estimator": str(arm)}
            for name in ("deviation", "file_deviation"):
                number = Measurement(
                    float(part[name].max()), n=len(part), unit="grey levels", note="largest; no interval"
                )
                rows.append(row(number, **shared, statistic=name))
            rows.append(row(share(int(part["trusted"].sum()), len(part)), **shared, statistic="converged"))
            mean = bootstrap.mean(falls[[arm]].to_numpy(float), over=OVER, nested=("tests",))
            rows.append(row(mean.described("mean"), **shared, statistic="log_odds_fall"))
            for rival in (each for each in RIVALS.get(str(arm), ()) if each in falls):
                pair = bootstrap.mean(
                    falls[[arm]].to_numpy(float) - falls[[rival]].to_numpy(float), over=OVER, nested=("tests",)
                )
                rows.append(row(pair.described("paired difference"), **shared, rival=rival, statistic="log_odds_ahead"))
        for budget in sorted(own["budget"].unique()):
            reached = own[own["budget"] <= budget].pivot_table(
                index="test", columns="arm", values="flipped", aggfunc="max"
            )
            rows += at_budget(reached.astype(float), {"data": str(data), "budget": int(budget)})
        rows += transfers(own, str(data))
    return tidy(rows)


def at_budget(reached: pandas.DataFrame, shared: dict[str, Any]) -> list[dict[str, Any]]:
    """Shares that flip with so many pictures, from a column an arm, and each arm beside its rivals."""
    rows, n = [], len(reached)
    counts = {str(arm): round(float(flipped.sum())) for arm, flipped in reached.items()}
    for arm, count in counts.items():
        own = {**shared, "estimator": arm}
        rows.append(row(share(count, n), **own, statistic="flip_rate"))
        for rival in (each for each in RIVALS.get(arm, ()) if each in counts):
            rows.append(row(ahead(count, counts[rival], n), **own, rival=rival, statistic="ahead"))
            rows.append(row(times(count, counts[rival], n), **own, rival=rival, statistic="times"))
    return rows


def ahead(count: int, other: int, n: int) -> Measurement:
    """The difference of two shares of the same n, with Newcombe's interval: of pairs that go together, a wide one."""
    one, two = share(count, n), share(other, n)
    below = math.hypot(one.value - one.ends[0], two.ends[1] - two.value)
    above = math.hypot(one.ends[1] - one.value, two.value - two.ends[0])
    value = one.value - two.value
    note = "95% Newcombe interval of two Wilson ones"
    return Measurement(value, max(-1.0, value - below), min(1.0, value + above), n=n, note=note)


def times(count: int, other: int, n: int) -> Measurement:
    """The ratio of two shares of the same n, half a flip added to both, with the interval of its logarithm."""
    one, two = count + 0.5, other + 0.5
    spread = math.exp(NORMAL * math.sqrt(1 / one + 1 / two - 2 / (n + 0.5)))
    note = "with half a flip added to both; 95% interval of the logarithm"
    return Measurement(one / two, one / two / spread, one / two * spread, n=n, note=note)


def log_odds(loss: Any) -> Any:
    """Of the right class, from its logistic loss: a number or an array."""
    return -numpy.log(numpy.expm1(numpy.asarray(loss, dtype=float)))


def transfers(own: pandas.DataFrame, data: str) -> list[dict[str, Any]]:
    """Of the attacks that flip, the share whose pictures flip the test picture for the other extractor too."""
    rows = []
    part: Any
    for arm, part in own.groupby("arm", sort=False):
        known = part[part["flipped"]].dropna(subset=["transferred"])
        if len(known):
            number = share(int(known["transferred"].astype(bool).sum()), len(known))
            rows.append(row(number, data=data, estimator=str(arm), statistic="transfer_rate"))
    return rows


def own_pairs(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """A row for each attack, share of its move, and predictor: predicted and retrained rise of its own test loss.

    And of the log-odds of the wrong class, in which the same prediction is −ΔL / (1 − p).
    """
    rows = []
    for (data, _), outcome in outcomes.items():
        places, kept = outcome.chosen[SELECTION].int().argmax(1), outcome.trusted[TARGET]
        before = {each["test"]: each["loss_before"] for each in outcome.facts["attacks"]}
        for name in PREDICTORS:
            for line in kept.nonzero()[:, 0].tolist():
                test = int(places[line])
                point = int(outcome.test_ids[test])
                predicted, actual = (
                    float(each[line, test]) for each in (outcome.predicted[name], outcome.actual[TARGET])
                )
                fall = log_odds(before[point]) - log_odds(before[point] + actual)
                own = {
                    "data": data,
                    "share": outcome.facts["shares"][line],
                    "estimator": name,
                    "test_id": point,
                    "test_label": int(outcome.test_labels[test]),
                    "train_id": int(outcome.train_ids[line]),
                    "train_label": int(outcome.train_labels[line]),
                }
                odds = {"predicted": predicted / -math.expm1(-before[point]), "actual": float(fall)}
                rows.append({**own, "measure": "loss", "predicted": predicted, "actual": actual})
                rows.append({**own, "measure": "log_odds", **odds})
    return pandas.DataFrame(rows)


def agreements(pairs: pandas.DataFrame, *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Order, line and size of predicted against retrained rises, by measure, predictor and share of the move."""
    rows: list[dict[str, Any]] = []
    groups: Any = pairs.groupby(["data", "measure", "share", "estimator"], sort=False)
    for (data, measure, part, name), own in groups:
        compared = comparison(own)
        settings = {"data": str(data), "measure": str(measure), "share": float(part), "estimator": str(name)}
        for each in agreement.FOUR:
            found = agreement.statistic(compared, each, bootstrap=bootstrap).pooled
            rows.append(row(found, **settings, target=TARGET, statistic=each))
    return tidy(rows)


def comparison(pairs: pandas.DataFrame) -> Comparison:
    """Predicted and retrained rises as one column: each attack has a test picture of its own."""
    predicted, actual = (pairs[name].to_numpy(float)[:, None] for name in ("predicted", "actual"))
    return comparison_of(predicted, actual)


def detection(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """How high scores put a poisoned point among all training points: the mean share of the others that score lower.

    0.5 says nothing, 1 puts it first: the area under the ROC curve of finding it, over attacks. `before` is that of the
    same point as it was, for an attack chooses points that stand out already.
    """
    table = looked_for(outcomes)
    rows: list[dict[str, Any]] = []
    groups: Any = table.groupby(["data", "score"], sort=False) if len(table) else ()
    for (data, score), own in groups:
        for name in ("before", "after"):
            values = own[name].to_numpy(float)[:, None]
            number = bootstrap.mean(values, over="bootstrap over attacks", nested=("tests",), within=(0.0, 1.0))
            rows.append(
                row(number.described("mean"), data=str(data), when=name, estimator=str(score), statistic="auroc")
            )
    return tidy(rows)


def looked_for(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """A row for each poisoned point and score: the share of the others that score lower, before and after."""
    return pandas.DataFrame(
        [{"data": data, **each} for (data, _), outcome in outcomes.items() for each in outcome.facts["looked_for"]]
    )


def models(outcomes: Mapping[Key, Outcome]) -> dict[str, Any]:
    """What was attacked: sizes, accuracy, gradient norm; and how many test pictures it had right."""
    names = ("n", "p", "train_accuracy", "fit_loss", "fit_grad_norm", "fit_converged")
    first = next(iter(outcomes.values())).facts
    blocks = [(each.facts["m"], each.facts["test_accuracy"]) for each in outcomes.values()]
    tests = sum(size for size, _ in blocks)
    right = sum(round(size * accuracy) for size, accuracy in blocks)
    return {**{name: first[name] for name in names}, "tests": tests, "right": right}


def listed(table: pandas.DataFrame) -> pandas.DataFrame:
    """The attacks with the ids of their training pictures as a text, as a report keeps them."""
    return table.assign(points=[", ".join(map(str, each)) for each in table["points"]])


def share(count: int, among: int) -> Measurement:
    """A share with Wilson's interval."""
    if not among:
        return Measurement(float("nan"), n=0, note="nothing to count")
    ends = binomtest(count, among).proportion_ci(method="wilson")
    return Measurement(count / among, float(ends.low), float(ends.high), n=among, note="95% Wilson interval")


def shown(table: pandas.DataFrame, statistics: Sequence[str]) -> pandas.DataFrame:
    """The rows of some statistics, without settings that none of them has."""
    found: Any = table[table["statistic"].isin(list(statistics))]
    return found.drop(columns=[name for name in settings_of(found) if found[name].isna().all()])
