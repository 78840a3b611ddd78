"""The identity: η = μ."""

from dataclasses import dataclass

import numpy

from influencelab.glm.link import B, Link


@dataclass(frozen=True)
class IdentityLink(Link):
    """η = μ, the usual link of Gaussian responses."""

    def predictor(self, mean: B) -> B:
        """The mean."""
        return mean

    def mean(self, predictor: B) -> B:
        """The predictor."""
        return predictor

    def slope(self, predictor: B) -> B:
        """1."""
        return numpy.ones_like(predictor)

    def bend(self, predictor: B) -> B:
        """0."""
        return numpy.zeros_like(predictor)
