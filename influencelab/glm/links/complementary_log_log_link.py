"""The complementary log-log: η = log(−log(1 − μ))."""

from dataclasses import dataclass

import numpy

from influencelab.glm.link import B, Link


@dataclass(frozen=True)
class ComplementaryLogLogLink(Link):
    """η = log(−log(1 − μ)), of the share that a Poisson count is above 0."""

    def predictor(self, mean: B) -> B:
        """log(−log(1 − μ))."""
        return numpy.log(-numpy.log1p(-mean))

    def mean(self, predictor: B) -> B:
        """1 − exp(−exp η)."""
        return -numpy.expm1(-numpy.exp(predictor))

    def slope(self, predictor: B) -> B:
        """exp(η − exp η)."""
        return numpy.exp(predictor - numpy.exp(predictor))

    def bend(self, predictor: B) -> B:
        """exp(η − exp η) (1 − exp η)."""
        return self.slope(predictor) * -numpy.expm1(predictor)
