"""Half the squared hinge of two classes with one output, or of that the part up to a cut: the modified Huber loss."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss, other_labels
from influencelab.models.losses.hinge import margins, sides
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class SquaredHinge(OutputLoss):
    """ℓ = ½ h² with h = max(0, 1 − s), the margin s being z for class 1 and −z for class 0; beyond the cut a line.

    A cut of 2 is half the modified Huber loss, which is a line where s is below −1.

    Attributes:
        cut: the h from which on the loss grows in proportion, at the slope that it has there.
    """

    cut: float = float("inf")

    def __post_init__(self) -> None:
        if not self.cut > 0:
            raise InvalidParameter(f"cut is {self.cut}, expected a number above 0, or infinity for none.")

    @property
    def unit(self) -> str:
        """Margins squared: no likelihood."""
        return "half squared hinge"

    @property
    def width(self) -> float:
        """Curvature ends at once where a margin is 1."""
        return 0.0

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 2:
            raise other_labels(data, "the hinge needs exactly 2, such as a source's labels=(1, 7).")
        return 1

    def values(self, z: KCB, y: Y) -> KB:
        """½ h² up to the cut, and cut (h − cut / 2) beyond."""
        short = (1 - margins(z, y)).relu()
        near = short.clamp_max(self.cut)
        return near * (short - near / 2)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """−h for class 1 and h for class 0, at most the cut."""
        return -(sides(y, z) * (1 - margins(z, y)).clamp(0, self.cut)).unsqueeze(-2)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """v where 0 < h ≤ cut, else 0."""
        short = 1 - margins(z, y)
        return ((short > 0) & (short <= self.cut)).to(z.dtype) * v
