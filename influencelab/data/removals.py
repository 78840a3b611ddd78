"""Choices of points to remove: each alone, named or random groups, random halves."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from influencelab.data.conversion import Positions, positions
from influencelab.data.perturbations.removals import Removals
from influencelab.errors import InvalidParameter, require, whole
from influencelab.recipe import Recipe

__all__ = ["Groups", "groups", "leave_one_out"]

# 0.29 of 100 points are 29, whatever floating point makes of it.
ROUNDING = 1e-9
COUNT = "Give the number of training points, data.n."


@dataclass(frozen=True)
class Groups(Recipe):
    """A recipe for removing random groups: `count` experiments that each remove a share of the training points.

    Attributes:
        share: 0.01 removes one point in a hundred; 0.5 is a random half, as in the linear data-modelling score.
        count: how many groups.
        seed: of the draws.
    """

    share: float
    count: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.count < 1:
            raise InvalidParameter(f"share is {self.share} and count {self.count}; expected 0 < share < 1, count ≥ 1.")

    def removals(self, n: int, *, convention: str) -> Removals:
        """The groups of n training points; each holds at least one."""
        n = whole(n, what="n", cure=COUNT)
        generator = torch.Generator().manual_seed(self.seed)
        size = max(1, int(self.share * n + ROUNDING))
        members = [torch.randperm(n, generator=generator)[:size].sort().values.tolist() for _ in range(self.count)]
        return groups(n, members=members, convention=convention)


def leave_one_out(n: int, *, rows: Positions | None = None, convention: str = "drop") -> Removals:
    """One experiment a point: all n of them, or those in `rows`, positions from 0 in any sequence.

    Raises:
        WrongType: n or the rows are no whole numbers.
        InvalidParameter: a row is not among the n.
    """
    n = whole(n, what="n", cure=COUNT)
    points = torch.arange(max(n, 0)) if rows is None else positions(rows, what="rows").cpu()
    return Removals(rows=torch.arange(len(points)), points=points, r=len(points), n=n, convention=convention)


def groups(n: int, *, members: Iterable[Positions], convention: str = "drop") -> Removals:
    """One experiment a group, all of whose members are removed together.

    Raises:
        WrongType: n or a member is no whole number.
        InvalidParameter: a group names a point twice, or removes everything.
    """
    n = whole(n, what="n", cure=COUNT)
    require(members, Iterable, what="members", cure="Give a list of groups, such as [[1, 2], [3]].")
    members = [positions(group, what=f"group {number}").tolist() for number, group in enumerate(members)]
    for group in members:
        if len(set(group)) != len(group) or len(group) >= n:
            raise InvalidParameter("a group must name each of its points once and leave at least one in training.")
    rows = torch.tensor([row for row, group in enumerate(members) for _ in group], dtype=torch.int64)
    points = torch.tensor([point for group in members for point in group], dtype=torch.int64)
    return Removals(rows=rows, points=points, r=len(members), n=n, convention=convention)
