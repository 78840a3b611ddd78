"""`RidgeCV`: `Ridge` at the alpha that was chosen, which a refit keeps."""

from typing import Any

import numpy

from influencelab.adapters.readers import ridge
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return ridge.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The chosen alpha in place of alphas."""
    return ridge.reading(estimator, estimator.alpha_, data, weights)
