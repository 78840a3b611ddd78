"""Conjugate gradients for several right-hand sides at once, in units of a diagonal."""

from collections.abc import Callable
from typing import NamedTuple

import numpy
from jaxtyping import Float
from numpy import ndarray

PK = Float[ndarray, "p k"]


class Solved(NamedTuple):
    """What x was found to M x = b.

    Attributes:
        solution: of each right-hand side.
        residual: √(rᵀ D⁻¹ r / bᵀ D⁻¹ b) of each, r = b − M x and D the diagonal of M.
        products: how many there were.
    """

    solution: PK
    residual: Float[ndarray, " k"]
    products: int


def conjugate_gradients(
    product: Callable[[PK], PK],
    diagonal: Float[ndarray, " p"],
    right: PK,
    *,
    tolerance: float,
    most: int,
    progress: Callable[[int, float], None] = lambda products, residual: None,
) -> Solved:
    """Solve M x = b for a positive definite M that is known by its products and its diagonal.

    Each column has its own search directions, and is left alone once it has arrived.

    Args:
        product: M times some columns.
        diagonal: of M; where it is 0, so is M's row.
        right: b, one a column.
        tolerance: of the residual.
        most: products.
        progress: told the number of products and the largest residual after each.
    """
    ease = 1 / numpy.where(diagonal > 0, diagonal, 1.0)[:, None]
    solution, residual = numpy.zeros_like(right), right.copy()
    ahead = ease * residual
    size = first = numpy.einsum("pk,pk->k", residual, ahead)
    on, products = numpy.flatnonzero(first > 0), 0
    while len(on) and products < most:
        along = ahead[:, on]
        curved = product(along)
        products += 1
        bend = numpy.einsum("pk,pk->k", along, curved)
        length = numpy.divide(size[on], bend, out=numpy.zeros_like(bend), where=bend > 0)
        solution[:, on] += length * along
        residual[:, on] -= length * curved
        eased = ease * residual[:, on]
        before, size = size, size.copy()
        size[on] = numpy.einsum("pk,pk->k", residual[:, on], eased)
        ahead[:, on] = eased + size[on] / before[on] * along
        left = numpy.sqrt(size[on] / first[on])
        progress(products, float(left.max()))
        on = on[(left > tolerance) & (bend > 0)]
    return Solved(solution, numpy.sqrt(size / numpy.where(first > 0, first, 1.0)), products)
