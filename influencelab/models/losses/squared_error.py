"""Half the squared error of one real output."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss, other_labels
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class SquaredError(OutputLoss):
    """ℓ = ½ (z − y)², in half the squared unit of the targets: nats only where their noise has variance 1."""

    @property
    def unit(self) -> str:
        """Of the targets, squared and halved."""
        return "squared units of y / 2"

    @property
    def width(self) -> float:
        """Curvature is 1 everywhere."""
        return float("inf")

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 0:
            raise other_labels(data, "squared error needs real targets: give y as floats, or classes=0.")
        return 1

    def mean(self, z: KCB) -> KCB:
        """z."""
        return z

    def values(self, z: KCB, y: Y) -> KB:
        """½ (z − y)²."""
        return (z.squeeze(-2) - y).square() / 2

    def gradients(self, z: KCB, y: Y) -> KCB:
        """z − y."""
        return z - y

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """v: the curvature is 1 everywhere."""
        return v.clone()
