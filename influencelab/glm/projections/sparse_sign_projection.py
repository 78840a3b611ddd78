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
        signs: numbers in a row of Ω; all k where that is fewer.
    """

    signs: int = 8

    def __post_init__(self) -> None:
        if self.k < 1 or self.signs < 1 or self.seed < 0:
            raise InvalidParameter(
                f"k is {self.k}, signs {self.signs} and seed {self.seed}; expected k ≥ 1, signs ≥ 1 and seed ≥ 0."
            )

    @property
    def numbers(self) -> int:
        """As many as signs."""
        return min(self.signs, self.k)

    def rows(self, first: int, count: int) -> scipy.sparse.csr_array:
        """Places and signs from one hash a number."""
        signs = self.numbers
        block, edges = numpy.arange(signs), numpy.linspace(0, self.k, signs + 1).astype(numpy.int64)
        bits = hashed(self.seed, numpy.arange(first, first + count)[:, None], block[None])
        width = numpy.diff(edges)
        columns = edges[:-1] + ((bits >> numpy.uint64(1)) % width.astype(numpy.uint64)).astype(numpy.int64)
        values = numpy.where((bits & numpy.uint64(1)).astype(bool), 1.0, -1.0) * numpy.sqrt(self.k / signs)
        ends = numpy.arange(0, count * signs + 1, signs)
        return scipy.sparse.csr_array((values.ravel(), columns.ravel(), ends), shape=(count, self.k))
