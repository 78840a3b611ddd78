"""`ElasticNet`: Σ sᵢ (zᵢ − yᵢ)² / 2Σs + alpha (l1_ratio ‖w‖₁ + ½ (1 − l1_ratio) ‖w‖²), on the signs that it found."""

from typing import Any

import numpy

from influencelab.adapters.reading import MEAN, Reading
from influencelab.adapters.sparsity import sparse
from influencelab.data.dataset import Dataset
from influencelab.models.losses.squared_error import SquaredError


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if getattr(estimator, "positive", False):
        return "positive=True holds coefficients at a bound, where there is no derivative. Take positive=False"
    if numpy.ndim(getattr(estimator, "coef_", ())) == 2:
        return "it has several targets. Fit one model a target"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:  # noqa: ARG001 - it divides by them itself
    """The penalty beside the mean loss stays in a refit: `renormalise`."""
    return reading(estimator, data, alpha=float(estimator.alpha), ratio=float(estimator.l1_ratio))


def reading(estimator: Any, data: Dataset, *, alpha: float, ratio: float) -> Reading:
    """At this penalty."""
    return sparse(estimator, data, SquaredError(), l1=alpha * ratio, decay=alpha * (1 - ratio), convention=MEAN)
