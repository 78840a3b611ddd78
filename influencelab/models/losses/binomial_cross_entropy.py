"""Cross-entropy of a share of successes with one output, by any of three links."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.loss import OutputLoss, softplus
from influencelab.models.shapes import CB, KB, KCB, Y

LINKS = ("logit", "probit", "cloglog")
ROOT = math.sqrt(2)


@dataclass(frozen=True)
class BinomialCrossEntropy(OutputLoss):
    """ℓ = −y log π − (1 − y) log(1 − π) of the probability π that z gives, in nats a trial; y in 0 … 1, or a class.

    Minus the log-likelihood, a trial, of a share y of successes; a weight of the point says how many trials.

    Attributes:
        link: `logit`, π = σ(z); `probit`, π = Φ(z); `cloglog`, π = 1 − exp(−exp z).
    """

    link: str = "logit"

    def __post_init__(self) -> None:
        if self.link not in LINKS:
            raise InvalidParameter(f"link is '{self.link}', expected one of {', '.join(LINKS)}.")

    @property
    def width(self) -> float:
        """The tails of the others bend faster than any exponential."""
        return 1.0 if self.link == "logit" else 0.0

    def size(self, data: Dataset) -> int:
        """One output."""
        both = torch.cat([data.y_train, data.y_test]).double()
        low, high = float(both.min()), float(both.max())
        if data.classes not in (0, 2) or low < 0 or high > 1:
            raise InvalidData(
                f"{data.name} has labels from {low:g} to {high:g}; a share of successes needs 0 … 1. Divide counts by "
                "the number of trials, and give that as the point's weight."
            )
        return 1

    def mean(self, z: KCB) -> KCB:
        """π."""
        return self.logs(z)[0].exp()

    def logs(self, z: KCB) -> tuple[KCB, KCB]:
        """log π and log(1 − π)."""
        if self.link == "logit":
            return -softplus(-z), -softplus(z)
        if self.link == "probit":
            return log_normal(z), log_normal(-z)
        u = z.exp()
        return torch.where(u < 1, (-torch.expm1(-u)).log(), torch.log1p(-(-u).exp())), -u

    def values(self, z: KCB, y: Y) -> KB:
        """Both terms; what has no share costs nothing, however unlikely."""
        success, failure = (each.squeeze(-2) for each in self.logs(z))
        share = y.to(z.dtype)
        return -(share * success).where(share > 0, 0.0) - ((1 - share) * failure).where(share < 1, 0.0)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """(1 − y) b − y a, with a and b the slopes of log π and of −log(1 − π)."""
        return self.mixed(y, *self.slopes(z))

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """Curvature times v."""
        return self.bends(z, y) * v

    def mixed(self, y: Y, success: Tensor, failure: Tensor) -> Tensor:
        """(1 − y) failure − y success."""
        share = y.to(success.dtype)
        return (1 - share) * failure - share * success

    def slopes(self, z: KCB) -> tuple[KCB, KCB]:
        """∂ log π/∂z and −∂ log(1 − π)/∂z, both above 0."""
        if self.link == "logit":
            return (-z).sigmoid(), z.sigmoid()
        if self.link == "probit":
            return mills(z), mills(-z)
        u = z.exp()
        return u / torch.expm1(u), u

    def bends(self, z: CB, y: Y) -> Float[Tensor, "1 b"]:
        """∂²ℓ/∂z² ≥ 0."""
        success, failure = self.slopes(z)
        if self.link == "logit":
            return success * failure
        if self.link == "probit":
            return self.mixed(y, -success * (success + z), failure * (failure - z))
        u = failure
        return self.mixed(y, -success * (u / -torch.expm1(-u) - 1), failure)


def log_normal(z: Tensor) -> Tensor:
    """log Φ(z), to the last digit in both tails; torch's own does not batch."""
    low, high = z.clamp(max=0) / -ROOT, z.clamp(min=0) / ROOT
    below = (torch.special.erfcx(low) / 2).log() - low.square()
    return torch.where(z < 0, below, torch.log1p(-torch.erfc(high) / 2))


def mills(z: Tensor) -> Tensor:
    """φ(z) / Φ(z), to the last digit in both tails."""
    return (-z.square() / 2 - log_normal(z) - math.log(2 * math.pi) / 2).exp()
