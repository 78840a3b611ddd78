"""`MLPRegressor`: half the squared error, or the deviance of counts."""

from typing import Any

import numpy

from influencelab.adapters.readers import _network
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.losses.tweedie_deviance import TweedieDeviance


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return _network.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The loss by its name."""
    counts = getattr(estimator, "loss", "squared_error") == "poisson"
    return _network.read(estimator, data, weights, TweedieDeviance(1.0) if counts else SquaredError())
