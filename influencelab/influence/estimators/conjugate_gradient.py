"""Influence by block conjugate gradients: curvature products only, to a stated residual."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.conjugate_gradients import block_conjugate_gradient
from influencelab.influence.curvature import Curvature, Solution, check_recipe
from influencelab.influence.estimator import Estimate, Estimator, from_solution
from influencelab.models import derivatives
from influencelab.training.fit import Fit, require_converged

PRECONDITIONERS = ("jacobi", "none")
# Test points solved together: wider blocks take fewer products, but ever more arithmetic between them.
WIDTH = 128


@dataclass(frozen=True)
class ConjugateGradient(Estimator):
    """What `exact` gives, without ever forming the p × p curvature: for models too large to factorise.

    Every answer has met the tolerance by a true product. What cannot meet it raises, and no estimate is returned.

    Attributes:
        curvature: `hessian` or `gauss_newton`.
        damping: added to every eigenvalue.
        tolerance: ‖(C + damping I) s − g‖ / ‖g‖ that every test point must reach.
        max_iterations: the largest number of curvature products with a block of test points.
        preconditioner: `jacobi` scales each parameter by the diagonal of the Gauss-Newton curvature, which helps where
            features differ in size; `none` leaves them.
    """

    curvature: str = "hessian"
    damping: float = 0.0
    tolerance: float = 1e-8
    max_iterations: int = 1000
    preconditioner: str = "jacobi"

    def __post_init__(self) -> None:
        check_recipe(self.curvature, self.damping)
        if not 0 < self.tolerance < 1:
            raise InvalidParameter(f"tolerance is {self.tolerance}, expected a number between 0 and 1.")
        if self.max_iterations < 1:
            raise InvalidParameter(f"max_iterations is {self.max_iterations}, expected at least 1.")
        if self.preconditioner not in PRECONDITIONERS:
            known = ", ".join(PRECONDITIONERS)
            raise InvalidParameter(f"preconditioner is '{self.preconditioner}', expected one of {known}.")

    def estimate(self, fit: Fit) -> Estimate:
        """Solve for all test points in blocks, check each against a true product, and multiply."""
        require_converged(fit, allow_unconverged=self.allow_unconverged)
        started = time.perf_counter()
        curvature = Curvature(fit, kind=self.curvature, damping=self.damping)
        pulls = derivatives.measure_gradients(fit.task, fit.data, fit.theta)
        return from_solution(self, fit, self.solve(curvature, pulls), damping=self.damping, started=started)

    def solve(self, curvature: Curvature, pulls: Float[Tensor, "m p"]) -> Solution:
        """(C + damping I)⁻¹ times each test gradient."""
        diagonal = torch.ones_like(pulls[0])
        if self.preconditioner == "jacobi":
            diagonal = curvature.diagonal()
            # A parameter that no training point bends has nothing to be scaled by.
            diagonal = torch.where(diagonal > torch.finfo(diagonal.dtype).eps * diagonal.max(), diagonal, 1.0)
        solutions = [
            block_conjugate_gradient(
                curvature.__matmul__,
                block.T,
                diagonal=diagonal,
                tolerance=self.tolerance,
                max_iterations=self.max_iterations,
            )
            for block in pulls.split(WIDTH)
        ]
        return Solution(
            values=torch.cat([solution.values for solution in solutions], dim=1),
            residual=torch.cat([solution.residual for solution in solutions]),
        )
