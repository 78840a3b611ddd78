"""Counts."""

from dataclasses import dataclass, field
from typing import Any

import numpy
from jaxtyping import Bool
from numpy import ndarray
from scipy.special import xlogy

from influencelab.glm.family import Family
from influencelab.glm.link import B, Link
from influencelab.glm.links.log_link import LogLink

# Means up to which it is faster to add up the chances of 0, 1, … than to invert their sum.
COUNTED = 100


@dataclass(frozen=True)
class Poisson(Family):
    """V(μ) = μ."""

    link: Link = field(default_factory=LogLink)

    @property
    def ratio(self) -> float | None:
        """1 for the logarithm."""
        return 1.0 if isinstance(self.link, LogLink) else None

    @property
    def fixed_dispersion(self) -> bool:
        """It is 1."""
        return True

    @property
    def range(self) -> str:
        """Counts, and what counts per exposure are."""
        return "numbers ≥ 0"

    def inside(self, y: B) -> Bool[ndarray, " b"]:
        """From 0 on."""
        return (y >= 0) & numpy.isfinite(y)

    def start(self, y: B) -> B:
        """Half way to the mean."""
        return (y + numpy.maximum(y.mean(), 1e-3)) / 2

    def quantile(self, share: Any, mean: Any, spread: Any) -> Any:
        """Of the number of events in so much time as the weight says, a unit of it."""
        rate = mean / spread
        if numpy.max(rate) > COUNTED:
            from scipy.stats import poisson  # takes a second to load, which fits need not wait for

            return poisson.ppf(share, rate) * spread
        chance = numpy.exp(-rate)
        total, found = chance.copy(), numpy.zeros(numpy.broadcast_shapes(numpy.shape(share), numpy.shape(rate)))
        for count in range(1, 10 * COUNTED):
            more = share > total
            if not more.any():
                break
            found += more
            chance = chance * rate / count
            total = total + chance
        return found * spread

    def variance(self, mean: B) -> B:
        """μ."""
        return mean

    def variance_slope(self, mean: B) -> B:
        """1."""
        return numpy.ones_like(mean)

    def loss(self, y: B, predictor: B, mean: B) -> B:
        """y log(y / μ) − (y − μ)."""
        return xlogy(y, y) - xlogy(y, mean) - (y - mean)
