"""Who is removed, row by row, and what becomes of the weights of those who stay."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.recipe import Recipe

__all__ = ["Groups", "Removals", "groups", "leave_one_out"]

CONVENTIONS = ("drop", "renormalise")
# A share of the total weight that is only rounding.
EMPTY = 1e-12
# 0.29 of 100 points are 29, whatever floating point says.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Removals(Recipe):
    """r experiments; experiment rows[t] removes training point points[t].

    Attributes:
        rows: the experiment of each removed point, ascending.
        points: the removed points, as positions in the training set.
        count: r, the number of experiments; an experiment that removes nothing is legal, and a control.
        n: the number of training points.
        convention: `drop` puts wᵢ = 0 and leaves the others (the penalty then weighs a little more against the data);
            `renormalise` also scales the others up so that the total weight stays, 1/n becoming 1/(n − 1), as Koh &
            Liang (2017) did.
    """

    rows: Int[Tensor, " t"]
    points: Int[Tensor, " t"]
    count: int
    n: int
    convention: str = "drop"

    def __post_init__(self) -> None:
        if self.convention not in CONVENTIONS:
            raise InvalidParameter(f"convention is '{self.convention}', expected one of {', '.join(CONVENTIONS)}.")
        if self.count < 1:
            raise InvalidParameter("there is no experiment; name at least one point or group to remove.")
        for what, given, end in (("points", self.points, self.n), ("rows", self.rows, self.count)):
            if len(given) and not 0 <= int(given.min()) <= int(given.max()) < end:
                low, high = int(given.min()), int(given.max())
                raise InvalidParameter(f"{what} go from {low} to {high}, expected 0 … {end - 1}.")

    @property
    def single(self) -> bool:
        """Whether every experiment removes exactly one point."""
        return len(self.points) == self.count and torch.equal(self.rows, torch.arange(self.count))

    def check(self, base: Float[Tensor, " n"]) -> None:
        """Refuse removals that make no sense for a fit with these training weights.

        Raises:
            InvalidParameter: they were made for another number of points, or leave no weight to renormalise.
        """
        if len(base) != self.n:
            raise InvalidParameter(
                f"the removals are made for {self.n} training points and the fit has {len(base)}; make them with "
                f"n={len(base)}."
            )
        if self.convention == "renormalise" and (self.sums(base[:, None]) >= base.sum() * (1 - EMPTY)).any():
            raise InvalidParameter("an experiment removes all the weight there is; leave some, or use 'drop'.")

    def weights(self, base: Float[Tensor, " n"], rows: slice) -> Float[Tensor, "k n"]:
        """The training weights of some experiments, dense: take few rows at a time."""
        first, last, _ = rows.indices(self.count)
        inside = (self.rows >= first) & (self.rows < last)
        dense = base.repeat(last - first, 1)
        dense[self.rows[inside] - first, self.points[inside]] = 0
        if self.convention == "renormalise":
            dense *= base.sum() / dense.sum(1, keepdim=True)
        return dense

    def sums(self, values: Float[Tensor, "n m"]) -> Float[Tensor, "r m"]:
        """The sum of `values` over the points that each experiment removes."""
        total = values.new_zeros(self.count, values.shape[1])
        return total.index_add_(0, self.rows.to(values.device), values[self.points])

    def select(self, chosen: Int[Tensor, " s"]) -> "Removals":
        """Some of the experiments, in the order given; single removals only."""
        if not self.single:
            raise InvalidParameter("select needs experiments that remove one point each.")
        return leave_one_out(self.n, rows=self.points[chosen], convention=self.convention)


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
        generator = torch.Generator().manual_seed(self.seed)
        size = max(1, int(self.share * n + ROUNDING))
        members = [torch.randperm(n, generator=generator)[:size].sort().values.tolist() for _ in range(self.count)]
        return groups(n, members=members, convention=convention)


def leave_one_out(n: int, *, rows: Int[Tensor, " r"] | None = None, convention: str = "drop") -> Removals:
    """One experiment a point: all n of them, or those in `rows`."""
    points = torch.arange(n) if rows is None else rows.cpu()
    return Removals(rows=torch.arange(len(points)), points=points, count=len(points), n=n, convention=convention)


def groups(n: int, *, members: Sequence[Sequence[int]], convention: str = "drop") -> Removals:
    """One experiment a group, all of whose members are removed together.

    Raises:
        InvalidParameter: a group names a point twice, or removes everything.
    """
    for group in members:
        if len(set(group)) != len(group) or len(group) >= n:
            raise InvalidParameter("a group must name each of its points once and leave at least one in training.")
    rows = torch.tensor([row for row, group in enumerate(members) for _ in group], dtype=torch.int64)
    points = torch.tensor([point for group in members for point in group], dtype=torch.int64)
    return Removals(rows=rows, points=points, count=len(members), n=n, convention=convention)
