"""Measurements of attacks: shares of test pictures that flip, predicted beside retrained, and where it shows."""

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
from influencelab.studies.training_set_attack.trial import GROWING, PUBLISHED, SELECTION, TrainingSetAttack
from influencelab.studies.training_set_attack.truth import PREDICTORS, TARGET

Key = tuple[str, int]
OVER = "bootstrap over attacked test pictures"
# The control of each arm, which goes as far without looking.
CONTROLS = {PUBLISHED: "random", "whole_levels": "random_whole_levels", "without_curvature": "random"}


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
        return Problem(Digits(labels=(3, 8), held_out=697, **sizes), SmallCnn(), SmallCnn(seed=1))
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

    `flip_rate` counts a test picture that any attempt with so many pictures or fewer flips, `first_flip_rate` the
    first attempt alone, in which all arms are alike; `ahead` is the paired difference of that, `times` the ratio with
    half a flip added to both. `loss_rise` is the mean over first attempts, which end when a prediction flips.
    """
    rows: list[dict[str, Any]] = []
    for data, own in table.groupby("data", sort=False):
        first = own[own["attempt"] == 0].pivot_table(index="test", columns="arm", values="flipped", aggfunc="max")
        for arm, part in own.groupby("arm", sort=False):
            shared = {"data": str(data), "estimator": str(arm)}
            tests = part["test"].unique()
            budgets = sorted(own["budget"].unique()) if arm in GROWING else [1]
            for budget in budgets:
                reached = part[(part["budget"] <= budget) & part["flipped"]]["test"].nunique()
                rows.append(row(share(reached, len(tests)), **shared, budget=int(budget), statistic="flip_rate"))
            one = part[part["attempt"] == 0]
            rows.append(row(share(int(one["flipped"].sum()), len(one)), **shared, statistic="first_flip_rate"))
            rise = (one["loss_after"] - one["loss_before"]).to_numpy(float)
            known = bootstrap.mean(rise[:, None], over=OVER)
            rows.append(row(with_unit(known.described("mean"), "nats"), **shared, statistic="loss_rise"))
            for name in ("deviation", "file_deviation"):
                number = Measurement(float(part[name].max()), n=len(part), note="largest; no interval")
                rows.append(row(with_unit(number, "grey levels"), **shared, statistic=name))
            rows.append(row(share(int(part["trusted"].sum()), len(part)), **shared, statistic="converged"))
            rows += beside(first, str(arm), shared, bootstrap)
        rows += transfers(own, str(data))
    return tidy(rows)


def beside(first: pandas.DataFrame, arm: str, shared: dict[str, Any], way: Bootstrap) -> list[dict[str, Any]]:
    """First attempts of an arm beside those of its control, and of the published one beside that without curvature."""
    rivals = [CONTROLS[arm]] if arm in CONTROLS else []
    rivals += ["without_curvature"] if arm == PUBLISHED else []
    rows = []
    for rival in (each for each in rivals if each in first):
        pair = first[[arm, rival]].dropna().to_numpy(float)
        gain = way.mean((pair[:, 0] - pair[:, 1])[:, None], over=OVER, within=(-1.0, 1.0))
        rows.append(row(gain.described("paired difference"), **shared, rival=rival, statistic="ahead"))
        drawn = way.draw({"tests": len(pair)})["tests"] @ pair
        value = float((pair[:, 0].sum() + 0.5) / (pair[:, 1].sum() + 0.5))
        ratio = way.interval(
            value, (drawn[:, 0] + 0.5) / (drawn[:, 1] + 0.5), n=len(pair), over=OVER, within=(0.0, numpy.inf)
        )
        rows.append(row(ratio.described("with half a flip added to both"), **shared, rival=rival, statistic="times"))
    return rows


def transfers(own: pandas.DataFrame, data: str) -> list[dict[str, Any]]:
    """Of the attacks that flip, the share whose pictures flip the test picture for the other extractor too."""
    rows = []
    for arm, part in own.groupby("arm", sort=False):
        known = part[part["flipped"]].dropna(subset=["transferred"])
        if len(known):
            number = share(int(known["transferred"].astype(bool).sum()), len(known))
            rows.append(row(number, data=data, estimator=str(arm), statistic="transfer_rate"))
    return rows


def own_pairs(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """A row for each attack, share of its move, and predictor: predicted and retrained rise of its own test loss."""
    rows = []
    for (data, _), outcome in outcomes.items():
        mask = outcome.chosen[SELECTION]
        kept = outcome.trusted[TARGET]
        places = mask.int().argmax(1)
        for name in PREDICTORS:
            for line in kept.nonzero()[:, 0].tolist():
                test = int(places[line])
                rows.append(
                    {
                        "data": data,
                        "share": outcome.facts["shares"][line],
                        "estimator": name,
                        "test_id": int(outcome.test_ids[test]),
                        "test_label": int(outcome.test_labels[test]),
                        "train_id": int(outcome.train_ids[line]),
                        "train_label": int(outcome.train_labels[line]),
                        "predicted": float(outcome.predicted[name][line, test]),
                        "actual": float(outcome.actual[TARGET][line, test]),
                    }
                )
    return pandas.DataFrame(rows)


def agreements(pairs: pandas.DataFrame, *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Order, line and size of predicted against retrained rises, by predictor and share of the move."""
    rows = []
    for (data, part, name), own in pairs.groupby(["data", "share", "estimator"], sort=False):
        compared = comparison(own)
        for each in agreement.FOUR:
            found = agreement.statistic(compared, each, bootstrap=bootstrap).pooled
            settings = {"data": str(data), "share": float(str(part)), "estimator": str(name), "target": TARGET}
            rows.append(row(found, **settings, statistic=each))
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
    table = pandas.DataFrame(
        [{"data": data, **each} for (data, _), outcome in outcomes.items() for each in outcome.facts["looked_for"]]
    )
    rows = []
    for (data, score), own in table.groupby(["data", "score"], sort=False) if len(table) else ():
        for name in ("before", "after"):
            values = own[name].to_numpy(float)[:, None]
            number = bootstrap.mean(values, over="bootstrap over attacks that flipped", within=(0.0, 1.0))
            rows.append(
                row(number.described("mean"), data=str(data), when=name, estimator=str(score), statistic="auroc")
            )
    return tidy(rows)


def models(outcomes: Mapping[Key, Outcome]) -> dict[str, Any]:
    """What was attacked: sizes, accuracy, gradient norm; and how many test pictures it had right."""
    names = ("n", "p", "train_accuracy", "fit_loss", "fit_grad_norm", "fit_converged")
    first = next(iter(outcomes.values())).facts
    blocks = [(each.facts["m"], each.facts["test_accuracy"]) for each in outcomes.values()]
    tests = sum(size for size, _ in blocks)
    right = sum(round(size * accuracy) for size, accuracy in blocks)
    return {**{name: first[name] for name in names}, "tests": tests, "right": right}


def pictured(outcomes: Mapping[Key, Outcome]) -> list[dict[str, Any]]:
    """Pictures before and after, of all blocks."""
    return [each for outcome in outcomes.values() for each in outcome.facts["pictures"]]


def listed(table: pandas.DataFrame) -> pandas.DataFrame:
    """The attacks with the ids of their training pictures as a text, as a report keeps them."""
    return table.assign(points=[", ".join(map(str, each)) for each in table["points"]])


def share(count: int, among: int) -> Measurement:
    """A share with Wilson's interval."""
    if not among:
        return Measurement(float("nan"), n=0, note="nothing to count")
    ends = binomtest(count, among).proportion_ci(method="wilson")
    return Measurement(count / among, float(ends.low), float(ends.high), n=among, note="95% Wilson interval")


def with_unit(number: Measurement, unit: str) -> Measurement:
    """The same number in a unit."""
    return Measurement(number.value, number.low, number.high, n=number.n, note=number.note, unit=unit)


def shown(table: pandas.DataFrame, statistics: Sequence[str]) -> pandas.DataFrame:
    """The rows of some statistics, without settings that none of them has."""
    found: Any = table[table["statistic"].isin(list(statistics))]
    return found.drop(columns=[name for name in settings_of(found) if found[name].isna().all()])
