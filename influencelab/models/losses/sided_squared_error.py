"""Half the squared error of classes coded as sides: +1 for a point's own class, −1 for another."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss, other_labels
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class SidedSquaredError(OutputLoss):
    """ℓ = ½ Σ_a (z_a − t_a)² with t_a = ±1, an output a class; one output, the side of class 1, where there are two."""

    @property
    def unit(self) -> str:
        """Sides have no unit."""
        return "half squared error"

    @property
    def width(self) -> float:
        """Curvature is 1 everywhere."""
        return float("inf")

    def size(self, data: Dataset) -> int:
        """One output a class, or one of two."""
        if data.classes < 2:
            raise other_labels(data, "sides need at least 2.")
        return 1 if data.classes == 2 else data.classes

    def values(self, z: KCB, y: Y) -> KB:
        """½ Σ_a (z_a − t_a)²."""
        return self.gradients(z, y).square().sum(-2) / 2

    def gradients(self, z: KCB, y: Y) -> KCB:
        """z − t."""
        count = z.shape[-2]
        own = y[None] == (1 if count == 1 else torch.arange(count, device=y.device)[:, None])
        return z - (2 * own.to(z.dtype) - 1)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """v: the curvature is 1 everywhere."""
        return v.clone()
