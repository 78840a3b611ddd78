"""Gaussian responses: least squares."""

from dataclasses import dataclass, field
from typing import Any

import numpy
from jaxtyping import Bool
from numpy import ndarray
from scipy.special import ndtri

from influencelab.glm.family import Family
from influencelab.glm.link import B, Link
from influencelab.glm.links.identity_link import IdentityLink


@dataclass(frozen=True)
class Gaussian(Family):
    """V(μ) = 1; loss (y − μ)² / 2."""

    link: Link = field(default_factory=IdentityLink)

    @property
    def ratio(self) -> float | None:
        """1 for the identity."""
        return 1.0 if isinstance(self.link, IdentityLink) else None

    @property
    def fixed_dispersion(self) -> bool:
        """It is estimated."""
        return False

    @property
    def range(self) -> str:
        """All of them."""
        return "real numbers"

    def inside(self, y: B) -> Bool[ndarray, " b"]:
        """All that are finite."""
        return numpy.isfinite(y)

    def start(self, y: B) -> B:
        """The responses."""
        return y.astype(float)

    def quantile(self, share: Any, mean: Any, spread: Any) -> Any:
        """μ and so many standard deviations."""
        return mean + numpy.sqrt(spread) * ndtri(share)

    def variance(self, mean: B) -> B:
        """1."""
        return numpy.ones_like(mean)

    def variance_slope(self, mean: B) -> B:
        """0."""
        return numpy.zeros_like(mean)

    def loss(self, y: B, predictor: B, mean: B) -> B:
        """(y − μ)² / 2."""
        return (y - mean) ** 2 / 2
