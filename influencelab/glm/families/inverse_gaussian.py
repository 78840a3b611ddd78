"""Positive responses whose spread grows faster than their mean."""

from dataclasses import dataclass, field
from typing import Any

import numpy
from jaxtyping import Bool
from numpy import ndarray

from influencelab.glm.family import Family
from influencelab.glm.link import B, Link
from influencelab.glm.links.inverse_square_link import InverseSquareLink


@dataclass(frozen=True)
class InverseGaussian(Family):
    """V(μ) = μ³."""

    link: Link = field(default_factory=InverseSquareLink)

    @property
    def ratio(self) -> float | None:
        """−1/2 for the inverse square."""
        return -0.5 if isinstance(self.link, InverseSquareLink) else None

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
        from scipy.stats import invgauss  # takes a second to load, which fits need not wait for

        return invgauss.ppf(share, mean * spread, scale=1 / spread)

    def variance(self, mean: B) -> B:
        """μ³."""
        return mean**3

    def variance_slope(self, mean: B) -> B:
        """3 μ²."""
        return 3 * mean**2

    def loss(self, y: B, predictor: B, mean: B) -> B:
        """(y − μ)² / (2 y μ²)."""
        return (y - mean) ** 2 / (2 * y * mean**2)
