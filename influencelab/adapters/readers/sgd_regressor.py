"""`SGDRegressor` of a smooth loss; of the last steps the gate decides whether they came to the end."""

from typing import Any

import numpy

from influencelab.adapters.readers import _stochastic
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.insensitive_squared_error import InsensitiveSquaredError
from influencelab.models.losses.squared_error import SquaredError

LOSSES: _stochastic.Losses = {
    "squared_error": (1.0, lambda _: SquaredError()),
    "huber": (1.0, lambda epsilon: InsensitiveSquaredError(cut=epsilon)),
    "squared_epsilon_insensitive": (2.0, InsensitiveSquaredError),
}


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return _stochastic.refusal(estimator, LOSSES, "LinearSVR for 'epsilon_insensitive'")


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:  # noqa: ARG001 - all readers are asked alike
    """The loss by its name."""
    return _stochastic.read(estimator, LOSSES, weights)
