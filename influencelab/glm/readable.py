"""Wide rows in words: of each the features that are largest."""

import itertools

import numpy
import scipy.sparse

from influencelab.glm.rows import Matrix

# Features that are named of a row.
TERMS = 12


def largest_features(x: Matrix, names: tuple[str, ...], *, most: int = TERMS) -> tuple[str, ...]:
    """What is not 0 in each row, the largest first, by the names of the columns: `good 0.71, film 0.3`."""
    matrix, found = scipy.sparse.csr_array(x), []
    for first, last in itertools.pairwise(matrix.indptr):
        values, columns = matrix.data[first:last], matrix.indices[first:last]
        order = numpy.argsort(-numpy.abs(values), kind="stable")[:most]
        called = (names[place] if names else f"x{place}" for place in columns[order])
        found.append(", ".join(f"{name} {value:.2g}" for name, value in zip(called, values[order], strict=True)))
    return tuple(found)
