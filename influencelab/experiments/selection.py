"""Selections of pairs of training and test point: the choice that decides what a correlation means."""

from abc import abstractmethod
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from influencelab.influence.estimator import Estimate
from influencelab.recipe import Recipe


@dataclass(frozen=True)
class Selection(Recipe):
    """A recipe that picks pairs of training and test point; every number made from them bears its label."""

    @abstractmethod
    def pairs(self, estimate: Estimate) -> Bool[Tensor, "n m"]:
        """pairs[i, j]: whether the removal of training point i is compared on test point j."""


def removed_rows(pairs: Bool[Tensor, "n m"]) -> Tensor:
    """The training points that must be removed so that every chosen pair has its truth."""
    return pairs.any(1).nonzero()[:, 0]
