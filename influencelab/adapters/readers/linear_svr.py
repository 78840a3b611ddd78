"""`LinearSVR`: C Σ sᵢ ℓᵢ + ½ ‖w‖², the intercept penalised; ℓ the error beyond epsilon, squared or absolute."""

from functools import partial
from typing import Any

import numpy
import torch

from influencelab.adapters.readers import linear_svc
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import matrix_of
from influencelab.models.losses.epsilon_insensitive import EpsilonInsensitive
from influencelab.models.losses.insensitive_squared_error import InsensitiveSquaredError

# Liblinear stops where all outputs together are off by tol times what they were at no weights: one may have all of it,
# and at its end all together had at most half of it, of two hundred honest fits.
OFF, TOGETHER = 1.0, 0.75


def refusal(estimator: Any) -> str:  # noqa: ARG001 - all of its settings are read
    """''."""
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    total, epsilon = float(weights.sum()), float(estimator.epsilon)
    if estimator.loss == "epsilon_insensitive":
        at, spread = partial(EpsilonInsensitive, epsilon), float(data.y_train.std())
        off = OFF * float(numpy.maximum(numpy.abs(data.y_train.numpy()) - epsilon, 0).sum())
        return linear_svc.bent(estimator, at(), at, total, widest=spread, off=off, together=TOGETHER / OFF * off)
    loss, shares, x = InsensitiveSquaredError(epsilon), weights / total, matrix_of(data.x_train)
    # Its primal solver stops at a share of the gradient at no weights.
    slopes = shares * loss.gradients(torch.zeros(1, data.n, dtype=data.x_train.dtype), data.y_train)[0].numpy()
    start = numpy.append(x.T @ slopes, float(estimator.intercept_scaling) * slopes.sum())
    slope = float(estimator.tol) * float(numpy.linalg.norm(start))
    return Reading(*linear_svc.linear(estimator, loss, 2 * total), slope=slope)
