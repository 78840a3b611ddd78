"""Counts whose spread is wider than Poisson's."""

from dataclasses import dataclass, field
from typing import Any

import numpy
from jaxtyping import Bool
from numpy import ndarray
from scipy.special import xlogy

from influencelab.errors import InvalidParameter
from influencelab.glm.family import Family
from influencelab.glm.link import B, Link
from influencelab.glm.links.log_link import LogLink


@dataclass(frozen=True)
class NegativeBinomial(Family):
    """V(μ) = μ + α μ², with α given: it is not estimated.

    Attributes:
        alpha: α > 0; 0 would be Poisson.
    """

    link: Link = field(default_factory=LogLink)
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < float("inf"):
            raise InvalidParameter(f"alpha is {self.alpha}, expected a finite number > 0. Take Poisson() for 0.")

    @property
    def ratio(self) -> float | None:
        """None: the canonical link is none of these."""
        return None

    @property
    def fixed_dispersion(self) -> bool:
        """It is 1."""
        return True

    @property
    def range(self) -> str:
        """Counts."""
        return "numbers ≥ 0"

    def inside(self, y: B) -> Bool[ndarray, " b"]:
        """From 0 on."""
        return (y >= 0) & numpy.isfinite(y)

    def start(self, y: B) -> B:
        """Half way to the mean."""
        return (y + numpy.maximum(y.mean(), 1e-3)) / 2

    def quantile(self, share: Any, mean: Any, spread: Any) -> Any:
        """Of the sum of as many counts as the weight says, a count of these."""
        from scipy.stats import nbinom  # takes a second to load, which fits need not wait for

        size = 1 / (self.alpha * spread)
        return nbinom.ppf(share, size, size / (size + mean / spread)) * spread

    def variance(self, mean: B) -> B:
        """μ + α μ²."""
        return mean + self.alpha * mean**2

    def variance_slope(self, mean: B) -> B:
        """1 + 2 α μ."""
        return 1 + 2 * self.alpha * mean

    def loss(self, y: B, predictor: B, mean: B) -> B:
        """y log(y / μ) − (y + 1/α) log((1 + α y) / (1 + α μ))."""
        wider = (y + 1 / self.alpha) * (numpy.log1p(self.alpha * y) - numpy.log1p(self.alpha * mean))
        return xlogy(y, y) - xlogy(y, mean) - wider
