"""Cross-entropy of two classes with one output, the log-odds of class 1."""

from dataclasses import dataclass

from jaxtyping import Float, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.models.loss import OutputLoss, softplus


@dataclass(frozen=True)
class BinaryCrossEntropy(OutputLoss):
    """ℓ = log(1 + exp(−s z)) with s = +1 for class 1 and −1 for class 0, in nats."""

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 2:
            raise InvalidData(f"{data.name} has {data.classes} classes; this loss needs exactly 2.")
        return 1

    def values(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k b"]:
        """log(1 + exp(−s z)), without overflow."""
        return softplus((1 - 2 * y.to(z.dtype)) * z.squeeze(-2))

    def gradients(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c b"]:
        """σ(z) − y."""
        return z.sigmoid() - y.to(z.dtype)

    def products(
        self, z: Float[Tensor, "c b"], y: Num[Tensor, " b"], v: Float[Tensor, "*k c b"]
    ) -> Float[Tensor, "*k c b"]:
        """σ(z)(1 − σ(z)) v."""
        return z.sigmoid() * (-z).sigmoid() * v

    def hessians(self, z: Float[Tensor, "*k c b"], y: Num[Tensor, " b"]) -> Float[Tensor, "*k c c b"]:
        """σ(z)(1 − σ(z)), a 1 × 1 block a point."""
        return (z.sigmoid() * (-z).sigmoid()).unsqueeze(-2)
