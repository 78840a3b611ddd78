"""Independent normal numbers."""

from dataclasses import dataclass

import numpy
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri

from influencelab.glm.projection import Projection, hashed, uniform


@dataclass(frozen=True)
class GaussianProjection(Projection):
    """Every number of Ω is standard normal, as Wojnowicz et al. (2016) have it."""

    def rows(self, first: int, count: int) -> Float[ndarray, "count k"]:
        """Normal quantiles of hashed numbers."""
        places = numpy.arange(first, first + count)[:, None]
        return ndtri(uniform(hashed(self.seed, places, numpy.arange(self.k)[None])))
