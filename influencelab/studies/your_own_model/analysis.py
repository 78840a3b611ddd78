"""Scores of a model of one's own beside what fitting it again without a point gives, by its own class."""

from dataclasses import replace
from typing import Any

import numpy
import pandas
from jaxtyping import Float, Int
from sklearn.base import clone, is_classifier

from influencelab.experiments.check import Check
from influencelab.experiments.tables import Agreement
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison

Table = pandas.DataFrame
Column = pandas.Series


def beside_refits(
    check: Check,
    model: Any,
    X: Table,
    y: Column,
    X_test: Table,
    y_test: Column,
    *,
    data: str,
    bootstrap: Bootstrap | None = None,
) -> Agreement:
    """The scores that a check has drawn, beside refits by the model's own class, which know nothing of our reading."""
    rows: Any = check.retrained.perturbation.changed
    actual = refits(model, X, y, X_test, y_test, rows=rows.numpy())
    held = replace(check.comparison, actual=actual, mask=numpy.ones_like(check.comparison.mask))
    return agreement(held, data=data, target="own_refit", bootstrap=bootstrap)


def beside_retraining(check: Check, *, data: str, bootstrap: Bootstrap | None = None) -> Agreement:
    """The scores that a check has drawn, beside the models that it trained again."""
    return agreement(check.comparison, data=data, target="retrained", bootstrap=bootstrap)


def agreement(comparison: Comparison, *, data: str, target: str, bootstrap: Bootstrap | None) -> Agreement:
    """A comparison of points drawn at random, with statistics and the settings that tell it from the others."""
    settings = {"data": data, "estimator": comparison.estimator, "target": target, "selection": "random_points"}
    return Agreement(settings, comparison, comparison.statistics(bootstrap))


def refits(
    model: Any, X: Table, y: Column, X_test: Table, y_test: Column, *, rows: Int[numpy.ndarray, " r"]
) -> Float[numpy.ndarray, "r m"]:
    """The rise of each test point's loss when a fitted model is fitted again, by its own class, without each row."""
    changes = []
    for row in rows:
        again: Any = clone(model)
        kept = numpy.delete(numpy.arange(len(X)), row)
        again.fit(X.iloc[kept], y.iloc[kept])
        changes.append(losses(again, X_test, y_test) - losses(model, X_test, y_test))
    return numpy.stack(changes)


def losses(model: Any, X: Table, y: Column) -> Float[numpy.ndarray, " m"]:
    """−log of the probability of each point's own class, or half of its squared residual."""
    if not is_classifier(model):
        return 0.5 * (model.predict(X) - y.to_numpy()) ** 2
    places = numpy.searchsorted(model.classes_, y.to_numpy())
    return -model.predict_log_proba(X)[numpy.arange(len(y)), places]
