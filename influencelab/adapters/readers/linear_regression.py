"""`LinearRegression`: least squares, without a penalty."""

from typing import Any

import numpy

from influencelab.adapters.readers import ridge
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return ridge.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """Ridge regression at alpha 0, where all conventions are one."""
    return ridge.reading(estimator, 0.0, data, weights)
