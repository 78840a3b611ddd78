"""Influence by a dense factorisation: what every other solver approximates."""

import time
from dataclasses import dataclass

from influencelab.influence.curvature import Curvature, check_recipe
from influencelab.influence.estimator import Estimate, Estimator, from_solution
from influencelab.models import derivatives
from influencelab.training.fit import Fit, require_converged


@dataclass(frozen=True)
class Exact(Estimator):
    """∂L_j/∂wᵢ = −∇L_jᵀ (C + damping I)⁻¹ ∇ℓᵢ, by one p × p factorisation (Koh & Liang 2017, Eq. 2).

    Null directions are left out (pseudo-inverse) where no test gradient has mass there.

    Attributes:
        curvature: `hessian` or `gauss_newton`.
        damping: added to every eigenvalue.
    """

    curvature: str = "hessian"
    damping: float = 0.0

    def __post_init__(self) -> None:
        check_recipe(self.curvature, self.damping)

    def estimate(self, fit: Fit) -> Estimate:
        """Factorise (or reuse what the fit's curvature already knows), solve for all test points, and multiply."""
        require_converged(fit, allow_unconverged=self.allow_unconverged)
        started = time.perf_counter()
        curvature = Curvature(fit, kind=self.curvature, damping=self.damping)
        pulls = derivatives.measure_gradients(fit.task, fit.data, fit.theta)
        return from_solution(self, fit, curvature.solve(pulls.T), damping=self.damping, started=started)
