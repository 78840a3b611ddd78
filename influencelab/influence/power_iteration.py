"""The largest eigenvalue of symmetric operators from products alone."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def largest_eigenvalues(
    multiply: Callable[[Tensor], Tensor], start: Float[Tensor, "r p"], *, tolerance: float = 1e-2, limit: int = 100
) -> Float[Tensor, " r"]:
    """The largest |eigenvalue| of r operators side by side, from below.

    Args:
        multiply: each operator times its own row.
        start: where each iteration starts; a random row sees every direction.
        tolerance: stop once no estimate rises by more than this part of itself in a step.
        limit: the largest number of products.
    """
    directions, sizes = start, start.new_zeros(len(start))
    for _ in range(limit):
        directions = torch.nn.functional.normalize(directions, dim=-1)
        directions, before = multiply(directions), sizes
        sizes = directions.norm(dim=-1)
        if bool((sizes - before <= tolerance * sizes).all()):
            break
    return sizes
