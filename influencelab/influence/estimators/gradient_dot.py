"""The gradient dot product: influence without curvature."""

import time
from dataclasses import dataclass

import torch

from influencelab.influence.estimator import Estimate, Estimator, Sensitivity, estimate_of
from influencelab.models.measure import Measure
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
        sensitivity = self.sensitivity(fit)
        values = -fit.weights[:, None] * sensitivity.slopes()
        return estimate_of(self, fit, values, unit="none", sensitivity=sensitivity, started=started)

    def sensitivity(self, fit: Fit, *, measure: Measure | None = None) -> Sensitivity:
        """The gradients of the measure (of each test loss, by default): it ranks perturbations, and has no unit."""
        started, measure = time.perf_counter(), measure or fit.measure
        gradients = measure.gradients(fit.task, fit.data, fit.theta)
        nothing = torch.zeros_like(gradients[:, 0])
        return Sensitivity(fit, measure, gradients.T, nothing, 0.0, time.perf_counter() - started)
