"""Sums over xᵢ xᵢᵀ, and forms xᵢᵀ M xᵢ, of many matrices at once, by the products of each two features of each point.

Both sides are symmetric: half of the products do, and one product of large matrices takes all of them.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.models.loss_derivatives import slices

# Numbers in the products of some points, and in those of all matrices: beyond, other ways hold less.
PRODUCTS, MATRICES = 2**20, 2**21
# Features up to which products of each two are worth it, and matrices from which on.
NARROW, SEVERAL = 128, 3


def worth(count: int, width: int) -> bool:
    """Whether so many matrices of this width are found faster so."""
    return count >= SEVERAL and width <= NARROW and count * width * width <= MATRICES


def products(x: Float[Tensor, "b d"]) -> Iterator[tuple[slice, Float[Tensor, "q some"]]]:
    """x[i, j] x[i, k] for j ≤ k of some points i after the other; do not keep them."""
    width = x.shape[1]
    count = width * (width + 1) // 2
    step = max(1, PRODUCTS // count)
    room = x.new_empty(count, min(step, len(x)))
    for rows in slices(len(x), step):
        columns = x[rows].T.contiguous()
        found, first = room[:, : columns.shape[1]], 0
        for j in range(width):
            torch.mul(columns[j], columns[j:], out=found[first : first + width - j])
            first += width - j
        yield rows, found


def sums(weights: Float[Tensor, "r b"], x: Float[Tensor, "b d"]) -> Float[Tensor, "r d d"]:
    """Σᵢ weights[r, i] xᵢ xᵢᵀ."""
    width = x.shape[1]
    total = x.new_zeros(len(weights), width * (width + 1) // 2)
    for rows, found in products(x):
        total.addmm_(weights[:, rows], found.T)
    return total[:, places(width).to(x.device)].unflatten(1, (width, width))


def forms(matrices: Float[Tensor, "r d d"], x: Float[Tensor, "b d"]) -> Float[Tensor, "b r"]:
    """xᵢᵀ M xᵢ of each matrix, symmetric or not."""
    j, k = torch.triu_indices(x.shape[1], x.shape[1], device=x.device)
    twice = matrices[:, j, k] + matrices[:, k, j].where(j < k, 0.0)
    return torch.cat([found.T @ twice.T for _, found in products(x)])


def places(width: int) -> Tensor:
    """Where each entry of a symmetric matrix, row by row, is among those of its upper half."""
    found = torch.empty(width, width, dtype=torch.int64)
    j, k = torch.triu_indices(width, width)
    found[j, k] = found[k, j] = torch.arange(len(j))
    return found.flatten()
