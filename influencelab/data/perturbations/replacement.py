"""Training points replaced by others: mended or flipped labels, augmented or poisoned images."""

from dataclasses import dataclass

from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Experiments, Fitted, Perturbation, check_made_for, check_places
from influencelab.data.perturbations._swap import changed_alone, newcomers, one_each, row_sums, swapped
from influencelab.errors import InvalidParameter


@dataclass(frozen=True, eq=False)
class Replacement(Perturbation):
    """Training point points[t] becomes (x[t], y[t]) in experiment rows[t].

    ∇J changes by share · wᵢ (∇ℓ(x̃, ỹ) − ∇ℓ(xᵢ, yᵢ)) (Koh & Liang 2017, Sec. 2.2). That is exact at the fit, however far
    the new point lies from the old one; the effect on a measure follows from it to first order.

    Attributes:
        points: the training points that are replaced, as positions.
        x: the new features of each.
        y: the new label or target of each.
        n: the number of training points.
        rows: the experiment of each; None gives each point an experiment of its own.
        share: how much of the point's weight the new one takes over, above 0; 1 replaces it whole.
    """

    points: Int[Tensor, " t"]
    x: Float[Tensor, " t *shape"]
    y: Num[Tensor, " t"]
    n: int
    rows: Int[Tensor, " t"] | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        check_places(self.points, self.places, n=self.n, count=self.count)
        if not len(self.points) == len(self.x) == len(self.y):
            raise InvalidParameter(
                f"there are {len(self.points)} points, {len(self.x)} features and {len(self.y)} labels; give one each."
            )
        if not 0 < self.share <= 1:
            raise InvalidParameter(f"share is {self.share}, expected a number above 0 and at most 1.")

    @classmethod
    def relabel(cls, data: Dataset, points: Int[Tensor, " t"], labels: Num[Tensor, " t"]) -> "Replacement":
        """One experiment a point, which gets this label or target and keeps its features."""
        return cls(points=points, x=data.x_train[points], y=labels, n=data.n)

    @property
    def places(self) -> Int[Tensor, " t"]:
        """The experiment of each point."""
        return one_each(self.points, self.rows)

    @property
    def count(self) -> int:
        """The number of experiments."""
        return int(self.places.max()) + 1 if len(self.points) else 0

    @property
    def changed(self) -> Int[Tensor, " r"]:
        """The point of each experiment that replaces one; −1 for others."""
        return changed_alone(self.points, self.places, count=self.count)

    def check(self, fit: Fitted) -> None:
        """Refuse points that the fit has not, and new ones that it could not be trained on.

        Raises:
            InvalidParameter: it was made for another number of points.
            InvalidData: the new features or labels are not of the fit's kind.
        """
        check_made_for(self.n, fit.data.n, what="replacements")
        newcomers(fit, self.points, self.x, self.y)

    def change_along(self, fit: Fitted, directions: Float[Tensor, "k p"]) -> Float[Tensor, "r k"]:
        """share · wᵢ (∇ℓ(x̃, ỹ) − ∇ℓ(xᵢ, yᵢ))ᵀ d."""
        data, old = fit.data, self.points
        new = fit.slopes(newcomers(fit, old, self.x, self.y), directions)
        before = fit.slopes(newcomers(fit, old, data.x_train[old], data.y_train[old]), directions)
        change = self.share * fit.weights[old, None] * (new - before)
        return row_sums(change, self.places, count=self.count)

    def experiments(self, fit: Fitted, rows: slice) -> Experiments:
        """The new points appended, each with its share of the weight of the one it stands in for."""
        new = newcomers(fit, self.points, self.x, self.y)
        return swapped(fit, new, points=self.points, rows=self.places, at=rows, share=self.share)
