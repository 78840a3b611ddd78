"""Influence by eigenvalue-corrected Kronecker factors: a curvature without cross terms between layers."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature, Solution, check_recipe, lengths
from influencelab.influence.estimator import Solver
from influencelab.influence.kronecker import blocks
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class EKFAC(Solver):
    """Gauss-Newton influence with each layer's curvature diagonal in a Kronecker basis (George et al. 2018).

    As Grosse et al. (2023) use it on language models, but with the Fisher information summed over all classes in place
    of drawn labels, and weight decay in the curvature. `residual` is measured with the true Gauss-Newton curvature:
    it says how much is lost between layers and between directions, and it is not small. Exact for one layer with one
    output, and where all points give a layer the same.

    Attributes:
        damping: added to every eigenvalue.
        relative_damping: this share of the mean eigenvalue of each layer's losses is added too; Grosse et al. take
            0.1. `Estimate.damping` is then the mean over all parameters, and `dampings` gives each layer's.
    """

    damping: float = 0.0
    relative_damping: float = 0.0

    def __post_init__(self) -> None:
        check_recipe("gauss_newton", self.damping)
        if not 0 <= self.relative_damping < float("inf"):
            raise InvalidParameter(f"relative_damping is {self.relative_damping}, expected a finite number ≥ 0.")

    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """Factorise each layer, or reuse the factors of the fit.

        Raises:
            InvalidParameter: the task is not made of layers.
        """
        layers = blocks(fit)
        parts = gradients.split([block.losses.numel() for block in layers], dim=1)
        solved, added = [], []
        for block, damping, part in zip(layers, self.dampings(fit), parts, strict=True):
            solved.append(block.inverse_products(part, damping=damping))
            added.append(torch.full_like(part[0], damping))
        each, values = torch.cat(added), torch.cat(solved, dim=1)
        left = (Curvature(fit, kind="gauss_newton") @ values.T).T + each * values - gradients
        return Solution(values=values.T, residual=left.norm(dim=1) / lengths(gradients)), float(each.mean())

    def dampings(self, fit: Fit) -> list[float]:
        """The damping added to every eigenvalue of each layer, first layer first."""
        return [self.damping + self.relative_damping * float(block.losses.mean()) for block in blocks(fit)]
