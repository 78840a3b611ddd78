"""Every training point, for every test point."""

from dataclasses import dataclass

import torch

from influencelab.experiments.selection import Pairs, Selection
from influencelab.influence.estimator import Estimate


@dataclass(frozen=True)
class Everything(Selection):
    """No choice at all: the most honest correlation, and the dearest."""

    def pairs(self, estimate: Estimate) -> Pairs:
        """All of them."""
        return torch.ones_like(estimate.values, dtype=torch.bool)
