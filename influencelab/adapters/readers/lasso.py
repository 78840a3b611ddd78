"""`Lasso`: `ElasticNet` with an absolute penalty alone."""

from typing import Any

import numpy

from influencelab.adapters.readers import elastic_net
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return elastic_net.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:  # noqa: ARG001 - it divides by them itself
    """An l1_ratio of 1."""
    return elastic_net.reading(estimator, data, alpha=float(estimator.alpha), ratio=1.0)
