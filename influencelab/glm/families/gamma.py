"""Positive responses whose spread grows as their mean."""

from dataclasses import dataclass, field
from typing import Any

import numpy
from jaxtyping import Bool
from numpy import ndarray
from scipy.special import gammaincinv

from influencelab.glm.family import Family
from influencelab.glm.link import B, Link
from influencelab.glm.links.inverse_link import InverseLink


@dataclass(frozen=True)
class Gamma(Family):
    """V(μ) = μ²."""

    link: Link = field(default_factory=InverseLink)

    @property
    def ratio(self) -> float | None:
        """−1 for the inverse."""
        return -1.0 if isinstance(self.link, InverseLink) else None

    @property
    def fixed_dispersion(self) -> bool:
        """It is estimated."""
        return False

    @property
    def range(self) -> str:
        """Positive ones."""
        return "numbers > 0"

    def inside(self, y: B) -> Bool[ndarray, " b"]:
        """Above 0."""
        return (y > 0) & numpy.isfinite(y)

    def start(self, y: B) -> B:
        """Half way to the mean."""
        return (y + y.mean()) / 2

    def quantile(self, share: Any, mean: Any, spread: Any) -> Any:
        """Of shape 1 / spread."""
        return gammaincinv(1 / spread, share) * mean * spread

    def variance(self, mean: B) -> B:
        """μ²."""
        return mean**2

    def variance_slope(self, mean: B) -> B:
        """2 μ."""
        return 2 * mean

    def loss(self, y: B, predictor: B, mean: B) -> B:
        """(y − μ) / μ − log(y / μ)."""
        return (y - mean) / mean - numpy.log(y / mean)
