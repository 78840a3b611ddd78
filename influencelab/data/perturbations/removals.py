"""Sets of training points to remove, and the training weights that each set leaves."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.conversion import positions
from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Fitted, WeightChange, check_made_for, check_places
from influencelab.errors import InvalidParameter, whole
from influencelab.recipe import settle

CONVENTIONS = ("drop", "renormalise")
KEPT = {"drop": "total penalty", "renormalise": "penalty beside the mean loss"}
# A share of the total weight that is only rounding.
EMPTY = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class Removals(WeightChange):
    """r experiments; experiment rows[t] removes training point points[t].

    Attributes:
        rows: the experiment of each removed point, ascending.
        points: the removed points, as positions in the training set.
        r: the number of experiments; an experiment that removes nothing is legal, and a control.
        n: the number of training points.
        convention: `drop` puts wᵢ = 0 and leaves the others (the penalty then weighs a little more against the data);
            `renormalise` also scales the others up so that the total weight stays, 1/n becoming 1/(n − 1), as Koh &
            Liang (2017) did.
    """

    rows: Int[Tensor, " t"]
    points: Int[Tensor, " t"]
    r: int
    n: int
    convention: str = "drop"

    def __post_init__(self) -> None:
        settle(self, rows=positions(self.rows, what="rows"), points=positions(self.points, what="points"))
        settle(self, r=whole(self.r, what="r"), n=whole(self.n, what="n"))
        if self.convention not in CONVENTIONS:
            raise InvalidParameter(f"convention is '{self.convention}', expected one of {', '.join(CONVENTIONS)}.")
        check_places(self.points, self.rows, n=self.n, count=self.r)

    @property
    def single(self) -> bool:
        """Whether every experiment removes exactly one point."""
        return len(self.points) == self.r and torch.equal(self.rows, torch.arange(self.r))

    @property
    def changed(self) -> Int[Tensor, " r"]:
        """The removed point, where all experiments remove one each."""
        return self.points if self.single else torch.full((self.r,), -1)

    def deed(self, data: Dataset) -> str:
        """They are gone."""
        return "removed"

    def check(self, fit: Fitted) -> None:
        """Refuse removals that make no sense for a fit with its training weights."""
        base = fit.weights
        check_made_for(self.n, len(base), what="removals")
        check_convention(fit, self.convention, cure="il.leave_one_out(n, convention=model.convention)")
        if self.convention == "renormalise" and (self.sums(base[:, None]) >= base.sum() * (1 - EMPTY)).any():
            raise InvalidParameter("an experiment removes all the weight there is; leave some, or use 'drop'.")

    def weights(self, base: Float[Tensor, " n"], rows: slice) -> Float[Tensor, "k n"]:
        """The training weights of some experiments, dense: take few rows at a time."""
        first, last, _ = rows.indices(self.r)
        inside = (self.rows >= first) & (self.rows < last)
        dense = base.repeat(last - first, 1)
        dense[self.rows[inside] - first, self.points[inside]] = 0
        if self.convention == "renormalise":
            dense *= base.sum() / dense.sum(1, keepdim=True)
        return dense

    def removed(self, rows: slice) -> Int[Tensor, " k"]:
        """The removed point, where all experiments remove one each."""
        return self.changed[rows]

    def weigh(self, base: Float[Tensor, " n"], values: Float[Tensor, "n k"]) -> Float[Tensor, "r k"]:
        """Δw @ values, in which what is renormalised has its own part."""
        taken = self.sums(base[:, None] * values)
        if self.convention == "drop":
            return -taken
        total = base.sum()
        left = total - self.sums(base[:, None])
        return (total / left - 1) * (base @ values) - (total / left) * taken

    def sums(self, values: Float[Tensor, "n m"]) -> Float[Tensor, "r m"]:
        """The sum of `values` over the points that each experiment removes."""
        total = values.new_zeros(self.r, values.shape[1])
        return total.index_add_(0, self.rows.to(values.device), values[self.points])


def check_convention(fit: Fitted, asked: str, *, cure: str) -> None:
    """Refuse removals that a model fitted elsewhere does not follow when it is fitted again."""
    if fit.convention not in (None, asked):
        raise InvalidParameter(
            f"convention is '{asked}'; fitted again without a point, this model keeps the {KEPT[str(fit.convention)]}, "
            f"which is '{fit.convention}'. Write {cure}; or ask what keeping the {KEPT[asked]} would do of "
            "dataclasses.replace(model, origin=None)."
        )
