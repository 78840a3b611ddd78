"""`PoissonRegressor`: Σ sᵢ ℓᵢ / Σs + ½ alpha ‖w‖², ℓ half the deviance."""

from typing import Any

import numpy

from influencelab.adapters.reading import MEAN, TOTAL, Reading, rows_of
from influencelab.data.dataset import Dataset
from influencelab.models.losses.tweedie_deviance import TweedieDeviance
from influencelab.models.tasks.generalised_linear import GeneralisedLinear


def refusal(estimator: Any) -> str:  # noqa: ARG001 - all of its settings are read
    """''."""
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:  # noqa: ARG001 - it divides by them itself
    """The deviance of counts."""
    return reading(estimator, TweedieDeviance(1.0))


def reading(estimator: Any, loss: TweedieDeviance) -> Reading:
    """Any deviance: the mean loss is what alpha stands against, so that a refit follows `renormalise`."""
    intercept = bool(estimator.fit_intercept)
    task = GeneralisedLinear(float(estimator.alpha), intercept=intercept, loss=loss)
    # Without a penalty both conventions have one minimum.
    convention = MEAN if estimator.alpha else TOTAL
    return Reading(task, rows_of(estimator, intercept=intercept), convention, slope=float(estimator.tol))
