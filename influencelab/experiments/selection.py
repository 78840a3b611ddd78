"""Selections of pairs of training and test point: the choice that decides what a correlation means."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from influencelab.influence.estimator import Estimate
from influencelab.recipe import Recipe

Pairs = Bool[Tensor, "n m"]


@dataclass(frozen=True)
class Selection(Recipe):
    """A recipe that picks pairs of training and test point; every number made from them bears its label."""

    @abstractmethod
    def pairs(self, estimate: Estimate) -> Pairs:
        """pairs[i, j]: whether the removal of training point i is compared on test point j."""


def chosen(estimate: Estimate, rows: Any, columns: Any = slice(None)) -> Pairs:
    """The pairs at these places, which are any index of a matrix; all test points unless some are given."""
    pairs = torch.zeros_like(estimate.values, dtype=torch.bool)
    pairs[rows, columns] = True
    return pairs


def removed_rows(pairs: Pairs) -> Tensor:
    """The training points that must be removed so that every chosen pair has its truth."""
    return pairs.any(1).nonzero()[:, 0]
