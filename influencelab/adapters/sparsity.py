"""Absolute penalties: on the coefficients that are not 0, and on the signs of these, J is smooth."""

from typing import Any

import numpy

from influencelab.adapters.absolute import Absolute
from influencelab.adapters.pattern import Pattern
from influencelab.adapters.reading import Reading, rows_of
from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss


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
    """The reading under an absolute penalty, on the coefficients that are not 0."""
    intercept = bool(estimator.fit_intercept)
    theta = rows_of(estimator, intercept=intercept, constant=constant)
    theta = theta.reshape(loss.size(data), -1)
    name, penalised = type(estimator).__name__, penalise_intercept and intercept
    whole = Absolute(name, data, loss, l1, decay, intercept, penalised, constant)
    signs = numpy.sign(theta)
    task, seen = whole.piece(signs)
    found = theta[~whole.held(signs)]
    return Reading(task, found, convention, slope=slope, data=seen, pattern=Pattern(whole, signs))
