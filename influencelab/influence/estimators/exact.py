"""Influence by a dense factorisation: what every other solver approximates."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.influence.curvature import Curvature, Solution, check_recipe
from influencelab.influence.estimator import Solver
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class Exact(Solver):
    """∂L_j/∂wᵢ = −∇L_jᵀ (C + damping I)⁻¹ ∇ℓᵢ, by one p × p factorisation (Koh & Liang 2017, Eq. 2).

    Of linear tasks with more than 10,000 parameters it solves by conjugate gradients, to a residual of 1e-10.
    Null directions are left out (pseudo-inverse) where no test gradient has mass there.

    Attributes:
        curvature: `hessian` or `gauss_newton`.
        damping: added to every eigenvalue.
    """

    curvature: str = "hessian"
    damping: float = 0.0

    def __post_init__(self) -> None:
        check_recipe(self.curvature, self.damping)

    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """Factorise, or reuse the fit's factors."""
        curvature = Curvature(fit, kind=self.curvature, damping=self.damping)
        solution = curvature.solve(gradients.T)
        curvature.check_rounding()
        return solution, self.damping
