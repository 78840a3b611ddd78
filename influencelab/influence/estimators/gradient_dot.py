"""The gradient dot product: influence with the curvature forgotten."""

import time
from dataclasses import dataclass

from influencelab.influence.estimator import Estimate, Estimator, from_scores
from influencelab.models import derivatives
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class GradientDot(Estimator):
    """wᵢ ∇ℓᵢᵀ ∇L_j: what one step of gradient descent on point i alone does for test point j, per unit of step length.

    A baseline: it ranks, but its size means nothing without a step length, so it has no unit. It makes no claim about
    minima and takes any fit; `allow_unconverged` has no effect.
    """

    def estimate(self, fit: Fit) -> Estimate:
        """One matrix of slopes."""
        started = time.perf_counter()
        pulls = derivatives.measure_gradients(fit.task, fit.data, fit.theta)
        values = fit.weights[:, None] * derivatives.point_slopes(fit.task, fit.data, fit.theta, pulls)
        return from_scores(self, fit, values, convention=None, unit="none", started=started)
