"""Half the squared error beyond a distance that counts for nothing, or of that the part up to a cut: Huber's loss."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss, other_labels
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class InsensitiveSquaredError(OutputLoss):
    """ℓ = ½ h² with h = max(0, |y − z| − epsilon); beyond the cut a line.

    Attributes:
        epsilon: the distance from a target that counts for nothing, in its unit; 0 for Huber's loss.
        cut: the h from which on the loss grows in proportion; infinity for none.
    """

    epsilon: float = 0.0
    cut: float = float("inf")

    def __post_init__(self) -> None:
        if not (0 <= self.epsilon < float("inf") and self.cut > 0):
            raise InvalidParameter(
                f"epsilon is {self.epsilon} and cut {self.cut}; expected a finite epsilon ≥ 0 and a cut above 0."
            )

    @property
    def unit(self) -> str:
        """Of the targets, squared and halved."""
        return "squared units of y / 2"

    @property
    def width(self) -> float:
        """Curvature begins and ends at once."""
        return 0.0

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 0:
            raise other_labels(data, "squared error needs real targets: give y as floats, or classes=0.")
        return 1

    def values(self, z: KCB, y: Y) -> KB:
        """½ h² up to the cut, and cut (h − cut / 2) beyond."""
        far = ((z.squeeze(-2) - y).abs() - self.epsilon).relu()
        near = far.clamp_max(self.cut)
        return near * (far - near / 2)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """h, at most the cut, with the sign of z − y."""
        return (z - y).sign() * ((z - y).abs() - self.epsilon).clamp(0, self.cut)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """v where 0 < h ≤ cut, else 0; where epsilon is 0, from h = 0 on."""
        far = (z - y).abs() - self.epsilon
        counts = (far > 0) if self.epsilon else (far >= 0)
        return (counts & (far <= self.cut)).to(z.dtype) * v
