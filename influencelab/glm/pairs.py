"""Sums over each two entries of sparse rows: their Gram matrix, and quadratic forms."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy
from jaxtyping import Float, Int
from numpy import ndarray

# Entries that are gathered at once, and numbers of rows that are written out densely at once.
GATHERED, WRITTEN = 2**16, 2**18
# Two entries of a sparse row take the time of so many products of a dense one.
PAIR = 250


class Aligned(NamedTuple):
    """Rows of about as many entries, one a column.

    Attributes:
        rows: their places.
        columns: of each entry; 0 below the last of a row.
        values: of each entry; 0 below the last of a row.
    """

    rows: Int[ndarray, " b"]
    columns: Int[ndarray, "c b"]
    values: Float[ndarray, "c b"]


def aligned(x: Any) -> Iterator[Aligned]:
    """All rows of a CSR matrix that have entries, shorter ones first."""
    counts = numpy.diff(x.indptr)
    order = numpy.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    while len(order):
        some = order[: max(1, GATHERED // int(counts[order[0]]))]
        written = numpy.arange(1, len(some) + 1) * counts[some]
        some = some[: max(1, int(numpy.searchsorted(written, GATHERED, side="right")))]
        order = order[len(some) :]
        below = numpy.arange(int(counts[some[-1]]))[:, None]
        beyond = below >= counts[some]
        places = numpy.where(beyond, 0, x.indptr[some].astype(numpy.int64) + below)
        values = x.data[places].astype(float)
        values[beyond] = 0.0
        yield Aligned(some, numpy.where(beyond, 0, x.indices[places]).astype(numpy.int64), values)


def sparse_gram(x: Any, curvature: Float[ndarray, " b"]) -> Float[ndarray, "p p"]:
    """Xᵀ V X of sparse rows."""
    p = x.shape[1]
    if many(x):
        found = numpy.zeros((p, p))
        for first, last, each in dense(x):
            found += dense_gram(each, curvature[first:last])
        return found
    upper, diagonal = numpy.zeros(p * p), numpy.zeros(p)
    for rows, columns, values in aligned(x):
        bent, starts = values * curvature[rows], columns * p
        diagonal += numpy.bincount(columns.ravel(), (bent * values).ravel(), p)
        for apart in range(1, len(columns)):
            at, product = starts[:-apart] + columns[apart:], bent[:-apart] * values[apart:]
            numpy.add.at(upper, at.ravel(), product.ravel())
    # Each two entries were met once, in whatever order they stand.
    found = upper.reshape(p, p)
    found = found + found.T
    found.ravel()[:: p + 1] += diagonal
    return found


def sparse_forms(x: Any, matrix: Float[ndarray, "p p"]) -> Float[ndarray, " b"]:
    """xᵀ M x of sparse rows, M symmetric."""
    found = numpy.zeros(x.shape[0])
    if many(x):
        for first, last, each in dense(x):
            found[first:last] = numpy.einsum("bp,bp->b", each @ matrix, each)
        return found
    p, flat = len(matrix), numpy.ascontiguousarray(matrix).ravel()
    for rows, columns, values in aligned(x):
        starts, total = columns * p, flat[columns * (p + 1)] * values**2
        for apart in range(1, len(columns)):
            total[apart:] += 2 * values[apart:] * values[:-apart] * flat[starts[:-apart] + columns[apart:]]
        found[rows] = total.sum(0)
    return found


def many(x: Any) -> bool:
    """Whether rows have so many entries that dense products are faster."""
    return bool(PAIR * (numpy.diff(x.indptr).astype(float) ** 2).sum() > x.shape[0] * float(x.shape[1]) ** 2)


def dense(x: Any) -> Iterator[tuple[int, int, Float[ndarray, "b p"]]]:
    """Some rows at a time, written out, with the places of the first and the one after the last."""
    step = max(1, WRITTEN // x.shape[1])
    for first in range(0, x.shape[0], step):
        yield first, min(first + step, x.shape[0]), x[first : first + step].toarray().astype(float)


def dense_gram(x: Float[ndarray, "b p"], curvature: Float[ndarray, " b"]) -> Float[ndarray, "p p"]:
    """Xᵀ V X of dense rows."""
    # A root on each side makes it a product of one matrix with itself, which takes half the arithmetic.
    rooted = x * numpy.sqrt(numpy.maximum(curvature, 0))[:, None]
    found = rooted.T @ rooted
    if (curvature < 0).any():
        rooted = x * numpy.sqrt(numpy.maximum(-curvature, 0))[:, None]
        found -= rooted.T @ rooted
    return found
