"""What each named feature of a training point adds to its influence: words of mails, entries of patients."""

from dataclasses import replace
from typing import Any

import numpy
import pandas
import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Perturbation
from influencelab.data.perturbations.removals import Removals
from influencelab.data.perturbations.replacement import Replacement
from influencelab.data.sparse_rows import written_out
from influencelab.errors import InvalidData, InvalidParameter, require, whole
from influencelab.experiments.comparison import array, labels_of
from influencelab.explorer.contributions import Contributions
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.pairs_table import PairsTable
from influencelab.influence.estimator import Estimate
from influencelab.influence.sensitivity import Sensitivity
from influencelab.models import derivatives
from influencelab.models.task import LinearTask
from influencelab.recipe import kind_name
from influencelab.training.fit import Fit

__all__ = ["feature_contributions"]

INTERCEPT = "(intercept)"
HOW_MADE = "Make them of the same estimate and perturbation: il.feature_contributions(estimate, perturbation)."
# Numbers of a gradient that are held at once.
HELD = 4 * 10**6


def feature_contributions(
    estimate: Estimate, perturbation: Perturbation, *, pairs: int = 1500, k: int = 10, name: str = ""
) -> Contributions:
    """The features that carry the influence of a linear model, for `il.Explorer(…, contributions=…)`.

    The gradient of a linear model is its features times the slope of the loss, so that the predicted rise is a sum over
    features. A word with a large positive part is what makes a removed mail helpful to the test mail.

    Args:
        estimate: what is explained; its solver must have kept its sensitivity, as `il.Exact()` does.
        perturbation: removals of one point each, or replacements.
        pairs: how many pairs of an experiment and a test point, those of the largest predictions.
        k: how many features of each.
        name: of the estimator where the predictions are shown; that of its kind by default.

    Raises:
        WrongType: something else was given.
        InvalidParameter: another perturbation, a model that is not linear in named features, or a prediction that is
            more than a sum over features.
        InvalidData: the features have no names.
    """
    require(estimate, Estimate, what="estimate")
    require(perturbation, Perturbation, what="perturbation")
    pairs, k = whole(pairs, what="pairs", least=1), whole(k, what="k", least=1)
    task, sensitivity, change = sums_over_features(estimate, perturbation)
    fit, names = estimate.fit, names_of(task, estimate.fit.data)
    predicted = estimate.predict(perturbation)
    best = predicted.abs().flatten().argsort(descending=True, stable=True)[:pairs]
    rows, columns = best // predicted.shape[1], best % predicted.shape[1]
    watched, found, step = fit.measure.columns(task, fit.data), [], max(1, HELD // len(fit.theta))
    for some, tests in zip(rows.split(step), columns.split(step), strict=True):
        parts = -own_change(fit, change, some) * sensitivity.values.T[tests]
        features, values = largest(parts.unflatten(1, (-1, len(names))).sum(1), min(k, len(names)))
        train = taken(task, fit.data.x_train[change.changed[some]], features)
        test = taken(task, fit.data.x_test[tests], features) if watched.points else train * numpy.nan
        found.append((features, values, train, test))
    features, values, train, test = (array(torch.cat(each)) for each in zip(*found, strict=True))
    used, places = numpy.unique(features, return_inverse=True)
    (ids, _) = labels_of(fit.data, perturbation)
    return Contributions(
        estimator=name or kind_name(estimate.estimator),
        train_ids=array(ids[rows]),
        test_ids=array(watched.ids[columns]),
        names=tuple(names[place] for place in used),
        features=places.reshape(features.shape),
        values=values.astype(numpy.float32),
        rest=(array(predicted[rows, columns]) - values.sum(1)).astype(numpy.float32),
        train_values=train.astype(numpy.float32),
        test_values=test.astype(numpy.float32),
    )


def sums_over_features(
    estimate: Estimate, perturbation: Perturbation
) -> tuple[LinearTask, Sensitivity, Removals | Replacement]:
    """The parts of a prediction that is a sum over features.

    Raises:
        InvalidParameter: it is none.
    """
    task, sensitivity = estimate.fit.task, estimate.sensitivity
    if not isinstance(task, LinearTask) or sensitivity is None or estimate.unit == "none":
        raise InvalidParameter(
            f"{kind_name(estimate.estimator)} of {kind_name(task)} predicts no sum over features; give an estimate of "
            "a linear task by a solver, such as il.Exact()."
        )
    if not isinstance(perturbation, Removals | Replacement) or (perturbation.changed < 0).any():
        raise InvalidParameter(
            "Contributions are of removals or replacements of one point each: give il.leave_one_out(data.n) or an "
            "il.Replacement."
        )
    return task, sensitivity, perturbation


def known_contributions(estimate: Estimate, perturbation: Perturbation, **settings: Any) -> Contributions | None:
    """The same; None where the features have no names, or predictions are no sum over them."""
    try:
        return feature_contributions(estimate, perturbation, **settings)
    except (InvalidData, InvalidParameter):
        return None


def with_contributions(explored: ExplorerData, contributions: Contributions | None) -> ExplorerData:
    """The same pairs, with the features that carry the predictions of those that are among the contributions.

    Raises:
        WrongType: something else was given.
        InvalidParameter: they are of other pairs, or of another estimator.
    """
    if contributions is None:
        return explored
    require(contributions, Contributions, what="contributions", cure=HOW_MADE)
    theirs = pandas.MultiIndex.from_arrays([contributions.train_ids, contributions.test_ids])

    def theirs_of(table: PairsTable) -> numpy.ndarray:
        points = explored.points[table.points]
        mine = pandas.MultiIndex.from_arrays([points.train_ids[table.train], points.test_ids[table.test]])
        return theirs.isin(mine) & (contributions.estimator in table.predicted)

    kept = [theirs_of(table) for table in explored.tables]
    if not any(each.any() for each in kept):
        raise InvalidParameter(
            f"contributions are of {len(theirs):,} pairs predicted by '{contributions.estimator}', none of which is "
            f"among those to be shown. {HOW_MADE}"
        )
    parts = [contributions.only(each) if each.any() else None for each in kept]
    tables = [replace(table, contributions=part) for table, part in zip(explored.tables, parts, strict=True)]
    return replace(explored, tables=tables)


def names_of(task: LinearTask, data: Dataset) -> tuple[str, ...]:
    """The name of every column that a linear task multiplies."""
    if not data.feature_names:
        raise InvalidData(
            f"{data.name}: its features have no names, so that nothing could be said of them. Give a table with named "
            "columns, or il.Dataset(…, feature_names=[…])."
        )
    names = (*data.feature_names, INTERCEPT) if task.intercept else data.feature_names
    if len(names) != task.width(data):
        raise InvalidParameter(f"{kind_name(task)} makes features of its own of {len(data.feature_names)} named ones.")
    return names


def own_change(fit: Fit, perturbation: Removals | Replacement, rows: Int[Tensor, " q"]) -> Float[Tensor, "q p"]:
    """By how much ∇J changes in some experiments through the one point that each changes."""
    points = perturbation.changed[rows]
    gradients = derivatives.point_gradients(fit.task, fit.data, fit.theta, points)
    weights = fit.weights[points, None]
    if isinstance(perturbation, Removals):
        total = fit.weights.sum()
        return -gradients * weights * (1.0 if perturbation.convention == "drop" else total / (total - weights))
    order = perturbation.places.argsort()[rows]
    new = perturbation.new_points(fit, perturbation.x, perturbation.y)
    return perturbation.share * weights * (derivatives.point_gradients(fit.task, new, fit.theta, order) - gradients)


def largest(parts: Float[Tensor, "q d"], k: int) -> tuple[Int[Tensor, "q k"], Float[Tensor, "q k"]]:
    """The columns of the k largest parts of each row by size, and these parts."""
    columns = parts.abs().topk(k, dim=1).indices
    return columns, parts.gather(1, columns)


def taken(task: LinearTask, x: Tensor, columns: Int[Tensor, "q k"]) -> Float[Tensor, "q k"]:
    """Some of the features of each point."""
    return written_out(task.features(x)).gather(1, columns)
