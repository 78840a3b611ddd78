"""`SVR`: C Σ sᵢ ℓᵢ + ½ ‖f‖², ℓ the error beyond epsilon and the intercept free, on the features that points span."""

from functools import partial
from typing import Any

import numpy

from influencelab.adapters.readers import svc
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.epsilon_insensitive import EpsilonInsensitive

# How much of its tol times the spread of the targets libsvm may leave of the mean loss: it left up to 0.06.
LEFT = 0.1


def refusal(estimator: Any) -> str:  # noqa: ARG001 - all of its settings are read
    """''."""
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    at = partial(EpsilonInsensitive, float(estimator.epsilon))
    penalty = 1 / (float(estimator.C) * float(weights.sum()))
    return svc.of_kernel(estimator, data, at(), at, penalty=penalty, widest=float(data.y_train.std()), left=LEFT)
