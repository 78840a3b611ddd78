"""The inverse: η = 1 / μ."""

from dataclasses import dataclass

import numpy

from influencelab.glm.link import B, Link


@dataclass(frozen=True)
class InverseLink(Link):
    """η = 1 / μ, the canonical link of Gamma responses; μ > 0 asks for η > 0."""

    def predictor(self, mean: B) -> B:
        """1 / μ."""
        return 1 / mean

    def mean(self, predictor: B) -> B:
        """1 / η; NaN where η ≤ 0."""
        return 1 / numpy.where(predictor > 0, predictor, numpy.nan)

    def slope(self, predictor: B) -> B:
        """−1 / η²."""
        return -(self.mean(predictor) ** 2)

    def bend(self, predictor: B) -> B:
        """2 / η³."""
        return 2 * self.mean(predictor) ** 3
