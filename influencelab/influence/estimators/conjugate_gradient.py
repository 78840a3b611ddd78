"""Influence by block conjugate gradients: curvature products only, to a stated residual."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.by_products import TOGETHER
from influencelab.influence.conjugate_gradients import block_conjugate_gradient
from influencelab.influence.curvature import Curvature, Solution, check_recipe
from influencelab.influence.estimator import Solver
from influencelab.training.fit import Fit

PRECONDITIONERS = ("jacobi", "none")
# Test points solved together: wider blocks take fewer products, but ever more arithmetic between them.
WIDTH = 128


@dataclass(frozen=True)
class ConjugateGradient(Solver):
    """The answer of `exact`, without ever forming the p × p curvature: for models too large to factorise.

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

    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """Solve in blocks, and check each answer against a true product."""
        curvature = Curvature(fit, kind=self.curvature, damping=self.damping)
        diagonal = torch.ones_like(gradients[0])
        if self.preconditioner == "jacobi":
            diagonal = curvature.diagonal()
            # A parameter of no curvature has nothing to be scaled by.
            diagonal = torch.where(diagonal > torch.finfo(diagonal.dtype).eps * diagonal.max(), diagonal, 1.0)
        solutions = [
            block_conjugate_gradient(
                curvature.__matmul__,
                block.T,
                diagonal=diagonal,
                tolerance=self.tolerance,
                max_iterations=self.max_iterations,
            )
            for block in gradients.split(min(WIDTH, max(1, TOGETHER // len(fit.theta))))
        ]
        values = torch.cat([solution.values for solution in solutions], dim=1)
        return curvature.keep(Solution(values, torch.cat([each.residual for each in solutions]))), self.damping
