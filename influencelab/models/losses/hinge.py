"""The hinge of two classes with one output, true or smoothed, and the points at its bend."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.loss import OutputLoss, softplus

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

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 2:
            raise InvalidData(
                f"{data.name} has {data.classes} classes; the hinge needs exactly 2. Choose two, such as labels=(1, 7)."
            )
        return 1

    def values(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k b"]:
        """The loss of each point; no part of it overflows, however far the margin."""
        short = 1 - margins(z, y)
        return short.relu() if self.t == 0 else self.t * softplus(short / self.t)

    def gradients(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c b"]:
        """∓ the slope in the margin: −slope for class 1, +slope for class 0."""
        return -(sides(y, z) * self.slopes(z, y)).unsqueeze(-2)

    def products(
        self, z: Float[Tensor, "c b"], y: Num[Tensor, " b"], v: Float[Tensor, "*k c b"]
    ) -> Float[Tensor, "*k c b"]:
        """Curvature times v."""
        return self.curvatures(z, y) * v

    def hessians(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c c b"]:
        """The curvature, a 1 × 1 block a point."""
        return self.curvatures(z, y).unsqueeze(-2).unsqueeze(-2)

    def slopes(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k b"]:
        """−∂ℓ/∂s of each point, 0 … 1: σ((1 − s) / t), or whether s ≤ 1 + TIE at t = 0."""
        short = 1 - margins(z, y)
        return (short >= -TIE).to(z.dtype) if self.t == 0 else (short / self.t).sigmoid()

    def curvatures(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k b"]:
        """∂²ℓ/∂s² of each point: σ(u) σ(−u) / t with u = (1 − s) / t; 0 at t = 0."""
        if self.t == 0:
            return torch.zeros_like(z.squeeze(-2))
        scaled = (1 - margins(z, y)) / self.t
        return scaled.sigmoid() * (-scaled).sigmoid() / self.t


def margins(z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k b"]:
    """s: positive where the class is right, at least 1 where the true hinge is content."""
    return sides(y, z) * z.squeeze(-2)


def sides(y: Num[Tensor, " b"], like: Tensor) -> Float[Tensor, " b"]:
    """+1 for class 1 and −1 for class 0."""
    return 2 * y.to(like.dtype) - 1
