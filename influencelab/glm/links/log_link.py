"""The logarithm: η = log μ."""

from dataclasses import dataclass

import numpy

from influencelab.glm.link import B, Link


@dataclass(frozen=True)
class LogLink(Link):
    """η = log μ, the usual link of counts."""

    def predictor(self, mean: B) -> B:
        """log μ."""
        return numpy.log(mean)

    def mean(self, predictor: B) -> B:
        """exp η."""
        return numpy.exp(predictor)

    def slope(self, predictor: B) -> B:
        """exp η."""
        return numpy.exp(predictor)

    def bend(self, predictor: B) -> B:
        """exp η."""
        return numpy.exp(predictor)
