"""Weights of the training points in the objective."""

from typing import Any

from influencelab.data.conversion import numbers_in
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidWeights
from influencelab.models.shapes import N


def checked_weights(given: Any, data: Dataset, *, what: str = "weights") -> N:
    """The weights in the data's dtype, if they can be weights; 1/n each makes J the mean loss plus the penalty.

    Args:
        what: a plural that names them in errors.
    """
    if given is None:
        return data.x_train.new_full((data.n,), 1 / data.n)
    weights = numbers_in(given, what=what)
    if tuple(weights.shape) != (data.n,):
        raise InvalidWeights(f"{what} have shape {tuple(weights.shape)}, expected ({data.n},): one a training point.")
    bad = ~(weights.isfinite() & (weights >= 0))
    if bad.any():
        first = int(bad.nonzero()[0])
        raise InvalidWeights(f"{int(bad.sum())} {what} are negative or not finite, the first at row {first}: use ≥ 0.")
    if not weights.any():
        raise InvalidWeights(f"all {what} are 0: there is nothing to train on.")
    return weights.to(data.x_train)
