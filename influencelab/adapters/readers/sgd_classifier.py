"""`SGDClassifier` of a smooth loss, a machine a class; of the last steps the gate decides if they came to the end."""

from typing import Any

import numpy

from influencelab.adapters.one_versus_rest import put_together, rows_apart
from influencelab.adapters.readers import _stochastic
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.binary_cross_entropy import BinaryCrossEntropy
from influencelab.models.losses.sided_squared_error import SidedSquaredError
from influencelab.models.losses.squared_hinge import SquaredHinge

LOSSES: _stochastic.Losses = {
    "log_loss": (1.0, lambda _: BinaryCrossEntropy()),
    "squared_error": (1.0, lambda _: SidedSquaredError()),
    "squared_hinge": (2.0, lambda _: SquaredHinge()),
    "modified_huber": (2.0, lambda _: SquaredHinge(cut=2.0)),
}


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return _stochastic.refusal(estimator, LOSSES, "LinearSVC for 'hinge'")


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The loss by its name."""
    if data.classes > 2:
        return put_together(list(rows_apart(estimator, data, weights)), data, weights, read)
    return _stochastic.read(estimator, LOSSES, weights)
