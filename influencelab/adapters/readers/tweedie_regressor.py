"""`TweedieRegressor`: as `PoissonRegressor`, with the deviance of any power, of a log or an identity link."""

from typing import Any

import numpy

from influencelab.adapters.readers import poisson_regressor
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.losses.tweedie_deviance import TweedieDeviance


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if 0 < estimator.power < 1:
        return "no distribution has a power between 0 and 1. Take power=0, or 1 and above"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:  # noqa: ARG001 - it divides by them itself
    """The link is the identity up to power 0 and the logarithm above, where it is left to scikit-learn."""
    power = float(estimator.power)
    link = estimator.link if estimator.link != "auto" else "log" if power > 0 else "identity"
    return poisson_regressor.reading(estimator, TweedieDeviance(power, link))
