"""Families: how a response varies about its mean, and what a row adds to the loss, its slope and its curvature."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy
from jaxtyping import Bool
from numpy import ndarray

from influencelab.glm.link import B, Link
from influencelab.recipe import Recipe, default


class Working(NamedTuple):
    """What each row adds at its linear predictor η, at dispersion 1 and weight 1.

    Attributes:
        loss: half its unit deviance, in nats: what minus its log-likelihood is above the least it could be.
        score: −∂loss/∂η, (y − μ) μ′ / V(μ).
        expected: the mean of ∂²loss/∂η² over responses, μ′² / V(μ), of which IRLS is made.
        observed: ∂²loss/∂η² itself; the same for a canonical link.
        pearson: (y − μ) / √V(μ).
    """

    loss: B
    score: B
    expected: B
    observed: B
    pearson: B


@dataclass(frozen=True)
class Family(Recipe):
    """A recipe for the distribution of responses, an exponential family with dispersion, and its link.

    Attributes:
        link: of the mean.
    """

    link: Link

    @property
    @abstractmethod
    def ratio(self) -> float | None:
        """μ′ / V(μ), where it is a constant, as under the canonical link and its multiples; else None."""

    @property
    @abstractmethod
    def fixed_dispersion(self) -> bool:
        """Whether the dispersion is 1 by the family's definition; others are estimated."""

    @property
    @abstractmethod
    def range(self) -> str:
        """Which responses there are, in words."""

    @abstractmethod
    def inside(self, y: B) -> Bool[ndarray, " b"]:
        """Which responses are possible."""

    @abstractmethod
    def start(self, y: B) -> B:
        """Means to start from, inside the range of means."""

    @abstractmethod
    def variance(self, mean: B) -> B:
        """V(μ), the variance of a response at dispersion 1."""

    @abstractmethod
    def variance_slope(self, mean: B) -> B:
        """∂V/∂μ."""

    @abstractmethod
    def loss(self, y: B, predictor: B, mean: B) -> B:
        """Half the unit deviance of each row."""

    @abstractmethod
    def quantile(self, share: Any, mean: Any, spread: Any) -> Any:
        """The response that a share of all do not exceed, of this mean and dispersion φ / w; arrays that broadcast."""

    @property
    @default
    def separable(self) -> bool:
        """Whether losses fall for ever along coefficients that put every class on its own side of 0; most do not."""
        return False

    @default
    def working(self, y: B, predictor: B) -> Working:
        """Loss, slope and curvature of each row; loss is infinite where no mean has this predictor."""
        mean, constant = self.link.mean(predictor), self.ratio
        with numpy.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slope, residual = self.link.slope(predictor), y - mean
            # Where μ is 1 to the last digit V(μ) is 0, and quotients with it would be 0 / 0.
            variance = self.variance(mean) if constant is None else slope / constant
            ratio = slope / variance if constant is None else numpy.full_like(slope, constant)
            turned = 0.0
            if constant is None:
                turned = self.link.bend(predictor) / variance - ratio**2 * self.variance_slope(mean)
            loss = self.loss(y, predictor, mean)
            return Working(
                loss=numpy.where(numpy.isnan(mean) | numpy.isnan(loss), numpy.inf, loss),
                score=residual * ratio,
                expected=slope * ratio,
                observed=slope * ratio - residual * turned,
                pearson=numpy.where(residual == 0, 0.0, residual / numpy.sqrt(variance)),
            )
