"""Losses, self-influence and predictions at every damping of one stored fit."""

from typing import Any

import numpy
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.experiments.comparison import array
from influencelab.experiments.damping_path import ExactAtShare
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.trial import Trial
from influencelab.explorer.pairs_table import DampingSteps
from influencelab.influence.curvature import Curvature
from influencelab.models import derivatives
from influencelab.training.fit import Fit

# Dampings as shares of λ_max: seven decades, four to each.
SHARES = tuple(float(share) for share in numpy.logspace(-7, 0, 29))


def fit_details(
    trial: Trial, outcome: Outcome, *, rows: Int[numpy.ndarray, " t"], tests: Int[numpy.ndarray, " t"]
) -> dict[str, Any]:
    """Fields of a `PairsTable` from the fit that an outcome stores; nothing is trained.

    These are the damping path of the pairs at the outcome's `rows` and `tests`, the test losses, and, where single
    points are removed, the training losses and self-influence at the least of the dampings.

    Raises:
        MissingData: the outcome stores no fit.
    """
    fitted = trial.fit_of(outcome)
    data, removals = fitted.data, trial.removals_of(outcome, fitted.data)
    dampings, predicted = [], []
    for share in SHARES:
        estimate = ExactAtShare(allow_unconverged=True, share=share).estimate(fitted)
        dampings.append(estimate.damping)
        predicted.append(array(estimate.predict(removals))[rows, tests].astype(numpy.float32))
    fields: dict[str, Any] = {"test_loss": fitted.measures()}
    if outcome.facts["single"]:
        fields["train_loss"] = fitted.task.losses(fitted.theta, data.x_train, data.y_train)
        fields["self_influence"] = self_influence(fitted, damping=dampings[0])
    fields = {name: array(values).astype(numpy.float32) for name, values in fields.items()}
    steps = DampingSteps(numpy.array(SHARES), numpy.array(dampings), numpy.arange(len(rows)), numpy.stack(predicted))
    return fields | {"damping_steps": steps}


def self_influence(fitted: Fit, *, damping: float) -> Float[Tensor, " n"]:
    """wᵢ ∇ℓᵢᵀ (H + damping I)⁻¹ ∇ℓᵢ: how much of its own loss a point holds down by being there."""
    curvature = Curvature(fitted, damping=damping)
    curvature.spectrum()
    gradients = derivatives.point_gradients(fitted.task, fitted.data, fitted.theta)
    return fitted.weights * (gradients * curvature.inverse_products(gradients.T).T).sum(1)
