"""Half the Tweedie deviance of one real output: Poisson, gamma and their relatives."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.loss import OutputLoss, other_labels
from influencelab.models.shapes import CB, KB, KCB, Y

LINKS = ("log", "identity", "inverse", "inverse_squared")
# μ = z to this power.
POWERS = {"identity": 1.0, "inverse": -1.0, "inverse_squared": -0.5}


@dataclass(frozen=True)
class TweedieDeviance(OutputLoss):
    """ℓ = ∫ (m − y) m^(−power) dm from y to the predicted mean μ: 0 where μ = y, whatever the power.

    Power 0 is half the squared error, 1 Poisson (minus its log-likelihood in nats, up to a constant), 2 gamma, 3 the
    inverse Gaussian; between 1 and 2 a sum of a Poisson number of gammas.

    Attributes:
        power: of the mean, to which the variance is proportional.
        link: `log`, where μ = exp z; `identity`, where μ = z; `inverse`, μ = 1 / z; `inverse_squared`, μ = z^(−½).
    """

    power: float = 1.0
    link: str = "log"

    def __post_init__(self) -> None:
        if self.link not in LINKS or 0 < self.power < 1 or not abs(self.power) < float("inf"):
            raise InvalidParameter(
                f"link is '{self.link}' and power {self.power}; expected one of {', '.join(LINKS)}, and a finite "
                "number that is not between 0 and 1."
            )

    @property
    def unit(self) -> str:
        """Nats of a Poisson; else half a deviance, which is nats only where the dispersion is 1."""
        return "nats" if self.power == 1 else "half deviance"

    @property
    def width(self) -> float:
        """Of the log link, by the powers of the mean in its curvature; near 0 those of powers bend at once."""
        if self.link == "log":
            return 1 / max(abs(2 - self.power), abs(1 - self.power))
        return float("inf") if self.link == "identity" and not self.power else 0.0

    @property
    def convex(self) -> bool:
        """Of the log link from Poisson to gamma; of the identity for squares and counts; of other canonical links."""
        if self.link == "log":
            return 1 <= self.power <= 2
        return self.power in {"identity": (0, 1), "inverse": (2,), "inverse_squared": (3,)}[self.link]

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 0:
            raise other_labels(data, "a deviance needs real targets: give y as floats, or classes=0.")
        lowest = min(float(data.y_train.min()), float(data.y_test.min()))
        if (self.power >= 2 and lowest <= 0) or (self.power >= 1 and lowest < 0):
            least = "above 0" if self.power >= 2 else "of at least 0"
            raise InvalidData(
                f"{data.name} has a target of {lowest:g}; the deviance of power {self.power:g} needs targets {least}."
            )
        return 1

    def mean(self, z: KCB) -> KCB:
        """μ; NaN where an output stands for no mean of such targets, so that the loss is infinite."""
        if self.link == "log":
            return z.exp()
        if self.link == "identity":
            return z if self.power == 0 else z.where(z > 0, torch.nan)
        return z.where(z > 0, torch.nan) ** POWERS[self.link]

    def values(self, z: KCB, y: Y) -> KB:
        """Half the deviance."""
        mean, p = self.mean(z).squeeze(-2), self.power
        if p == 0:
            return (mean - y).square() / 2
        if p == 1:
            found = torch.xlogy(y, y) - y * mean.log() - y + mean
        elif p == 2:
            found = y / mean - (y / mean).log() - 1
        else:
            own = y.clamp_min(0) ** (2 - p) / ((1 - p) * (2 - p))
            found = own - y * mean ** (1 - p) / (1 - p) + mean ** (2 - p) / (2 - p)
        return found.nan_to_num(nan=torch.inf)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """(μ − y) μ^(−power) times dμ/dz."""
        mean = self.mean(z)
        found = (mean - y) * mean ** (-self.power + (self.link != "identity"))
        return found if self.link in ("log", "identity") else POWERS[self.link] * found / z

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """Curvature times v."""
        return self.curvatures(z, y) * v

    def curvatures(self, z: CB, y: Y) -> Float[Tensor, "1 b"]:
        """∂²ℓ/∂z²; negative for some points where the loss is not convex."""
        mean, p = self.mean(z), self.power
        if self.link == "log":
            return ((2 - p) * mean - (1 - p) * y) * mean ** (1 - p)
        if self.link == "identity":
            return ((1 - p) * mean + p * y) * mean ** (-p - 1)
        k = POWERS[self.link]
        return k * mean ** (1 - p) / z**2 * ((k * (2 - p) - 1) * mean - (k * (1 - p) - 1) * y)
