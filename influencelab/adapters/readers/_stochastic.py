"""What classes fitted by stochastic gradient descent have in common: (1/n) Σ sᵢ ℓᵢ + ½ alpha ‖w‖²."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from influencelab.adapters.reading import MEAN, TOTAL, Reading, rows_of
from influencelab.models.loss import OutputLoss
from influencelab.models.tasks.generalised_linear import GeneralisedLinear

# By the name of a loss: how many times ours it is, and ours from its epsilon.
Losses = Mapping[str, tuple[float, Callable[[float], OutputLoss]]]


def refusal(estimator: Any, losses: Losses, instead: str) -> str:
    """Why these settings are not read; '' where they are."""
    if estimator.loss not in losses:
        return f"the loss '{estimator.loss}' is not smooth, or not read. Take one of {', '.join(losses)}, or {instead}"
    if estimator.penalty not in ("l2", None):
        return f"its {estimator.penalty} penalty is not smooth, and no step of it ends at 0. Take penalty='l2'"
    if estimator.early_stopping:
        return "early_stopping=True keeps points out of the fit. Take early_stopping=False, and max_iter and tol"
    if estimator.learning_rate in ("pa1", "pa2"):
        return (
            f"the steps of learning_rate='{estimator.learning_rate}' minimise nothing. Take 'optimal' or 'invscaling'"
        )
    return ""


def read(estimator: Any, losses: Losses, weights: numpy.ndarray) -> Reading:
    """Its sum is divided by the number of points, not by their weights.

    A fit without a point then has another penalty beside the mean loss where weights differ, and the same where they
    are equal: `renormalise`. Where they differ, no convention is that fit; `drop` is the one with a weight of 0.
    """
    factor, loss = losses[estimator.loss][0], losses[estimator.loss][1](float(estimator.epsilon))
    alpha = float(estimator.alpha) if estimator.penalty else 0.0
    decay = alpha * len(weights) / (factor * float(weights.sum()))
    task = GeneralisedLinear(decay, intercept=bool(estimator.fit_intercept), loss=loss)
    equal = bool((weights == weights[0]).all())
    return Reading(task, rows_of(estimator, intercept=task.intercept), MEAN if equal and alpha else TOTAL)
