"""Half the squared error of one real output."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.models.loss import OutputLoss


@dataclass(frozen=True)
class SquaredError(OutputLoss):
    """ℓ = ½ (z − y)²: minus the log-likelihood of a unit-variance Gaussian up to a constant, so its unit is nats."""

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 0:
            raise InvalidData(f"{data.name} has {data.classes} classes; squared error needs real targets (classes=0).")
        return 1

    def values(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k b"]:
        """½ (z − y)²."""
        return (z.squeeze(-2) - y).square() / 2

    def gradients(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c b"]:
        """z − y."""
        return z - y

    def products(
        self, z: Float[Tensor, "c b"], y: Num[Tensor, " b"], v: Float[Tensor, "*k c b"]
    ) -> Float[Tensor, "*k c b"]:
        """v: the curvature is 1 everywhere."""
        return v.clone()

    def hessians(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c c b"]:
        """1 for each point."""
        return torch.ones_like(z).unsqueeze(-2)
