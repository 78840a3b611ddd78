"""Cross-entropy of two classes with one output, the log-odds of class 1."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss, other_labels, softplus
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class BinaryCrossEntropy(OutputLoss):
    """ℓ = log(1 + exp(−s z)) with s = +1 for class 1 and −1 for class 0, in nats."""

    def size(self, data: Dataset) -> int:
        """One output."""
        if data.classes != 2:
            raise other_labels(data, "this loss needs exactly 2, numbered 0 and 1. il.Logistic takes more.")
        return 1

    def mean(self, z: KCB) -> KCB:
        """σ(z), the probability of class 1."""
        return z.sigmoid()

    def values(self, z: KCB, y: Y) -> KB:
        """log(1 + exp(−s z)), without overflow."""
        return softplus((1 - 2 * y.to(z.dtype)) * z.squeeze(-2))

    def gradients(self, z: KCB, y: Y) -> KCB:
        """σ(z) − y, as −s σ(−s z): to the last digit even where the model is sure of y."""
        side = 2 * y.to(z.dtype) - 1
        return (-side * z).sigmoid_().mul_(-side)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """σ(z)(1 − σ(z)) v."""
        return z.sigmoid() * (-z).sigmoid() * v
