"""The hinge of two classes with one output, true or smoothed, and the points at its bend."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss, other_labels, softplus
from influencelab.models.shapes import CB, KB, KCB, Y

# A point whose margin exceeds 1 by no more than this is at the bend: the true hinge has the slope it has below 1.
TIE = 1e-6
# Below this t, (1 − s) / t could overflow at margins that data can have.
LEAST = 1e-100


@dataclass(frozen=True)
class Hinge(OutputLoss):
    """ℓ = t log(1 + exp((1 − s) / t)) with margin s: z for class 1, −z for class 0 (Koh & Liang 2017, section 4.2).

    As t falls to 0 this becomes max(0, 1 − s), the true hinge, which has no second derivative: its slope in s is −1
    where s ≤ 1 + TIE, else 0, and its curvature is 0 everywhere. Above t = 0 the curvature is a bell around s = 1, of
    height 1 / (4 t) and of width about t, with area 1.

    Attributes:
        t: the width of the bend, in units of the margin.
    """

    t: float = 0.0

    def __post_init__(self) -> None:
        if not (self.t == 0 or LEAST <= self.t < float("inf")):
            raise InvalidParameter(
                f"t is {self.t}, expected 0 (the true hinge) or a finite number of at least {LEAST:g}: it is a width."
            )

    @property
    def unit(self) -> str:
        """Margins, of which a hinge counts what is missing: no likelihood."""
        return "hinge loss"

    @property
    def width(self) -> float:
        """Of the bend."""
        return self.t

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 2:
            raise other_labels(data, "the hinge needs exactly 2, such as a source's labels=(1, 7).")
        return 1

    def values(self, z: KCB, y: Y) -> KB:
        """The loss of each point; no part of it overflows, however far the margin."""
        short = 1 - margins(z, y)
        return short.relu() if self.t == 0 else self.t * softplus(short / self.t)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """∓ the slope in the margin: −slope for class 1, +slope for class 0."""
        return -(sides(y, z) * self.slopes(z, y)).unsqueeze(-2)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """Curvature times v."""
        return self.curvatures(z, y) * v

    def slopes(self, z: KCB, y: Y) -> KB:
        """−∂ℓ/∂s of each point, 0 … 1: σ((1 − s) / t), or whether s ≤ 1 + TIE at t = 0."""
        short = 1 - margins(z, y)
        return (short >= -TIE).to(z.dtype) if self.t == 0 else (short / self.t).sigmoid()

    def curvatures(self, z: KCB, y: Y) -> KB:
        """∂²ℓ/∂s² of each point: σ(u) σ(−u) / t with u = (1 − s) / t; 0 at t = 0."""
        if self.t == 0:
            return torch.zeros_like(z.squeeze(-2))
        scaled = (1 - margins(z, y)) / self.t
        return scaled.sigmoid() * (-scaled).sigmoid() / self.t


def margins(z: KCB, y: Y) -> KB:
    """s: positive where the class is right, at least 1 where the true hinge is content."""
    return sides(y, z) * z.squeeze(-2)


def sides(y: Y, like: Tensor) -> Float[Tensor, " b"]:
    """+1 for class 1 and −1 for class 0."""
    return 2 * y.to(like.dtype) - 1
