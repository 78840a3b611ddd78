"""Training points whose features move a little: training-set attacks, augmentation, errors of measurement."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Experiments, Fitted, Perturbation, check_made_for, check_places
from influencelab.data.perturbations._swap import changed_alone, newcomers, one_each, row_sums, swapped
from influencelab.errors import InvalidParameter


@dataclass(frozen=True, eq=False)
class FeatureMove(Perturbation):
    """Training point points[t] moves from xᵢ to xᵢ + δ in experiment rows[t] (Koh & Liang 2017, Sec. 2.2, Eq. 5).

    ∇J changes by wᵢ ∇ₓ∇_θ ℓᵢ · δ, to first order in δ; `Replacement` by the moved point is exact in δ.

    Attributes:
        points: the training points that move, as positions.
        moves: δ of each, in units of the features.
        n: the number of training points.
        rows: the experiment of each; None gives each point an experiment of its own.
    """

    points: Int[Tensor, " t"]
    moves: Float[Tensor, " t *shape"]
    n: int
    rows: Int[Tensor, " t"] | None = None

    def __post_init__(self) -> None:
        check_places(self.points, self.places, n=self.n, count=self.count)
        if len(self.points) != len(self.moves):
            raise InvalidParameter(f"there are {len(self.points)} points and {len(self.moves)} moves; give one each.")

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
        """The point of each experiment that moves one; −1 for others."""
        return changed_alone(self.points, self.places, count=self.count)

    def check(self, fit: Fitted) -> None:
        """Refuse points that the fit has not, and moves that are none of its features.

        Raises:
            InvalidParameter: it was made for another number of points, or for other features.
            InvalidData: a moved point is NaN or infinite.
        """
        check_made_for(self.n, fit.data.n, what="moves")
        if self.moves.shape[1:] != fit.data.x_train.shape[1:]:
            raise InvalidParameter(
                f"a move is {tuple(self.moves.shape[1:])} and a point {tuple(fit.data.x_train.shape[1:])}; give moves "
                "of the shape of the features."
            )
        self.moved(fit)

    def moved(self, fit: Fitted) -> Dataset:
        """The points where they arrive."""
        data, old = fit.data, self.points
        return newcomers(fit, old, data.x_train[old] + self.moves.to(data.x_train), data.y_train[old])

    def change_along(self, fit: Fitted, directions: Float[Tensor, "k p"]) -> Float[Tensor, "r k"]:
        """wᵢ δᵀ ∇ₓ(∇ℓᵢᵀ d)."""
        data, old = fit.data, self.points
        here = newcomers(fit, old, data.x_train[old], data.y_train[old])
        change = fit.weights[old, None] * fit.slope_changes(here, self.moves.to(data.x_train), directions)
        return row_sums(change, self.places, count=self.count)

    def experiments(self, fit: Fitted, rows: slice) -> Experiments:
        """The moved points appended, each with the weight of the one it was."""
        return swapped(fit, self.moved(fit), points=self.points, rows=self.places, at=rows, share=1.0)
