"""`NuSVC`: the `SVC` that it is, with the C that nu came to; a refit would come to another."""

from typing import Any

import numpy

from influencelab.adapters.readers import svc
from influencelab.adapters.reading import Reading, dense
from influencelab.data.dataset import Dataset


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return svc.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """C is the largest coefficient of a point of weight 1: that of every point with a margin below 1."""
    c = float(numpy.abs(dense(estimator.dual_coef_) / weights[estimator.support_]).max())
    return svc.reading(estimator, c, data, weights, held=(f"the C that nu came to, {c:.4g}",))
