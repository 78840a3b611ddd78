"""The square root: η = √μ."""

from dataclasses import dataclass

import numpy

from influencelab.glm.link import B, Link


@dataclass(frozen=True)
class SquareRootLink(Link):
    """η = √μ, which makes counts vary alike."""

    def predictor(self, mean: B) -> B:
        """√μ."""
        return numpy.sqrt(mean)

    def mean(self, predictor: B) -> B:
        """η²; NaN where η < 0."""
        return numpy.where(predictor >= 0, predictor, numpy.nan) ** 2

    def slope(self, predictor: B) -> B:
        """2 η."""
        return 2 * predictor

    def bend(self, predictor: B) -> B:
        """2."""
        return numpy.full_like(predictor, 2.0)
