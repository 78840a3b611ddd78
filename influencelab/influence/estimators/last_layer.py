"""Influence through the last layer alone: as several papers computed in place of all layers."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature, Solution, check_recipe
from influencelab.influence.estimator import Solver
from influencelab.training.fit import Fit

# An eigenvalue below this share of the largest is left to the pseudo-inverse.
NULL = 1e-10


@dataclass(frozen=True)
class LastLayer(Solver):
    """s = (C_last + damping I)⁺ ∇L over the last layer's parameters, 0 over the others.

    It predicts retraining of the last layer only. Epifano et al. (2023, the authors' code) took the data loss's
    curvature without the penalty and inverted it in single precision, though it is singular: shifting all outputs
    changes nothing. `penalty=False, inverse="plain"` is that; the defaults mend both.

    Attributes:
        penalty: whether weight decay is in the curvature.
        inverse: `pseudo` leaves null directions alone; `plain` inverts in float32, whatever comes out.
        damping: added to the curvature.
    """

    penalty: bool = True
    inverse: str = "pseudo"
    damping: float = 0.0

    def __post_init__(self) -> None:
        check_recipe("hessian", self.damping)
        if self.inverse not in ("pseudo", "plain"):
            raise InvalidParameter(f"inverse is '{self.inverse}', expected pseudo or plain.")

    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """Invert the last block of the dense curvature.

        Raises:
            InvalidParameter: the task is neither linear nor a fully connected network.
        """
        last = slice(len(fit.theta) - fit.task.last_layer_size(fit.data), None)
        curvature = Curvature(fit).dense()[last, last].clone()
        if not self.penalty:
            curvature.diagonal().sub_(fit.task.weight_decay * fit.task.penalised(fit.data)[last])
        curvature.diagonal().add_(self.damping)
        columns = gradients.T
        values = torch.zeros_like(columns)
        if self.inverse == "plain":
            values[last] = torch.linalg.inv_ex(curvature.float()).inverse.to(columns) @ columns[last]
        else:
            values[last] = torch.linalg.pinv(curvature, rtol=NULL, hermitian=True) @ columns[last]
        residual = (curvature @ values[last] - columns[last]).norm(dim=0) / columns[last].norm(dim=0)
        return Solution(values, residual), self.damping
