"""`LogisticRegressionCV`: `LogisticRegression` at the C that was chosen, which a refit keeps."""

from typing import Any

import numpy

from influencelab.adapters.readers import logistic_regression
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if not estimator.refit:
        return "refit=False makes its coefficients means over folds, which minimise nothing. Take refit=True"
    ratios = estimator.l1_ratios if isinstance(estimator.l1_ratios, list | tuple | numpy.ndarray) else ()
    if any(each not in (None, 0) for each in ratios):
        return "its L1 penalty is not smooth: a coefficient that is 0 has no derivative. Take l1_ratios=(0,)"
    chosen = numpy.unique(getattr(estimator, "C_", 1.0))
    if len(chosen) > 1:
        return "it chose a C for each class, which is no one objective. Give LogisticRegression one C"
    return logistic_regression.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The chosen C in place of C."""
    return logistic_regression.reading(estimator, float(numpy.unique(estimator.C_)[0]), data, weights)
