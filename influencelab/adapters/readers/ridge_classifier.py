"""`RidgeClassifier`: ridge regression of sides, +1 for a point's class and −1 for another."""

from typing import Any

import numpy

from influencelab.adapters.readers.ridge import of_squares
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import matrix_of
from influencelab.models.losses.sided_squared_error import SidedSquaredError
from influencelab.models.tasks.generalised_linear import GeneralisedLinear


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if getattr(estimator, "positive", False):
        return "positive=True holds coefficients at a bound, where there is no derivative. Take positive=False"
    binarizer = getattr(estimator, "_label_binarizer", None)
    if str(getattr(binarizer, "y_type_", "")).startswith("multilabel"):
        return "a point may have several of its labels. Fit one model a label"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    return reading(estimator, estimator.alpha, data, weights)


def reading(estimator: Any, alpha: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """At this alpha."""
    penalty = float(numpy.ravel(alpha)[0]) / float(weights.sum())
    task = GeneralisedLinear(penalty, intercept=bool(estimator.fit_intercept), loss=SidedSquaredError())
    # One column, the side of class 1, of two classes.
    own = numpy.arange(data.classes) if data.classes > 2 else numpy.array([1])
    sides = 2.0 * (data.y_train.numpy()[:, None] == own) - 1
    return of_squares(estimator, task, matrix_of(data.x_train), sides, weights)
