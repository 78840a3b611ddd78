"""Products with a dense matrix, held to one true product of a mixture of all columns."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

# Rounding by which both may differ, in units of the last place of the matrix's length times the vector's.
ROUNDING = 100


def products(
    multiply: Callable[[Tensor], Tensor], matrix: Float[Tensor, "p p"], vectors: Float[Tensor, "p k"], *, damping: float
) -> Float[Tensor, "p k"]:
    """`multiply(vectors)`, which may be slow, by a matrix plus damping that should be the same.

    A matrix that is wrong moves a sum of columns under random signs by about as much as it moves all columns together:
    where that is more than rounding, the answer is that of `multiply`.
    """
    generator = torch.Generator().manual_seed(0)
    signs = (2 * torch.randint(2, (vectors.shape[1], 1), generator=generator) - 1).to(vectors)
    found, mixed = torch.addmm(vectors, matrix, vectors, beta=damping), vectors @ signs
    apart = (multiply(mixed) - found @ signs).norm()
    rounding = ROUNDING * torch.finfo(vectors.dtype).eps * matrix.norm() * mixed.norm()
    return found if bool(apart <= rounding) else multiply(vectors)
