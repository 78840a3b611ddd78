"""`LogisticRegression`: C Σ sᵢ ℓᵢ + ½ ‖W‖², whatever the solver; only liblinear penalises the intercept."""

from typing import Any

import numpy

from influencelab.adapters.reading import TOTAL, Reading, rows_of
from influencelab.adapters.sparsity import sparse
from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import matrix_of
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.binary_cross_entropy import BinaryCrossEntropy
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.task import LinearTask
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.generalised_linear import GeneralisedLinear
from influencelab.models.tasks.logistic import Logistic

# How far beyond its rule the gradient of `sag` was after an epoch that changed coefficients by less than tol: up to 24.
SLACK = 30.0


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if getattr(estimator, "multi_class", "auto") == "ovr":
        return "one model a class (multi_class='ovr') is no one objective. Take the multinomial one, or fit two classes"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """C is the weight of the data against the whole penalty, so that a refit follows `drop`."""
    return reading(estimator, numpy.inf if estimator.penalty is None else float(estimator.C), data, weights)


def reading(estimator: Any, c: float, data: Dataset, weights: numpy.ndarray) -> Reading:
    """At this C: the task by classes and solver."""
    penalty, intercept = 1 / (c * float(weights.sum())), bool(estimator.fit_intercept)
    ratio = ratio_of(estimator) if penalty else 0.0
    slope = float(estimator.tol) * rule(estimator, data, weights, l1=ratio * penalty)
    if ratio:
        own = {"penalise_intercept": True, "constant": float(estimator.intercept_scaling)}
        free = own if estimator.solver == "liblinear" else {}
        l1, decay = ratio * penalty, (1 - ratio) * penalty
        loss: OutputLoss = BinaryCrossEntropy() if data.classes == 2 else CrossEntropy()
        return sparse(estimator, data, loss, l1=l1, decay=decay, convention=TOTAL, slope=slope, **free)
    if estimator.solver == "liblinear" and intercept:
        constant = float(estimator.intercept_scaling)
        loss = BinaryCrossEntropy()
        task: LinearTask = GeneralisedLinear(penalty, penalise_intercept=True, loss=loss, constant=constant)
        return Reading(task, rows_of(estimator, intercept=True, constant=constant), slope=slope)
    task = (BinaryLogistic if data.classes == 2 else Logistic)(penalty, intercept=intercept)
    return Reading(task, rows_of(estimator, intercept=intercept), slope=slope)


def ratio_of(estimator: Any) -> float:
    """How much of the penalty is absolute, 0 … 1, by either of its names."""
    penalty, ratio = getattr(estimator, "penalty", "deprecated"), getattr(estimator, "l1_ratio", None)
    if penalty in ("l1", "l2", None):
        return float(penalty == "l1")
    return float(ratio or 0.0)


def rule(estimator: Any, data: Dataset, weights: numpy.ndarray, *, l1: float) -> float:
    """The largest |∂J/∂θ| at which its solver stops, per tol: these compare the gradient of the mean loss itself.

    `liblinear` takes a share of its gradient at 0. An epoch of `sag` and `saga` moves by n gradients over the largest
    curvature of a point; half a point's part in the gradient is then the most that counts as theirs.
    """
    if estimator.solver == "liblinear":
        return of_liblinear(estimator, data, weights, steepest=0.5, l1=l1)
    if estimator.solver in ("sag", "saga"):
        x = matrix_of(data.x_train)
        curvature = 0.25 * (float((x * x).sum(1).max()) + bool(estimator.fit_intercept))
        return min(SLACK * curvature * float(numpy.abs(estimator.coef_).max()), 0.5 / float(estimator.tol)) / data.n
    return 1.0


def of_liblinear(
    estimator: Any, data: Dataset, weights: numpy.ndarray, *, steepest: float = 1.0, l1: float = 0.0
) -> float:
    """What liblinear's primal solver leaves of the gradient, per tol: a share of what there is at no weights.

    Args:
        steepest: |∂ℓ/∂output| there.
        l1: with an absolute penalty it adds up over coefficients by how much slopes exceed it, and takes no root of
            squares.
    """
    x, sides, shares = matrix_of(data.x_train), 2.0 * data.y_train.numpy() - 1, weights / weights.sum()
    start = steepest * numpy.abs(numpy.append(x.T @ (shares * sides), estimator.intercept_scaling * shares @ sides))
    size = (start - l1).clip(0).sum() if l1 else numpy.linalg.norm(start)
    return float(size) * min((sides > 0).mean(), (sides < 0).mean())
