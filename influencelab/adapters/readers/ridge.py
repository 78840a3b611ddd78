"""`Ridge`: Σ sᵢ (zᵢ − yᵢ)² + alpha ‖w‖², twice our objective."""

from typing import Any

import numpy

from influencelab.adapters.reading import ITERATED, SOLVED, Reading, rows_of
from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import matrix_of
from influencelab.models.task import LinearTask
from influencelab.models.tasks.ridge import Ridge

# The largest slopes at which solvers that iterate stopped, in units of tol and of the slopes at no weights; all others
# solve in one step.
STOPPED = {"sparse_cg": 1.5, "lsqr": 14.0, "sag": 13.0, "saga": 26.0}


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if getattr(estimator, "positive", False):
        return "positive=True holds coefficients at a bound, where there is no derivative. Take positive=False"
    if numpy.ndim(getattr(estimator, "coef_", ())) == 2 and len(estimator.coef_) > 1:
        return "it has several targets. Fit one model a target"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    return reading(estimator, estimator.alpha, data, weights)


def reading(estimator: Any, alpha: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """At this alpha, a number or a row of one."""
    task = Ridge(float(numpy.ravel(alpha)[0]) / float(weights.sum()), intercept=bool(estimator.fit_intercept))
    return of_squares(estimator, task, matrix_of(data.x_train), data.y_train.numpy()[:, None], weights)


def of_squares(estimator: Any, task: LinearTask, x: Any, targets: numpy.ndarray, weights: numpy.ndarray) -> Reading:
    """The reading of any sum of squares of a table x, with what its solver leaves of the gradient."""
    theta, solver = rows_of(estimator, intercept=task.intercept), getattr(estimator, "solver", "auto")
    if solver not in STOPPED:
        exact = numpy.asarray(estimator.coef_).dtype == numpy.float64
        return Reading(task, theta, share=SOLVED if exact else ITERATED)
    shares = weights / weights.sum()
    centred = targets - shares @ targets if task.intercept else targets
    start = numpy.abs(x.T @ (shares[:, None] * centred)).max()
    return Reading(task, theta, slope=STOPPED[solver] * float(estimator.tol) * float(start))
