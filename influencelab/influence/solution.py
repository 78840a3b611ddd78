"""What a solver of linear systems in a curvature gives back."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.models.shapes import K


@dataclass(frozen=True, eq=False)
class Solution:
    """Solutions of linear systems in the curvature.

    Attributes:
        values: one solution a column.
        residual: ‖(C + damping I) x − v‖ / ‖v‖ of each column, measured with products or a dense matrix that a product
            confirms, not with the factor.
    """

    values: Float[Tensor, "p k"]
    residual: K
