"""`LinearSVC`, a machine a class: C Σ sᵢ ℓᵢ + ½ ‖w‖², the intercept penalised; ℓ the squared hinge, or the hinge."""

from typing import Any

import numpy

from influencelab.adapters.one_versus_rest import put_together, rows_apart
from influencelab.adapters.readers import logistic_regression
from influencelab.adapters.reading import Reading, Smooth, rows_of
from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.hinge import Hinge
from influencelab.models.losses.squared_hinge import SquaredHinge
from influencelab.models.task import Task
from influencelab.models.tasks.generalised_linear import GeneralisedLinear

# How many times its tol liblinear's dual may leave outputs off, whose last epoch moves them after they were seen.
OFF = 4.0


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if estimator.multi_class != "ovr":
        return f"multi_class='{estimator.multi_class}' has kinks between all classes at once. Take multi_class='ovr'"
    if estimator.penalty != "l2":
        return "its L1 penalty is not smooth: a coefficient that is 0 has no derivative. Take penalty='l2'"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    if data.classes > 2:
        return put_together(list(rows_apart(estimator, data, weights)), data, weights, read)
    if estimator.loss == "hinge":
        return bent(estimator, Hinge(), Hinge, float(weights.sum()), widest=1.0, off=OFF)
    slope = float(estimator.tol) * logistic_regression.of_liblinear(estimator, data, weights)
    return Reading(*linear(estimator, SquaredHinge(), 2 * float(weights.sum())), slope=slope)


def linear(estimator: Any, loss: OutputLoss, total: float) -> tuple[Task, numpy.ndarray]:
    """The task of liblinear with this loss, and θ.

    Args:
        total: of the weights, times how many times ours the loss is.
    """
    intercept, constant = bool(estimator.fit_intercept), float(estimator.intercept_scaling)
    decay = 1 / (float(estimator.C) * total)
    task = GeneralisedLinear(decay, intercept=intercept, penalise_intercept=intercept, loss=loss, constant=constant)
    return task, rows_of(estimator, intercept=intercept, constant=constant)


def bent(
    estimator: Any, true: OutputLoss, at: Any, total: float, *, widest: float, off: float, together: float = numpy.inf
) -> Reading:
    """The reading of a loss with a kink, of which `at` gives the smooth form of a width.

    Args:
        off: how many times its tol outputs may be away from those of a minimum.
        together: the same of all outputs' sum, where its rule is of that.
    """
    tol = float(estimator.tol)
    smooth = Smooth(lambda width: linear(estimator, at(width), total)[0], widest, off * tol, together * tol)
    return Reading(*linear(estimator, true, total), smooth=smooth)
