"""The absolute error beyond a distance that counts for nothing, true or smoothed: the loss of support vectors."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss, other_labels, softplus
from influencelab.models.losses.hinge import LEAST
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class EpsilonInsensitive(OutputLoss):
    """ℓ = t log(1 + exp((r − epsilon) / t)) + t log(1 + exp((−r − epsilon) / t)) with r = z − y: two smooth hinges.

    As t falls to 0 this becomes max(0, |r| − epsilon), which has no second derivative; its curvature is 0 everywhere.

    Attributes:
        epsilon: the distance from a target that counts for nothing, in its unit.
        t: the width of the bends, in the same unit.
    """

    epsilon: float = 0.1
    t: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.epsilon < float("inf") and (self.t == 0 or LEAST <= self.t < float("inf"))):
            raise InvalidParameter(
                f"epsilon is {self.epsilon} and t {self.t}; expected finite numbers ≥ 0, t no smaller than {LEAST:g}."
            )

    @property
    def unit(self) -> str:
        """Of the targets."""
        return "units of y"

    @property
    def width(self) -> float:
        """Of the bends."""
        return self.t

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 0:
            raise other_labels(data, "this loss needs real targets: give y as floats, or classes=0.")
        return 1

    def values(self, z: KCB, y: Y) -> KB:
        """The loss of each point."""
        r = z.squeeze(-2) - y
        if self.t == 0:
            return (r.abs() - self.epsilon).relu()
        return self.t * (softplus((r - self.epsilon) / self.t) + softplus((-r - self.epsilon) / self.t))

    def gradients(self, z: KCB, y: Y) -> KCB:
        """σ((r − epsilon) / t) − σ((−r − epsilon) / t); the sign of r beyond epsilon, else 0, at t = 0."""
        r = z - y
        if self.t == 0:
            return r.sign() * (r.abs() > self.epsilon).to(z.dtype)
        return ((r - self.epsilon) / self.t).sigmoid() - ((-r - self.epsilon) / self.t).sigmoid()

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """A bell of width t about each bend, times v; 0 at t = 0."""
        if self.t == 0:
            return 0 * v
        over, under = (z - y - self.epsilon) / self.t, (y - z - self.epsilon) / self.t
        return (over.sigmoid() * (-over).sigmoid() + under.sigmoid() * (-under).sigmoid()) / self.t * v
