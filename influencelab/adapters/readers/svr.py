"""`SVR`: C Σ sᵢ ℓᵢ + ½ ‖f‖², ℓ the error beyond epsilon and the intercept free, on the features that points span."""

from functools import partial
from typing import Any

import numpy

from influencelab.adapters.readers import svc
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.epsilon_insensitive import EpsilonInsensitive


def refusal(estimator: Any) -> str:  # noqa: ARG001 - all of its settings are read
    """''."""
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    at = partial(EpsilonInsensitive, float(estimator.epsilon))
    penalty = 1 / (float(estimator.C) * float(weights.sum()))
    return svc.of_kernel(estimator, data, weights, at(), at, penalty=penalty, widest=float(data.y_train.std()))
