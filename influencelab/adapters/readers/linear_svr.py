"""`LinearSVR`: C Σ sᵢ ℓᵢ + ½ ‖w‖², the intercept penalised; ℓ the error beyond epsilon, squared or absolute."""

from functools import partial
from typing import Any

import numpy

from influencelab.adapters.readers import linear_svc
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.epsilon_insensitive import EpsilonInsensitive
from influencelab.models.losses.insensitive_squared_error import InsensitiveSquaredError

# How much of its tol times the spread of the targets liblinear may leave of the mean loss: it left up to 0.25.
LEFT = 1.0


def refusal(estimator: Any) -> str:  # noqa: ARG001 - all of its settings are read
    """''."""
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    total, epsilon = float(weights.sum()), float(estimator.epsilon)
    if estimator.loss == "epsilon_insensitive":
        at, spread = partial(EpsilonInsensitive, epsilon), float(data.y_train.std())
        return linear_svc.bent(estimator, at(), at, total, widest=spread, left=LEFT)
    return Reading(*linear_svc.linear(estimator, InsensitiveSquaredError(epsilon), 2 * total))
