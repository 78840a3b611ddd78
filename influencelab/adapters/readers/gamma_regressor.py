"""`GammaRegressor`: as `PoissonRegressor`, with the deviance of a gamma distribution."""

from typing import Any

import numpy

from influencelab.adapters.readers import poisson_regressor
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.tweedie_deviance import TweedieDeviance


def refusal(estimator: Any) -> str:  # noqa: ARG001 - all of its settings are read
    """''."""
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:  # noqa: ARG001 - it divides by them itself
    """Power 2."""
    return poisson_regressor.reading(estimator, TweedieDeviance(2.0))
