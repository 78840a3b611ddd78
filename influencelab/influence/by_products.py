"""Systems in a curvature that has too many parameters for a factor, and is known by its products alone."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.influence.conjugate_gradients import block_conjugate_gradient
from influencelab.influence.solution import Solution
from influencelab.models.shapes import P

Multiply = Callable[[Tensor], Tensor]
# Columns times parameters, and columns, that are solved for together, and products with them at most: wider blocks take
# fewer products, but ever more arithmetic between them.
TOGETHER, WIDE, PRODUCTS = 2**23, 96, 5000


def solved(multiply: Multiply, vectors: Float[Tensor, "p k"], *, diagonal: P, tolerance: float) -> Solution:
    """Each column solved for by conjugate gradients, in the units in which the diagonal is 1."""
    diagonal = diagonal.where(diagonal > torch.finfo(diagonal.dtype).eps * diagonal.max(), 1.0)
    found = [
        block_conjugate_gradient(multiply, block, diagonal=diagonal, tolerance=tolerance, max_iterations=PRODUCTS)
        for block in vectors.split(max(1, min(WIDE, TOGETHER // len(vectors))), dim=1)
    ]
    return Solution(torch.cat([each.values for each in found], 1), torch.cat([each.residual for each in found]))
