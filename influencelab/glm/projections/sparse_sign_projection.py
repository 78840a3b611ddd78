"""A few signs in each row."""

from dataclasses import dataclass

import numpy
import scipy.sparse

from influencelab.errors import InvalidParameter
from influencelab.glm.projection import Projection, hashed


@dataclass(frozen=True)
class SparseSignProjection(Projection):
    """Each feature goes to a few columns of Ω, with a random sign each: as exact as normal numbers, and far cheaper.

    Columns are drawn one from each of `signs` blocks of equal width (Kane and Nelson 2014).

    Attributes:
        signs: numbers in a row of Ω.
    """

    signs: int = 8

    def __post_init__(self) -> None:
        if not (1 <= self.signs <= self.k and self.seed >= 0):
            raise InvalidParameter(f"signs is {self.signs} of k {self.k}, expected 1 … k; and seed {self.seed} ≥ 0.")

    def rows(self, first: int, count: int) -> scipy.sparse.csr_array:
        """Places and signs from one hash a number."""
        block, edges = numpy.arange(self.signs), numpy.linspace(0, self.k, self.signs + 1).astype(numpy.int64)
        bits = hashed(self.seed, numpy.arange(first, first + count)[:, None], block[None])
        width = numpy.diff(edges)
        columns = edges[:-1] + ((bits >> numpy.uint64(1)) % width.astype(numpy.uint64)).astype(numpy.int64)
        signs = numpy.where((bits & numpy.uint64(1)).astype(bool), 1.0, -1.0) * numpy.sqrt(self.k / self.signs)
        ends = numpy.arange(0, count * self.signs + 1, self.signs)
        return scipy.sparse.csr_array((signs.ravel(), columns.ravel(), ends), shape=(count, self.k))
