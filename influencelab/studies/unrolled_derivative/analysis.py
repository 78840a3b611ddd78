"""Agreement of a run's derivative with retraining by the same draw, by another draw, and by another optimiser."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas

from influencelab.errors import InvalidData
from influencelab.experiments import replication
from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import Measured, means, repeatability
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import joined, row, tidy
from influencelab.statistics.replicates import Replicates, difference, mean

RUN = ("optimiser", "depth", "learning_rate", "share")
RULES = {"sgd": "SGD, momentum 0.9", "adam": "Adam"}
# Scores in words: agreement by the draw that is predicted, the difference, and agreement of draws with each other.
REPEATS, DROP = "repeatability of the target", "own − another"
# What SGD's derivative says of Adam's retraining.
FOREIGN = {"optimiser": "adam", "derivative_of": "sgd", "target": "paired", "estimator": "unrolled"}
DRAWN = ("spearman", "repeatability")
SCORES = {"same": "unrolled, its own draw", "other": "unrolled, another draw", "drop": DROP, "repeatability": REPEATS}


def agreement(outcomes: Sequence[Outcome]) -> dict[str, Replicates]:
    """How the derivative of each run agrees with paired retraining, by the four measures, seed and test point."""
    return replication.agreement(outcomes, selection="everything", estimator="unrolled", target="paired")


def crossed(predicted: Sequence[Outcome], actual: Sequence[Outcome]) -> list[Outcome]:
    """The predictions of some outcomes with the retrained losses of others, one by one, over the same removals.

    Raises:
        InvalidData: other numbers, removals or test points.
    """
    rows = [[(each.train_ids.tolist(), each.test_ids.tolist()) for each in side] for side in (predicted, actual)]
    if rows[0] != rows[1]:
        raise InvalidData(
            "Predictions and retraining differ in number, removals or test points; give one of each a seed, from the "
            "same data, with a selection that does not depend on the estimate."
        )
    couples = zip(predicted, actual, strict=True)
    return [replace(one, actual=two.actual, trusted=two.trusted, control=two.control) for one, two in couples]


def draws(cells: Mapping[Key, Sequence[Outcome]]) -> list[Measured]:
    """Agreement of each run's derivative with its own draw and with the next seed's, and of two draws with each other.

    The last is what agreement with another draw comes to where that with its own is perfect. Outcomes come by the
    values of `RUN`, one a seed, of which there must be two; the share is None where single points are removed.
    """
    parts: list[Measured] = []
    for key, outcomes in cells.items():
        run = {**dict(zip(RUN, key, strict=True)), "target": "paired"}
        for draw, held in (("same", outcomes), ("other", crossed(outcomes, [*outcomes[1:], outcomes[0]]))):
            own = {**run, "estimator": "unrolled", "draw": draw}
            parts += [({**own, "statistic": measure}, table) for measure, table in agreement(held).items()]
        repeats = repeatability(outcomes[:-1:2], outcomes[1::2], target="paired")
        parts.append(({**run, "statistic": "repeatability"}, repeats))
    return parts


def measurements(parts: Sequence[Measured], *, bootstrap: Bootstrap | None = None) -> pandas.DataFrame:
    """The means of all parts, and by how much agreement with the own draw exceeds that with another, `drop`."""
    ranks = [part for part in parts if part[0]["statistic"] == "spearman"]
    same, other = ([part for part in ranks if part[0]["draw"] == draw] for draw in ("same", "other"))
    rows = []
    for (settings, own), (_, another) in zip(same, other, strict=True):
        drop = difference(own, another, paired=True, bootstrap=bootstrap).described()
        rows.append(row(drop, **{**settings, "draw": None, "statistic": "drop"}))
    return joined([means(parts, bootstrap=bootstrap), tidy(rows)])


def mismatch(
    own: Sequence[Outcome], foreign: Sequence[Outcome], *, bootstrap: Bootstrap | None = None
) -> pandas.DataFrame:
    """Agreement of SGD's derivative (foreign; same starts, same batches) with Adam's truth, and Adam's own less it."""
    tables = agreement(own), agreement(crossed(foreign, own))
    drop = difference(*(each["spearman"] for each in tables), paired=True, bootstrap=bootstrap).described()
    scores = {measure: mean(table, bootstrap=bootstrap).described() for measure, table in tables[1].items()}
    return tidy(row(number, **FOREIGN, statistic=name) for name, number in {**scores, "drop": drop}.items())


def foreign(own: Sequence[Outcome], other: Sequence[Outcome]) -> list[Measured]:
    """The same agreement of SGD's derivative (other) with Adam's truth, seed by seed."""
    found = agreement(crossed(other, own))
    return [({**FOREIGN, "statistic": measure}, table) for measure, table in found.items()]


def in_words(table: pandas.DataFrame) -> pandas.DataFrame:
    """Measurements, or means of seeds, with the score as a legend says it, and the run as the title of a panel."""
    layers = table["depth"].map(lambda depth: f"{depth} hidden layer{'' if depth == 1 else 's'}")
    runs = table["optimiser"].map(RULES.get) + ", " + layers
    scores = table["draw"].fillna(table["statistic"]).map(SCORES.get)
    return table.drop(columns=["draw", "target", "estimator"]).assign(score=scores, run=runs)
