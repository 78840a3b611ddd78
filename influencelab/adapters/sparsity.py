"""Absolute penalties: on the features whose coefficients are not 0, and on the signs of these, J is smooth."""

from dataclasses import replace
from typing import Any

import numpy
import torch
from torch import Tensor

from influencelab.adapters.pattern import Pattern
from influencelab.adapters.reading import Reading, rows_of
from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import SparseRows, sparse_rows
from influencelab.errors import InvalidData
from influencelab.models.loss import OutputLoss
from influencelab.models.tasks.signed_linear import SignedLinear


def sparse(
    estimator: Any,
    data: Dataset,
    loss: OutputLoss,
    *,
    l1: float,
    decay: float,
    convention: str,
    slope: float = 0.0,
    penalise_intercept: bool = False,
    constant: float = 1.0,
) -> Reading:
    """The reading of one output under an absolute penalty, on the features whose coefficients are not 0.

    Raises:
        InvalidData: all of them are 0.
    """
    theta = rows_of(estimator, intercept=bool(estimator.fit_intercept), constant=constant)
    count = data.x_train.shape[1]
    active = (theta[:count] != 0) | (l1 == 0)
    if not active.any():
        raise InvalidData(f"All coefficients of {type(estimator).__name__} are 0, and stay so. Take a weaker penalty.")
    intercept = bool(estimator.fit_intercept) and not (penalise_intercept and theta[-1] == 0)
    rest = theta[count:] if intercept else theta[:0]
    found = numpy.append(theta[:count][active], rest)
    signs = [*numpy.sign(theta[:count][active]), *(numpy.sign(rest) if penalise_intercept else 0 * rest)]
    task = SignedLinear(
        decay,
        intercept=intercept,
        penalise_intercept=penalise_intercept and intercept,
        loss=loss,
        l1=l1,
        signs=tuple(int(each) for each in signs),
        constant=constant,
    )
    some, names = torch.from_numpy(active), data.feature_names
    seen = replace(
        data,
        x_train=few(data.x_train[:, some]),
        x_test=few(data.x_test[:, some]),
        feature_names=tuple(name for name, on in zip(names, active, strict=True) if on) if names else (),
    )
    pattern = Pattern(data.x_train[:, ~some], l1)
    return Reading(task, found, convention, slope=slope, data=seen, pattern=pattern)


def few(x: Tensor) -> Tensor:
    """Some of the features, with their zeros where these are no longer many."""
    return sparse_rows(x.matrix, what="X") if isinstance(x, SparseRows) else x
