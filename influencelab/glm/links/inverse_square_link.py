"""The inverse square: η = 1 / μ²."""

from dataclasses import dataclass

import numpy

from influencelab.glm.link import B, Link


@dataclass(frozen=True)
class InverseSquareLink(Link):
    """η = 1 / μ², the canonical link of inverse Gaussian responses; μ > 0 asks for η > 0."""

    def predictor(self, mean: B) -> B:
        """1 / μ²."""
        return mean**-2.0

    def mean(self, predictor: B) -> B:
        """η^(−1/2); NaN where η ≤ 0."""
        return numpy.where(predictor > 0, predictor, numpy.nan) ** -0.5

    def slope(self, predictor: B) -> B:
        """−η^(−3/2) / 2."""
        return -0.5 * self.mean(predictor) ** 3

    def bend(self, predictor: B) -> B:
        """3 η^(−5/2) / 4."""
        return 0.75 * self.mean(predictor) ** 5
