"""Training points whose features move a little: training-set attacks, augmentation, errors of measurement."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.data.conversion import numbers_in
from influencelab.data.dataset import Dataset
from influencelab.data.perturbation import Experiments, Fitted, check_made_for
from influencelab.data.perturbations._swap import Swap
from influencelab.errors import InvalidParameter
from influencelab.recipe import settle


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FeatureMove(Swap):
    """Training point points[t] moves from xᵢ to xᵢ + δ in experiment rows[t] (Koh & Liang 2017, Sec. 2.2, Eq. 5).

    ∇J changes by wᵢ ∇ₓ∇_θ ℓᵢ · δ, to first order in δ; `Replacement` by the moved point is exact in δ.

    Attributes:
        moves: δ of each point, in units of the features.
    """

    moves: Float[Tensor, " t *shape"]

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, moves=numbers_in(self.moves, what="moves"))
        if len(self.points) != len(self.moves):
            raise InvalidParameter(f"there are {len(self.points)} points and {len(self.moves)} moves; give one each.")

    def deed(self, data: Dataset) -> str:
        """They have other features."""
        return "moved"

    def check(self, fit: Fitted) -> None:
        """Refuse points that the fit has not, and moves that are none of its features."""
        check_made_for(self.n, fit.data.n, what="moves")
        if self.moves.shape[1:] != fit.data.x_train.shape[1:]:
            raise InvalidParameter(
                f"a move is {tuple(self.moves.shape[1:])} and a point {tuple(fit.data.x_train.shape[1:])}; give moves "
                "of the shape of the features."
            )
        self.moved(fit)

    def moved(self, fit: Fitted) -> Dataset:
        """The points after their moves."""
        data, old = fit.data, self.points
        return self.new_points(fit, data.x_train[old] + self.moves.to(data.x_train), data.y_train[old])

    def change_along(self, fit: Fitted, directions: Float[Tensor, "k p"]) -> Float[Tensor, "r k"]:
        """wᵢ δᵀ ∇ₓ(∇ℓᵢᵀ d)."""
        data, old = fit.data, self.points
        here = self.new_points(fit, data.x_train[old], data.y_train[old])
        return self.row_sums(fit.weights[old, None] * fit.slope_changes(here, self.moves.to(data.x_train), directions))

    def experiments(self, fit: Fitted, rows: slice) -> Experiments:
        """The moved points appended, each with the weight of the one it was."""
        return self.swapped(fit, self.moved(fit), rows, share=1.0)
