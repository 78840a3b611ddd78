"""Two classes, or shares of trials that succeeded."""

from dataclasses import dataclass, field
from typing import Any

import numpy
from jaxtyping import Bool
from numpy import ndarray
from scipy.special import xlogy

from influencelab.glm.family import Family
from influencelab.glm.link import B, Link
from influencelab.glm.links.logit_link import LogitLink


@dataclass(frozen=True)
class Binomial(Family):
    """V(μ) = μ (1 − μ); a share of several trials has their number as its weight."""

    link: Link = field(default_factory=LogitLink)

    @property
    def ratio(self) -> float | None:
        """1 for the logit."""
        return 1.0 if isinstance(self.link, LogitLink) else None

    @property
    def fixed_dispersion(self) -> bool:
        """It is 1."""
        return True

    @property
    def separable(self) -> bool:
        """They do."""
        return True

    @property
    def range(self) -> str:
        """Shares."""
        return "numbers from 0 to 1: a class, or the share of trials that succeeded"

    def inside(self, y: B) -> Bool[ndarray, " b"]:
        """From 0 to 1."""
        return (y >= 0) & (y <= 1)

    def start(self, y: B) -> B:
        """Half way to one half."""
        return (y + 0.5) / 2

    def quantile(self, share: Any, mean: Any, spread: Any) -> Any:
        """Of one trial, or of as many as the weight says, to the next whole number."""
        from scipy.stats import binom  # takes a second to load, which fits need not wait for

        trials = numpy.maximum(numpy.round(1 / spread), 1)
        if (trials == 1).all():
            return (share > 1 - mean).astype(float)
        return binom.ppf(share, trials, mean) / trials

    def variance(self, mean: B) -> B:
        """μ (1 − μ)."""
        return mean * (1 - mean)

    def variance_slope(self, mean: B) -> B:
        """1 − 2 μ."""
        return 1 - 2 * mean

    def loss(self, y: B, predictor: B, mean: B) -> B:
        """y log(y / μ) + (1 − y) log((1 − y) / (1 − μ)); of log-odds without a difference that cancels."""
        least = xlogy(y, y) + xlogy(1 - y, 1 - y)
        if isinstance(self.link, LogitLink):
            return least + numpy.logaddexp(0, predictor) - y * predictor
        return least - xlogy(y, mean) - xlogy(1 - y, 1 - mean)
