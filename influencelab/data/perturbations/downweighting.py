"""Training points that keep a part of their weight: a removal gone a part of the way."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.conversion import positions
from influencelab.data.perturbation import Fitted, WeightChange, check_made_for, check_places
from influencelab.data.perturbations.removals import check_convention
from influencelab.errors import InvalidParameter, require, whole
from influencelab.recipe import settle


@dataclass(frozen=True, eq=False, repr=False)
class Downweighting(WeightChange):
    """Experiment t takes a share ε from the weight of point points[t], which keeps (1 − ε) wᵢ; the others keep theirs.

    ∇J changes by −ε wᵢ ∇ℓᵢ, so that the predicted effect is ε times that of a removal (`drop`). With ε = 1 it is one.

    Attributes:
        points: training points, as positions, one an experiment.
        n: the number of training points.
        share: ε, of its own weight that each loses.

    Raises:
        InvalidParameter: the share is not in 0 … 1, or a point is not among the n.
    """

    points: Int[Tensor, " r"]
    n: int
    share: float = 0.5

    def __post_init__(self) -> None:
        settle(self, points=positions(self.points, what="points"), n=whole(self.n, what="n"))
        require(self.share, int | float, what="share", cure="Give a number above 0 and at most 1, such as 0.5.")
        if not 0 < self.share <= 1:
            raise InvalidParameter(f"share is {self.share}, expected a number above 0 and at most 1, such as 0.5.")
        check_places(self.points, torch.arange(len(self.points)), n=self.n, count=len(self.points))

    @property
    def changed(self) -> Int[Tensor, " r"]:
        """The point of each experiment."""
        return self.points

    def check(self, fit: Fitted) -> None:
        """Refuse positions among another number of points, and a model whose own refit renormalises."""
        check_made_for(self.n, len(fit.weights), what="weights")
        check_convention(fit, "drop", cure="il.leave_one_out(n, convention=model.convention)")

    def weigh(self, base: Float[Tensor, " n"], values: Float[Tensor, "n k"]) -> Float[Tensor, "r k"]:
        """−ε wᵢ values[i]."""
        return -self.share * base[self.points, None] * values[self.points]

    def weights(self, base: Float[Tensor, " n"], rows: slice) -> Float[Tensor, "k n"]:
        """A row an experiment, in which one weight is smaller."""
        points = self.points[rows, None].to(base.device)
        dense = base.repeat(len(points), 1)
        return dense.scatter_(1, points, (1 - self.share) * base[points])

    def removed(self, rows: slice) -> Int[Tensor, " k"]:
        """The point of each experiment where nothing of it is left, else none."""
        return self.points[rows] if self.share == 1 else torch.full_like(self.points[rows], -1)
