"""Effects of single removals over many draws of retraining: which exceed their noise, and how far draws repeat."""

from collections.abc import Mapping, Sequence

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
from influencelab.statistics.signal_to_noise import THRESHOLD, consistency, detection_gain, share_detected

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


def pairs_table(targets: Effects, outcome: Outcome) -> pandas.DataFrame:
    """A row for each target, removal and test point: mean and standard deviation over draws, in nats."""
    ids = numpy.sort(array(outcome.train_ids)), array(outcome.test_ids)
    index = pandas.MultiIndex.from_product([list(targets), *ids], names=["arm", "train_id", "test_id"])
    means = numpy.stack([numpy.nanmean(draws, axis=0) for draws in targets.values()])
    spreads = numpy.stack([numpy.nanstd(draws, axis=0, ddof=1) for draws in targets.values()])
    table = pandas.DataFrame({"mean": means.ravel(), "sd": spreads.ravel()}, dtype="float32", index=index)
    return table.reset_index().astype({"arm": "category", "train_id": "int16", "test_id": "int16"})
