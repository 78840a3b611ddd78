"""What a fit says beyond its trial's outcome: losses, self-influence, and predictions at every damping."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from influencelab.data.removals import Removals, leave_one_out
from influencelab.experiments.comparison import array
from influencelab.experiments.trial import Outcome, Trial
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimators.exact import Exact
from influencelab.models import derivatives
from influencelab.recipe import Recipe
from influencelab.training.fit import Fit, fit

# Dampings as shares of λ_max: seven decades, four to each.
SHARES = tuple(float(share) for share in numpy.logspace(-7, 0, 29))


@dataclass(frozen=True, eq=False)
class FitDetails(Recipe):
    """One fit seen from all sides.

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
    """Fit the trial's model again, which gives the same one, and read everything off one spectrum of its Hessian."""
    data = trial.source.load()
    fitted = fit(trial.task, data, trial.trainer, seed=trial.seed)
    largest = float(Curvature(fitted).spectrum().values[-1])
    dampings = [share * largest for share in shares]
    removals = experiments(trial, fitted, outcome)
    estimators = [Exact(allow_unconverged=True, damping=damping) for damping in dampings]
    return FitDetails(
        train_loss=array(fitted.task.losses(fitted.theta, data.x_train, data.y_train)),
        self_influence=array(self_influence(fitted, damping=dampings[0])),
        test_loss=array(fitted.measures()),
        shares=numpy.array(shares),
        dampings=numpy.array(dampings),
        predicted=numpy.stack(
            [array(each.estimate(fitted).predict(removals)).astype(numpy.float32) for each in estimators]
        ),
    )


def experiments(trial: Trial, fitted: Fit, outcome: Outcome) -> Removals:
    """The removals that an outcome speaks of."""
    n = fitted.data.n
    if trial.groups is not None:
        return trial.groups.removals(n, convention=trial.convention)
    place = {identity: row for row, identity in enumerate(fitted.data.train_ids.tolist())}
    rows = torch.tensor([place[identity] for identity in outcome.train_ids.tolist()])
    return leave_one_out(n, rows=rows, convention=trial.convention)


def self_influence(fitted: Fit, *, damping: float) -> Float[Tensor, " n"]:
    """wᵢ ∇ℓᵢᵀ (H + damping I)⁻¹ ∇ℓᵢ: how much of its own loss a point holds down by being there."""
    curvature = Curvature(fitted, damping=damping)
    curvature.spectrum()
    gradients = derivatives.point_gradients(fitted.task, fitted.data, fitted.theta)
    return fitted.weights * (gradients * curvature.inverse_products(gradients.T).T).sum(1)
