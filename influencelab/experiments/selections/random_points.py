"""Training points drawn at random, the same for every test point."""

from dataclasses import dataclass

import torch

from influencelab.errors import InvalidParameter
from influencelab.experiments.selection import Pairs, Selection, chosen
from influencelab.influence.estimator import Estimate


@dataclass(frozen=True)
class RandomPoints(Selection):
    """`count` points, each as likely as any other: what influence can do for the ordinary point.

    Attributes:
        count: how many.
        seed: of the draw.
    """

    count: int = 100
    seed: int = 0

    def pairs(self, estimate: Estimate) -> Pairs:
        """The same rows for every test point."""
        n = len(estimate.values)
        if not 1 <= self.count <= n:
            raise InvalidParameter(f"count is {self.count}, expected 1 … {n}, the number of training points.")
        rows = torch.randperm(n, generator=torch.Generator().manual_seed(self.seed))[: self.count]
        return chosen(estimate, rows)
