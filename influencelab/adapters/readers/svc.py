"""`SVC` of two classes: C Σ sᵢ ℓᵢ + ½ ‖f‖², ℓ the hinge and the intercept free, on the features that points span."""

from typing import Any

import numpy

from influencelab.adapters.kernels import expanded, kernels_of
from influencelab.adapters.reading import Reading, Smooth, dense, rows_of
from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.hinge import Hinge
from influencelab.models.task import Task
from influencelab.models.tasks.generalised_linear import GeneralisedLinear

# How much of its tol, in the unit of an output, libsvm may leave of the mean loss: it left up to 0.03.
LEFT = 0.05
# Settings of kernels that have names.
KNOBS = ("degree", "coef0")


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if len(getattr(estimator, "classes_", ())) > 2:
        return "it is one model a pair of classes, and no one objective. Take LogisticRegression, or fit two classes"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    return reading(estimator, float(estimator.C), data, weights)


def reading(estimator: Any, c: float, data: Dataset, weights: numpy.ndarray, held: tuple[str, ...] = ()) -> Reading:
    """At this C."""
    return of_kernel(estimator, data, Hinge(), Hinge, penalty=1 / (c * float(weights.sum())), widest=1.0, held=held)


def of_kernel(
    estimator: Any,
    data: Dataset,
    true: OutputLoss,
    at: Any,
    *,
    penalty: float,
    widest: float,
    left: float = LEFT,
    held: tuple[str, ...] = (),
) -> Reading:
    """The reading of any loss with a kink on a sum of kernels; of products alone, on the features themselves."""

    def task(loss: OutputLoss) -> Task:
        return GeneralisedLinear(penalty, loss=loss)

    smooth = Smooth(lambda width: task(at(width)), widest, left * widest * float(estimator.tol))
    if estimator.kernel == "linear":
        return Reading(task(true), rows_of(estimator, intercept=True), smooth=smooth, held=held)
    named = {"gamma": estimator._gamma} | {name: getattr(estimator, name) for name in KNOBS}
    settings = {} if callable(estimator.kernel) else named
    known = kernels_of(estimator, data, anchors=estimator.support_vectors_, rows=estimator.support_, **settings)
    seen, weights = expanded(data, dense(estimator.dual_coef_), known, name=type(estimator).__name__)
    theta = numpy.append(weights.ravel(), estimator.intercept_)
    return Reading(task(true), theta, smooth=smooth, data=seen, held=held)
