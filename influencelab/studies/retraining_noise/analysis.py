"""Effects of single removals over many draws of retraining: which exceed their noise, and how far draws repeat."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy
import pandas
from jaxtyping import Float

from influencelab.experiments.comparison import array
from influencelab.experiments.grid import PROTOCOLS, Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import loss_changes
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.reliability import draws_needed
from influencelab.statistics.signal_to_noise import (
    THRESHOLD,
    consistency,
    detection_gain,
    one_draw,
    share_detected,
    signal_to_noise,
)

TARGETS = {
    "unpaired": "from the start, each model its own batches",
    "paired": "from the start, batches paired",
    "warm": "from the fit, batches paired",
    "published": "from the fit, batches paired, no control (as published)",
}

Effects = Mapping[str, Float[numpy.ndarray, "s r m"]]


def effects(outcomes: Sequence[Outcome]) -> Effects:
    """Effects of r removals on m test points in s draws, in nats, by target: of outcomes with all `PROTOCOLS`.

    Nguyen et al. (2023) subtract the loss before training went on, so what going on does to every model stays in their
    effects: `published` is the warm target with its control added again.
    """
    found = {target: loss_changes(outcomes, target) for target in PROTOCOLS}
    went_on = numpy.stack([array(outcome.control["warm"]) for outcome in outcomes])
    found["published"] = found["warm"] + went_on[:, None, :]
    return {target: found[target] for target in TARGETS}


def measurements(settings: Mapping[Key, Effects], *, bootstrap: Bootstrap | None = None) -> pandas.DataFrame:
    """Shares detected, their gain by pairing, repeatability and draws needed, by (arm, layers, learning rate)."""
    rows = []
    for (_, depth, rate), targets in settings.items():
        network = {"depth": depth, "learning_rate": rate}
        gain = detection_gain(targets["paired"], targets["unpaired"], bootstrap=bootstrap)
        gain = gain.described("share detected with batches paired less that without")
        rows.append(row(gain, **network, statistic="detection_gain"))
        for target, draws in targets.items():
            detected, once = share_detected(draws, bootstrap=bootstrap), consistency(draws, bootstrap=bootstrap)
            found = {
                "detected": detected.described(f"share of pairs beyond {THRESHOLD:g} sd"),
                "repeatability": once.described("of one draw, over removals"),
                "draws_needed": draws_needed(once).described("for repeatability 0.8"),
            }
            rows += [row(each, **network, target=target, statistic=name) for name, each in found.items()]
    return tidy(rows)


def signals_table(settings: Mapping[Key, Effects], outcome: Outcome) -> pandas.DataFrame:
    """A row for each setting, target, removal and test point: |mean| / sd over draws, by which effects are detected."""
    ids = numpy.sort(array(outcome.train_ids)), array(outcome.test_ids)
    names = ["depth", "learning_rate", "target", "train_id", "test_id"]
    tables = {(*key[1:], target): draws for key, targets in settings.items() for target, draws in targets.items()}
    index = pandas.MultiIndex.from_tuples([(*key, *pair) for key in tables for pair in product(*ids)], names=names)
    ratios = numpy.concatenate([signal_to_noise(draws).ravel() for draws in tables.values()])
    table = pandas.DataFrame({"ratio": ratios}, dtype="float32", index=index).reset_index()
    return table.astype({"depth": "int16", "target": "category", "train_id": "int16", "test_id": "int16"})


def repeats_table(settings: Mapping[Key, Effects]) -> pandas.DataFrame:
    """The repeatability of one draw at each test point, over all removals: what its mean over test points is of."""
    rows = [
        {"depth": depth, "learning_rate": rate, "target": target, "test": test, "value": value}
        for (_, depth, rate), targets in settings.items()
        for target, draws in targets.items()
        for test, value in enumerate(one_draw(draws, numpy.ones((1, draws.shape[1])))[0])
    ]
    return pandas.DataFrame(rows)


def pairs_table(targets: Effects, outcome: Outcome) -> pandas.DataFrame:
    """A row for each target, removal and test point: mean and standard deviation over draws, in nats."""
    ids = numpy.sort(array(outcome.train_ids)), array(outcome.test_ids)
    index = pandas.MultiIndex.from_product([list(targets), *ids], names=["arm", "train_id", "test_id"])
    means = numpy.stack([numpy.nanmean(draws, axis=0) for draws in targets.values()])
    spreads = numpy.stack([numpy.nanstd(draws, axis=0, ddof=1) for draws in targets.values()])
    table = pandas.DataFrame({"mean": means.ravel(), "sd": spreads.ravel()}, dtype="float32", index=index)
    return table.reset_index().astype({"arm": "category", "train_id": "int16", "test_id": "int16"})
