"""Which removals are looked at: the choice that decides what a correlation means."""

from abc import abstractmethod
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from influencelab.influence.estimator import Estimate
from influencelab.recipe import Recipe


@dataclass(frozen=True)
class Selection(Recipe):
    """A recipe that picks pairs of training and test point; its label stands beside every number made from them."""

    @abstractmethod
    def pairs(self, estimate: Estimate) -> Bool[Tensor, "n m"]:
        """pairs[i, j]: whether the removal of training point i is looked at for test point j."""


def removed_rows(pairs: Bool[Tensor, "n m"]) -> Tensor:
    """The training points that must be removed so that every chosen pair has its truth."""
    return pairs.any(1).nonzero()[:, 0]
