"""Statistics over the outcomes of several seeds: correlations of each seed, and how well a target repeats."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy
import pandas
from jaxtyping import Float

from influencelab.errors import InvalidData
from influencelab.experiments.comparison import array
from influencelab.experiments.grid import Key
from influencelab.experiments.outcome import Outcome
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import comparison_of
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.replicates import Replicates, four, mean, replicates

# The settings of some networks, such as `{"arm": "warm", "depth": 2}`, and a statistic of each seed and test point.
Measured = tuple[Mapping[str, Any], Replicates]


def correlations(
    outcomes: Sequence[Outcome], *, selection: str, estimator: str, target: str, measure: str = "spearman"
) -> Replicates:
    """A statistic, a key of `MEASURES`, of predicted against actual for each outcome (a seed) and test point.

    Unequal numbers of test points are refused, and names that an outcome does not have.
    """
    return replicates([each.comparison(selection, estimator, target) for each in outcomes], measure=measure)


def agreement(outcomes: Sequence[Outcome], *, selection: str, estimator: str, target: str) -> dict[str, Replicates]:
    """Spearman, Pearson, slope and relative error for each outcome (a seed) and test point, as of `correlations`."""
    return four([each.comparison(selection, estimator, target) for each in outcomes])


def loss_changes(
    outcomes: Sequence[Outcome], target: str, *, selection: str = "everything"
) -> Float[numpy.ndarray, "s r m"]:
    """What retraining did, in nats, in every outcome: s draws of the same r removals' effects on m test points.

    NaN where a model is no truth or a selection does not look. Removals that only some outcomes made are left out;
    outcomes without a common removal, or with different test points, are refused.
    """
    if not outcomes or len({tuple(outcome.test_ids.tolist()) for outcome in outcomes}) != 1:
        raise InvalidData(f"The {len(outcomes)} outcomes have different test points; draws of one target share them.")
    shared = reduce(numpy.intersect1d, [array(outcome.train_ids) for outcome in outcomes])
    if not len(shared):
        raise InvalidData("The outcomes have no removal in common; give them a selection that does not depend on seed.")
    tables = []
    for outcome in outcomes:
        known = outcome.comparison(selection, next(iter(outcome.predicted)), target)
        order = numpy.argsort(known.train_ids)
        rows = order[numpy.searchsorted(known.train_ids[order], shared)]
        tables.append(numpy.where(known.mask, known.actual, numpy.nan)[rows])
    return numpy.stack(tables)


def repeatability(
    first: Sequence[Outcome],
    second: Sequence[Outcome],
    *,
    target: str,
    selection: str = "everything",
    measure: str = "spearman",
) -> Replicates:
    """For each couple of outcomes and test point, the correlation of two independent draws of a target.

    The second draw of each couple is from another seed. Give couples that share nothing with each other (seeds 0 and 1,
    2 and 3, …): its mean then has an honest interval. Couples without common removals or test points are refused.
    """
    if len(first) != len(second) or not first:
        raise InvalidData(f"There are {len(first)} first and {len(second)} second draws; give one of each a couple.")
    couples = []
    for couple in zip(first, second, strict=True):
        one, other = loss_changes(couple, target, selection=selection)
        couples.append(comparison_of(one, other, mask=~numpy.isnan(one) & ~numpy.isnan(other)))
    ids = numpy.stack([array(outcome.test_ids) for outcome in first])
    return replace(replicates(couples, measure=measure), test_ids=ids)


def means(parts: Iterable[Measured], *, bootstrap: Bootstrap | None = None) -> pandas.DataFrame:
    """The mean over seeds and test points of each part, with its interval, as a tidy table."""
    return tidy(row(mean(table, bootstrap=bootstrap).described(), **settings) for settings, table in parts)


def replicate_table(parts: Iterable[Measured]) -> pandas.DataFrame:
    """What the means of `means` are made of, in float32: a row for each number, seed and test point."""
    tables = []
    for settings, table in parts:
        s, m = table.values.shape
        ids = numpy.tile(numpy.arange(m), (s, 1)) if table.test_ids is None else table.test_ids
        places = {"seed": numpy.repeat(numpy.arange(s), m), "test_id": ids.ravel()}
        known = {name: value for name, value in settings.items() if value is not None}
        tables.append(pandas.DataFrame({**known, **places, "value": table.values.ravel().astype("float32")}))
    whole = pandas.concat(tables, ignore_index=True)
    texts = [name for name in whole.columns if isinstance(whole[name].dropna().iloc[0], str)]
    return whole.astype(dict.fromkeys(("seed", "test_id"), "int32") | dict.fromkeys(texts, "category"))


def seed_means(parts: Iterable[Measured]) -> pandas.DataFrame:
    """The mean over test points of every seed of each part, a row each: the dots behind the lines of `means`."""
    return pandas.DataFrame([{**settings, "value": value} for settings, table in parts for value in table.per_seed()])


def mean_facts(cells: Mapping[Key, Sequence[Outcome]]) -> dict[str, dict[str, float]]:
    """Parameters, accuracy, loss and ‖∇J‖ of the fits by setting, each the mean over seeds: a report's fact `fits`."""
    names = ["p", "train_accuracy", "test_accuracy", "fit_loss", "fit_grad_norm"]
    means = {key: pandas.DataFrame([each.facts for each in cell])[names].mean() for key, cell in cells.items()}
    return {"/".join(str(part) for part in key if part is not None): each.to_dict() for key, each in means.items()}
