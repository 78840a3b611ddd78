"""Predictions, without retraining, of what a removal does to the loss of each test point."""

import time
from abc import abstractmethod
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.data.removals import Removals
from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Solution
from influencelab.models import derivatives
from influencelab.recipe import Recipe
from influencelab.training.fit import Fit

__all__ = ["Estimate", "Estimator"]


@dataclass(frozen=True, eq=False)
class Estimate(Recipe):
    """What an estimator says of every pair of training and test point.

    Attributes:
        estimator: the recipe that made it.
        fit: the model it speaks of.
        values: values[i, j] is the predicted rise, in nats, of the loss of test point j if training point i were
            removed (weight set to 0) and the model retrained. Positive: i helps j.
        slopes: slopes[i, j] = ∂L_j/∂wᵢ, so that values = −wᵢ slopes and any small change of weights Δw changes the
            losses by Δw @ slopes. None for methods that are not linear in the weights.
        convention: which removals the values speak of (`drop` or `renormalise`) where there are no slopes to say it for
            both; None for slopes and for scores that only rank.
        unit: `nats`, or `none` for scores that only rank (then size and slope mean nothing).
        residual: how well the curvature system behind each test point was solved: ‖(C + damping I) s − g‖ / ‖g‖.
        damping: what was really added to the curvature, whatever the solver's own knobs.
        seconds: wall-clock time.
    """

    estimator: "Estimator"
    fit: Fit
    values: Float[Tensor, "n m"]
    slopes: Float[Tensor, "n m"] | None
    convention: str | None
    unit: str
    residual: Float[Tensor, " m"]
    damping: float
    seconds: float

    def predict(self, removals: Removals) -> Float[Tensor, "r m"]:
        """The predicted rise of each test loss in each experiment: Δw @ slopes.

        Raises:
            InvalidParameter: a method without slopes was asked for groups, or for the convention it does not speak of;
                or the removals do not suit the fit.
        """
        removals.check(self.fit.weights)
        if self.slopes is None:
            if not removals.single:
                raise InvalidParameter(f"{self.estimator} predicts single removals only; use an estimator with slopes.")
            if self.convention not in (None, removals.convention):
                raise InvalidParameter(
                    f"{self.estimator} predicts the convention '{self.convention}', not '{removals.convention}': "
                    f"make it with convention='{removals.convention}'."
                )
            return self.values[removals.points]
        weights = self.fit.weights
        taken = removals.sums(weights[:, None] * self.slopes)
        if removals.convention == "drop":
            return -taken
        total = weights.sum()
        left = total - removals.sums(weights[:, None])
        return (total / left - 1) * (weights @ self.slopes) - (total / left) * taken


@dataclass(frozen=True)
class Estimator(Recipe):
    """A recipe that predicts removals from one fit.

    Attributes:
        allow_unconverged: accept a fit that is not a minimum, as some published protocols did.
    """

    allow_unconverged: bool = False

    @abstractmethod
    def estimate(self, fit: Fit) -> Estimate:
        """Predict for every training point and every test point of the fit's data.

        Raises:
            NotConverged: the fit is no minimum and allow_unconverged is False.
            NullSpaceMass: no finite answer exists without damping.
            Diverged: an iterative solve did not settle.
        """


def from_solution(estimator: Estimator, fit: Fit, solution: Solution, *, damping: float, started: float) -> Estimate:
    """The estimate that follows from s_j = (C + damping I)⁻¹ ∇L_j: slopes −∇ℓᵢᵀ s_j, values −wᵢ slopes."""
    fit.task.check_curvature(fit.data, fit.theta, fit.weights)
    slopes = -derivatives.point_slopes(fit.task, fit.data, fit.theta, solution.values.T)
    return Estimate(
        estimator=estimator,
        fit=fit,
        values=-fit.weights[:, None] * slopes,
        slopes=slopes,
        convention=None,
        unit="nats",
        residual=solution.residual,
        damping=damping,
        seconds=time.perf_counter() - started,
    )


def from_scores(
    estimator: Estimator, fit: Fit, values: Float[Tensor, "n m"], *, convention: str | None, unit: str, started: float
) -> Estimate:
    """The estimate of a method that solves nothing: no slopes, no residual, no damping."""
    return Estimate(
        estimator=estimator,
        fit=fit,
        values=values,
        slopes=None,
        convention=convention,
        unit=unit,
        residual=values.new_zeros(values.shape[1]),
        damping=0.0,
        seconds=time.perf_counter() - started,
    )
