"""Losses, self-influence and predictions at every damping of one stored fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from jaxtyping import Float, Float32
from torch import Tensor

from influencelab.experiments.comparison import array
from influencelab.experiments.damping_path import ExactAtShare
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.trial import Trial
from influencelab.influence.curvature import Curvature
from influencelab.models import derivatives
from influencelab.training.fit import Fit

# Dampings as shares of λ_max: seven decades, four to each.
SHARES = tuple(float(share) for share in numpy.logspace(-7, 0, 29))


@dataclass(frozen=True, eq=False)
class FitDetails:
    """Losses, self-influence and the damping path of one fit.

    Attributes:
        train_loss: of each training point, in nats.
        self_influence: the predicted rise of each training point's own loss if it were removed, in nats, at the least
            of the dampings.
        test_loss: of each test point, in nats.
        shares: dampings as shares of the largest eigenvalue.
        dampings: the same in the curvature's own unit.
        predicted: predicted[l, r, j], the rise of test loss j in experiment r at damping l, in nats.
    """

    train_loss: Float[numpy.ndarray, " n"]
    self_influence: Float[numpy.ndarray, " n"]
    test_loss: Float[numpy.ndarray, " m"]
    shares: Float[numpy.ndarray, " l"]
    dampings: Float[numpy.ndarray, " l"]
    predicted: Float32[numpy.ndarray, "l r m"]


def fit_details(trial: Trial, outcome: Outcome, *, shares: Sequence[float] = SHARES) -> FitDetails:
    """Losses, self-influence and influence at every damping of the fit that an outcome keeps; nothing is trained.

    Raises:
        MissingData: the outcome keeps no fit.
    """
    fitted = trial.fit_of(outcome)
    data, removals = fitted.data, trial.removals_of(outcome, fitted.data)
    dampings, predicted = [], []
    for share in shares:
        estimate = ExactAtShare(allow_unconverged=True, share=share).estimate(fitted)
        dampings.append(estimate.damping)
        predicted.append(array(estimate.predict(removals)).astype(numpy.float32))
    return FitDetails(
        train_loss=array(fitted.task.losses(fitted.theta, data.x_train, data.y_train)),
        self_influence=array(self_influence(fitted, damping=dampings[0])),
        test_loss=array(fitted.measures()),
        shares=numpy.array(shares),
        dampings=numpy.array(dampings),
        predicted=numpy.stack(predicted),
    )


def self_influence(fitted: Fit, *, damping: float) -> Float[Tensor, " n"]:
    """wᵢ ∇ℓᵢᵀ (H + damping I)⁻¹ ∇ℓᵢ: how much of its own loss a point holds down by being there."""
    curvature = Curvature(fitted, damping=damping)
    curvature.spectrum()
    gradients = derivatives.point_gradients(fitted.task, fitted.data, fitted.theta)
    return fitted.weights * (gradients * curvature.inverse_products(gradients.T).T).sum(1)
