"""Leverage of every row, exactly: vᵢ xᵢᵀ (XᵀVX + W λP)⁻¹ xᵢ, two passes over the rows."""

from collections.abc import Callable

import numpy
import scipy.linalg
from numpy import ndarray

from influencelab.glm.link import B
from influencelab.glm.objective import PP, P
from influencelab.glm.rows import Matrix

# Numbers that are gathered at once.
GATHERED = 2**22
# A product with a dense matrix takes this share of the time of as many numbers gathered.
DENSE = 0.25


def forms(factor: tuple[P, PP]) -> Callable[[Matrix], B]:
    """The function that gives xᵀ M⁻¹ x of some rows, M the matrix of this factor."""
    units, lower = factor
    inverse: list[PP] = []

    def of(x: Matrix) -> B:
        if isinstance(x, ndarray):
            half = scipy.linalg.solve_triangular(lower, (x * units).T, lower=True, check_finite=False)
            return numpy.einsum("pb,pb->b", half, half)
        if not inverse:
            whole = scipy.linalg.cho_solve((lower, True), numpy.eye(len(units)), check_finite=False)
            inverse.append(units[:, None] * whole * units)
        return sparse_forms(x, inverse[0])

    return of


def sparse_forms(x: Matrix, matrix: PP) -> B:
    """xᵀ M x of sparse rows: from the entries of M at each two of their features, or from X M where these are many."""
    counts = numpy.diff(x.indptr)
    if (counts.astype(float) ** 2).sum() > DENSE * x.nnz * len(matrix):
        step = max(1, GATHERED // len(matrix))
        parts = [x[first : first + step] for first in range(0, x.shape[0], step)]
        return numpy.concatenate([numpy.asarray(each.multiply(each @ matrix).sum(axis=1)).ravel() for each in parts])
    found = numpy.zeros(x.shape[0])
    for count in numpy.unique(counts[counts > 0]).tolist():
        rows = numpy.flatnonzero(counts == count)
        step = max(1, GATHERED // count**2)
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            places = x.indptr[some][:, None] + numpy.arange(count)
            columns, values = x.indices[places], x.data[places].astype(float)
            pairs = matrix[columns[:, :, None], columns[:, None, :]]
            found[some] = numpy.einsum("bi,bij,bj->b", values, pairs, values, optimize=True)
    return found
