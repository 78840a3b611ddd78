"""`HuberRegressor`: Σ sᵢ ℓᵢ + alpha ‖w‖², the scale one of the parameters.

At an epsilon next to 1 its solver stops a tenth of √J before the minimum, whatever tol says; the gate refuses it.
"""

from typing import Any

import numpy

from influencelab.adapters.reading import Reading, rows_of
from influencelab.data.dataset import Dataset
from influencelab.models.tasks.huber_regression import HuberRegression

# A scale this near the bound that scikit-learn sets it is at the bound.
NO_SCALE = 1e-12


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if getattr(estimator, "scale_", 1.0) < NO_SCALE:
        return "its scale is at the bound of 0, since most points are fitted exactly. Take LinearRegression or Ridge"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:  # noqa: ARG001 - all readers are asked alike
    """The whole penalty stays in a refit: `drop`."""
    intercept = bool(estimator.fit_intercept)
    task = HuberRegression(
        2 * float(estimator.alpha) / float(weights.sum()), epsilon=float(estimator.epsilon), intercept=intercept
    )
    return Reading(task, numpy.append(rows_of(estimator, intercept=intercept), estimator.scale_))
