"""One sign in each row: CountSketch."""

from dataclasses import dataclass

import numpy
import scipy.sparse

from influencelab.glm.projection import Projection, hashed


@dataclass(frozen=True)
class CountSketchProjection(Projection):
    """Each feature goes to one column of Ω, with a random sign (Charikar, Chen and Farach-Colton 2002)."""

    @property
    def numbers(self) -> int:
        """One."""
        return 1

    def rows(self, first: int, count: int) -> scipy.sparse.csr_array:
        """Place and sign from one hash a feature."""
        bits = hashed(self.seed, numpy.arange(first, first + count))
        columns = ((bits >> numpy.uint64(1)) % numpy.uint64(self.k)).astype(numpy.int64)
        signs = numpy.where((bits & numpy.uint64(1)).astype(bool), 1.0, -1.0) * numpy.sqrt(self.k)
        return scipy.sparse.csr_array((signs, columns, numpy.arange(count + 1)), shape=(count, self.k))
