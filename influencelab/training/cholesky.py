"""Cholesky factors, and systems solved by them, without a second copy of either."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

# Numbers of a matrix from which on none is made beside another that can be had without: 128 MB, of 4,096 parameters.
LARGE = 2**24


def factor_in_place(matrix: Float[Tensor, "p p"]) -> tuple[Float[Tensor, "p p"], Int[Tensor, ""]]:
    """The lower factor L of a symmetric matrix, L Lᵀ, written over it; and 0, or the order of the minor that fails.

    It is column by column in memory, as LAPACK works: that of a contiguous matrix is its transpose.
    """
    factor, fault = matrix.mT, torch.empty((), dtype=torch.int32, device=matrix.device)
    torch.linalg.cholesky_ex(factor, out=(factor, fault))
    return factor, fault


def solve(factor: Float[Tensor, "*k p p"], vectors: Float[Tensor, "*k p m"]) -> Float[Tensor, "*k p m"]:
    """(L Lᵀ)⁻¹ times each column. torch.cholesky_solve would copy L, which may be most of what memory holds."""
    half = torch.linalg.solve_triangular(factor, vectors, upper=False)
    return torch.linalg.solve_triangular(factor.mT, half, upper=True)
