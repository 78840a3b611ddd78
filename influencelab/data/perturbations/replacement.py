"""Training points replaced by others: mended or flipped labels, augmented or poisoned images."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor

from influencelab.data.conversion import Positions, column, numbered, numbers_in, positions
from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Experiments, Fitted, check_made_for, check_places
from influencelab.data.perturbations._swap import Swap
from influencelab.errors import InvalidParameter, WrongType, require
from influencelab.recipe import settle


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Replacement(Swap):
    """Training point points[t] becomes (x[t], y[t]) in experiment rows[t].

    ∇J changes by share · wᵢ (∇ℓ(x̃, ỹ) − ∇ℓ(xᵢ, yᵢ)) (Koh & Liang 2017, Sec. 2.2). That is exact at the fit, however far
    the new point lies from the old one; the effect on a measure follows from it to first order.

    Attributes:
        x: the new features of each point.
        y: the new label or target of each.
        share: how much of the point's weight the new one takes over, above 0; 1 replaces it whole.
    """

    x: Float[Tensor, " t *shape"]
    y: Num[Tensor, " t *target"]
    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, x=numbers_in(self.x, what="x"), y=numbers_in(self.y, what="y"))
        for what, given in (("x", self.x), ("y", self.y)):
            if given.dim() == 0:
                raise WrongType(f"{what} is one number, expected a row a point, such as [0].")
        if not len(self.points) == len(self.x) == len(self.y):
            raise InvalidParameter(
                f"there are {len(self.points)} points, {len(self.x)} features and {len(self.y)} labels; give one each."
            )
        if not 0 < self.share <= 1:
            raise InvalidParameter(f"share is {self.share}, expected a number above 0 and at most 1.")

    @classmethod
    def relabel(cls, data: Dataset, points: Positions, labels: Any) -> "Replacement":
        """One experiment a point, which gets this label (or class, by its name) or target and keeps its features."""
        require(data, Dataset, what="data")
        points = positions(points, what="points")
        check_places(points, points * 0, n=data.n, count=1)
        labels = column(labels, what="labels")
        labels = labels if isinstance(labels, Tensor) else numbered(labels, data.class_names)
        return cls(points=points, x=data.x_train[points], y=labels, n=data.n)

    def deed(self, data: Dataset) -> str:
        """Where they keep their features, only labels are others."""
        old = data.x_train[self.points]
        kept = isinstance(self.x, Tensor) and isinstance(old, Tensor) and torch.equal(self.x, old.to(self.x))
        return "relabelled" if kept else "replaced"

    def check(self, fit: Fitted) -> None:
        """Refuse points that the fit has not, and new ones that it could not be trained on."""
        check_made_for(self.n, fit.data.n, what="replacements")
        self.new_points(fit, self.x, self.y)

    def change_along(self, fit: Fitted, directions: Float[Tensor, "k p"]) -> Float[Tensor, "r k"]:
        """share · wᵢ (∇ℓ(x̃, ỹ) − ∇ℓ(xᵢ, yᵢ))ᵀ d."""
        data, old = fit.data, self.points
        new = fit.slopes(self.new_points(fit, self.x, self.y), directions)
        before = fit.slopes(self.new_points(fit, data.x_train[old], data.y_train[old]), directions)
        return self.row_sums(self.share * fit.weights[old, None] * (new - before))

    def experiments(self, fit: Fitted, rows: slice) -> Experiments:
        """The new points appended, each with its share of the weight of the one it stands in for."""
        return self.swapped(fit, self.new_points(fit, self.x, self.y), rows, share=self.share)
