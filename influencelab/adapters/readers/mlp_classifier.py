"""`MLPClassifier`: cross-entropy, of two classes with one output."""

from typing import Any

import numpy

from influencelab.adapters.readers import _network
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.binary_cross_entropy import BinaryCrossEntropy
from influencelab.models.losses.cross_entropy import CrossEntropy


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return _network.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The loss by the number of classes."""
    return _network.read(estimator, data, weights, BinaryCrossEntropy() if data.classes == 2 else CrossEntropy())
