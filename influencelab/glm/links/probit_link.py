"""The probit: η = Φ⁻¹(μ)."""

import math
from dataclasses import dataclass

import numpy
from scipy.special import ndtr, ndtri

from influencelab.glm.link import B, Link

ROOT = math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class ProbitLink(Link):
    """η = Φ⁻¹(μ), with Φ the distribution function of the normal."""

    def predictor(self, mean: B) -> B:
        """The normal quantile."""
        return ndtri(mean)

    def mean(self, predictor: B) -> B:
        """Φ(η)."""
        return ndtr(predictor)

    def slope(self, predictor: B) -> B:
        """The normal density."""
        return numpy.exp(-(predictor**2) / 2) / ROOT

    def bend(self, predictor: B) -> B:
        """−η times the normal density."""
        return -predictor * self.slope(predictor)
