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
# Directions without curvature that are looked for, and the share of the largest curvature that is none.
FEW, NONE = 8, 1e-7


def solved(multiply: Multiply, vectors: Float[Tensor, "p k"], *, diagonal: P, tolerance: float) -> Solution:
    """Each column solved for by conjugate gradients, in the units in which the diagonal is 1."""
    diagonal = diagonal.where(diagonal > torch.finfo(diagonal.dtype).eps * diagonal.max(), 1.0)
    found = [
        block_conjugate_gradient(multiply, block, diagonal=diagonal, tolerance=tolerance, max_iterations=PRODUCTS)
        for block in vectors.split(max(1, min(WIDE, TOGETHER // len(vectors))), dim=1)
    ]
    return Solution(torch.cat([each.values for each in found], 1), torch.cat([each.residual for each in found]))


def shifts(multiply: Multiply, free: Float[Tensor, "c d"], *, diagonal: P) -> Float[Tensor, "p q"]:
    """Directions that shift all outputs of each point alike, where nothing curves along these: an orthonormal few.

    Args:
        free: the penalty on each parameter, an output a row; only those without any are looked at.
    """
    columns = (free == 0).all(0).nonzero()[: FEW if len(free) > 1 else 0, 0]
    found = free.new_zeros(*free.shape, len(columns))
    found[:, columns, torch.arange(len(columns))] = len(free) ** -0.5
    found = found.flatten(0, 1)
    return found[:, multiply(found).norm(dim=0) <= NONE * diagonal.max()] if len(columns) else found
