"""Measurements over paired seeds: test errors, differences, processor time, and replaced batches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
import pandas
from jaxtyping import Float

from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.data.sources.cifar10 import Cifar10
from influencelab.data.sources.digits import Digits
from influencelab.data.sources.mnist import Mnist
from influencelab.errors import UnknownName
from influencelab.experiments import replication
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, means
from influencelab.experiments.sweep import with_available_data
from influencelab.experiments.tables import agreements, comparisons, pairs_table
from influencelab.statistics.agreement import FOUR
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import joined, row, tidy
from influencelab.studies.learned_augmentation.network_refits import NETWORK, NetworkRefits
from influencelab.studies.learned_augmentation.paired_arms import (
    ARMS,
    BASELINE,
    COPIES,
    ESTIMATOR,
    LEARNED,
    TARGET,
    PairedArms,
)

SOURCES: Mapping[str, Source] = {
    "digits": Digits(held_out=1497, train_size=100, scaling="unit"),
    "mnist_1": Mnist(train_size=600, scaling="unit"),
    "mnist_10": Mnist(train_size=6000, scaling="unit"),
    "cifar10": Cifar10(scaling="unit"),
}
PER_CENT = 100
# What an explorer calls what it shows.
CALLED = {"estimator": "influence through the last layer", "target": "refit", "removed": "replaced by learned copies"}

# Data set, seed.
Key = tuple[str, int]
KEY = ("data", "seed")


def trials(data: Sequence[str], *, seeds: int, singles: int, optional: bool, **sizes: Any) -> dict[Key, PairedArms]:
    """Each data set with a label subset and a start a seed; of the first seed single points are replaced too.

    Optional data that cannot be had are left out, with a warning; the digits are always there. An UnknownName error for
    a data set that is none of `SOURCES`.
    """
    for name in data:
        if name not in SOURCES:
            raise UnknownName(f"There is no data set '{name}' here. There are: {', '.join(SOURCES)}.")
    first = {name: PairedArms(SOURCES[name], **sizes) for name in data}
    here = with_available_data(first, optional=optional)
    return {
        (name, seed): replace(trial, source=replace(trial.source, seed=seed), seed=seed, singles=0 if seed else singles)
        for name, trial in here.items()
        for seed in range(seeds)
    }


def measurements(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Every number over seeds: means with intervals, and differences within each seed."""
    rows: list[dict[str, Any]] = []
    parts: list[Measured] = []
    for data in dict.fromkeys(data for data, _ in outcomes):
        held = [each for key, each in outcomes.items() if key[0] == data]
        facts = [each.facts["augmentation"] for each in held]
        errors = {arm: PER_CENT * numpy.array([each["arms"][arm]["error"] for each in facts]) for arm in ARMS}
        seconds = {arm: numpy.array([each["arms"][arm]["seconds"] for each in facts]) for arm in ARMS}
        for arm in ARMS:
            own = {"data": data, "arm": arm}
            rows.append(row(over_seeds(errors[arm], bootstrap, unit="%"), **own, statistic="test_error"))
            rows.append(row(over_seeds(seconds[arm], bootstrap, unit="s"), **own, statistic="processor_time"))
            rivals = [rival for rival in ARMS if rival != arm and (arm == LEARNED or rival == BASELINE)]
            for rival in rivals:
                gain = over_seeds(errors[rival] - errors[arm], bootstrap, unit="%", how="error of the rival less this")
                rows.append(row(gain, **own, rival=rival, statistic="error_gain"))
        for copies, arm in COPIES.items():
            own = {"data": data, "estimator": ESTIMATOR, "target": TARGET, "selection": copies}
            tables = replication.agreement(held, selection=copies, estimator=ESTIMATOR, target=TARGET)
            parts += [({**own, "statistic": measure}, table) for measure, table in tables.items()]
            for place, name in enumerate(("predicted_fall", "actual_fall")):
                falls = -numpy.array([each["whole"][arm][place] for each in facts])
                number = over_seeds(falls, bootstrap, unit="nats", how="fall when all points are replaced")
                rows.append(row(number, data=data, selection=copies, statistic=name))
    return joined([tidy(rows), means(parts, bootstrap=bootstrap)])


def network_trials(trials: Mapping[Key, PairedArms], *, count: int) -> dict[tuple[str, int, str], NetworkRefits]:
    """So many whole networks of the first seed of the digits, where these are among the data; none where count is 0."""
    first = {key: trial for key, trial in trials.items() if key == ("digits", 0) and count}
    return {(*key, NETWORK): NetworkRefits(trial, count) for key, trial in first.items()}


def network_measurements(outcomes: Mapping[tuple[Any, ...], Outcome], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """How the same predictions agree with whole networks: of one seed, with intervals over batches."""
    parts = agreements({key[:1]: each for key, each in outcomes.items()}, ("data",), bootstrap=bootstrap)
    rows = [row(part.statistics[name].pooled, **part.settings, statistic=name) for part in parts for name in FOUR]
    return tidy(rows)


def over_seeds(values: Float[numpy.ndarray, " s"], way: Bootstrap, *, unit: str, how: str = "mean") -> Measurement:
    """The mean over seeds, had other labels and starts been drawn."""
    found = way.mean(values[:, None], over=f"bootstrap over {len(values)} seeds (labels and start)").described(how)
    return replace(found, unit=unit)


def by_seed(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """Each arm of each seed: its test error, how its training ended, and seconds of the processor."""
    return pandas.DataFrame(
        [
            {"data": data, "seed": seed, "arm": arm, **numbers}
            for (data, seed), outcome in outcomes.items()
            for arm, numbers in outcome.facts["augmentation"]["arms"].items()
        ]
    )


def pairs(*outcomes: Mapping[Any, Outcome]) -> pandas.DataFrame:
    """Predicted beside actual change of validation loss of every replaced batch of every seed."""
    parts = [part for each in outcomes for part in comparisons({key[:2]: one for key, one in each.items()}, KEY)]
    return pairs_table(parts).drop(columns=["test_id", "test_label", "train_label"], errors="ignore")


def shown(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """Pictures of the first seed of each data set and their copies: a row a pixel, brightness from 0 to 255."""
    tables = []
    for (data, _), outcome in outcomes.items():
        found = outcome.facts["augmentation"]
        for kind, rows in found.get("pictures", {}).items():
            grids = numpy.array(rows, dtype=numpy.uint8).reshape(len(rows), *found["picture_shape"])
            place, colour, down, across = numpy.indices(grids.shape, dtype=numpy.int16)
            places = {"place": place, "colour": colour, "down": down, "across": across, "brightness": grids}
            tables.append(
                pandas.DataFrame({name: each.ravel() for name, each in places.items()}).assign(data=data, kind=kind)
            )
    return pandas.concat(tables, ignore_index=True).astype({"data": "category", "kind": "category"})


def singles(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """Single replacements by learned copies, of the first data set and seed, at ten validation points."""
    found = next(iter(outcomes.values())).facts["augmentation"]["singles"]
    r, m = len(found["train_id"]), len(found["test_id"])
    return pandas.DataFrame(
        {
            **{name: numpy.repeat(found[name], m) for name in ("train_id", "train_label")},
            **{name: numpy.tile(found[name], r) for name in ("test_id", "test_label")},
            **{name: numpy.array(found[name]).ravel() for name in ("predicted", "actual")},
        }
    )


def copies(outcomes: Mapping[Key, Outcome], pictures: Dataset) -> dict[int, Float[numpy.ndarray, " *shape"]]:
    """The learned copy that took the place of each single picture, by training id, laid out as the pictures are."""
    found = next(iter(outcomes.values())).facts["augmentation"]["singles"]
    shape = pictures.x_train.shape[1:]
    return {
        train_id: numpy.reshape(levels, shape) / 255
        for train_id, levels in zip(found["train_id"], found["copies"], strict=True)
    }


def looked_at(trials: Mapping[Key, PairedArms]) -> Dataset:
    """Pictures of the first data set and seed; grey ones without their axis of colours, as an explorer draws them."""
    trial = next(iter(trials.values()))
    data = trial.parted(trial.source.load())
    if data.x_train.shape[1] != 1:
        return data
    return replace(data, x_train=data.x_train[:, 0], x_test=data.x_test[:, 0])


def choices(outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, list[float]]]:
    """Of each data set and group of numbers, how far the taught centres moved and how wide its spreads are: means."""
    found: dict[str, dict[str, list[float]]] = {}
    for data in dict.fromkeys(data for data, _ in outcomes):
        every = [each.facts["augmentation"]["choice"] for key, each in outcomes.items() if key[0] == data]
        found[data] = {name: numpy.mean([each[name] for each in every], axis=0).tolist() for name in every[0]}
    return found


def holds(outcomes: Mapping[Key, Outcome]) -> dict[str, list[float]]:
    """What departing from random augmentation cost the augmenter that was kept, of each data set a number a seed."""
    found: dict[str, list[float]] = {}
    for (data, _), outcome in outcomes.items():
        found.setdefault(data, []).append(outcome.facts["augmentation"]["held"]["by"])
    return found


def convergence(outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, float]]:
    """Of each data set the last-layer fits and refits that converged, and the largest ‖∇J‖ of either."""
    found: dict[str, dict[str, float]] = {}
    for (data, _), outcome in outcomes.items():
        own = found.setdefault(data, {"fits": 0, "converged": 0, "refits": 0, "converged_refits": 0, "norm": 0.0})
        facts, target = outcome.facts, outcome.facts["targets"][TARGET]
        own["fits"] += 1
        own["converged"] += int(facts["fit_converged"])
        own["refits"] += len(outcome.train_ids)
        own["converged_refits"] += target["trusted"]
        own["norm"] = max(own["norm"], facts["fit_grad_norm"], facts["largest_refit_grad_norm"])
    return found


def costs(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """Mean processor seconds of what comes before the last training, and how many policies the search tried."""
    lines = []
    for data in dict.fromkeys(data for data, _ in outcomes):
        facts = [each.facts["augmentation"] for key, each in outcomes.items() if key[0] == data]
        seconds = {name: numpy.mean([each["seconds"][name] for each in facts]) for name in facts[0]["seconds"]}
        policies = len(facts[0]["search"]["losses"])
        learned = seconds["first"] + seconds["learning"]
        lines.append(
            {
                "data": data,
                "first network (s)": seconds["first"],
                "learning (s)": seconds["learning"],
                "both (s)": learned,
                "random search (s)": seconds["search"],
                "policies tried": policies,
            }
        )
    return pandas.DataFrame(lines).round(2)
