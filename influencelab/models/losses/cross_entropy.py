"""Cross-entropy of c classes after a softmax."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss, other_labels, softplus
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class CrossEntropy(OutputLoss):
    """ℓ = log Σ_a exp z_a − z_y: the surprise, in nats, at the true class y."""

    def size(self, data: Dataset) -> int:
        """One output a class."""
        if data.classes < 2:
            raise other_labels(data, "cross-entropy needs at least 2.")
        return data.classes

    @property
    def shifts(self) -> bool:
        """It changes no probability."""
        return True

    def mean(self, z: KCB) -> KCB:
        """softmax(z), the probability of each class."""
        return z.softmax(-2)

    def values(self, z: KCB, y: Y) -> KB:
        """log(1 + Σ_{a ≠ y} exp(z_a − z_y)): the same, to the last digit even where the model is sure of y."""
        chosen = y.expand(*z.shape[:-2], 1, y.shape[-1])
        against = (z - z.gather(-2, chosen)).scatter(-2, chosen, -torch.inf).logsumexp(-2)
        return softplus(against)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """softmax(z) − one-hot(y): to the last digit, the class y by the sum of all others."""
        chosen = y.expand(*z.shape[:-2], 1, y.shape[-1])
        others = z.softmax(-2).scatter(-2, chosen, 0.0)
        return others.scatter(-2, chosen, -others.sum(-2, keepdim=True))

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """(diag π − π πᵀ) v with π = softmax(z): rank c − 1, since a common shift of all outputs changes nothing.

        So v is shifted to 0 at the likeliest class, and no digit is lost where the model is sure.
        """
        probability = z.softmax(-2)
        likeliest = z.argmax(-2, keepdim=True).expand(*v.shape[:-2], 1, v.shape[-1])
        weighted = (v - v.gather(-2, likeliest)) * probability
        return weighted.sub_(probability * weighted.sum(-2, keepdim=True))
