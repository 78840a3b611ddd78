"""Loss-relative influence: what a point does to a test loss for how much it changes all losses."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import check_recipe
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.relative import relative_influence
from influencelab.training.fit import Fit

# What may be negative of ∇ℓᵢᵀ sᵢ, as a share of ‖∇ℓᵢ‖ ‖sᵢ‖, for rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class LossRelatif(Estimator):
    """sᵢᵀ ∇L_j / √(sᵢᵀ ∇ℓᵢ) with sᵢ = (C + damping I)⁻¹ ∇ℓᵢ: influence over the root of the point's self-influence.

    Train with a little less weight on point i, and the model moves; among all moves that change the losses as much,
    sᵢᵀ C sᵢ, values[i, j] says how fast the loss of test point j rises along this one. Its sign is that of influence,
    and √(∇L_jᵀ (C + damping I)⁻¹ ∇L_j) is the most it can be. Of a linear model with one output ∇ℓᵢ is a number times
    xᵢ, and that number goes but for its sign: a point of large loss has no advantage. It ranks, and has no unit of
    loss. 0 where ∇ℓᵢ vanishes. ℓ-relative influence of Barshan, Brunet & Dziugaite (2020), where the Fisher
    information is the curvature; they take the size and keep no sign.

    Attributes:
        curvature: `hessian` or `gauss_newton`.
        damping: added to every eigenvalue.
    """

    curvature: str = "hessian"
    damping: float = 0.0

    def __post_init__(self) -> None:
        check_recipe(self.curvature, self.damping)

    def estimate(self, fit: Fit) -> Estimate:
        """Solve for every training point, some at a time.

        Raises:
            InvalidParameter: without a factor that would take longer than ten minutes; or the curvature is negative
                along the move of a point, so that its self-influence has no root.
        """
        return relative_influence(self, fit, curvature=self.curvature, damping=self.damping, lengths=self.lengths)

    def lengths(self, moves: Float[Tensor, "p b"], gradients: Float[Tensor, "p b"]) -> Float[Tensor, " b"]:
        """√(sᵢᵀ ∇ℓᵢ) of each point."""
        squares = (moves * gradients).sum(0)
        if (squares < -ROUNDING * moves.norm(dim=0) * gradients.norm(dim=0)).any():
            raise InvalidParameter(
                "The curvature is negative along the move of a training point, so that its self-influence has no root: "
                "the fit is no minimum of the Hessian's. Take curvature='gauss_newton', or more damping."
            )
        return squares.clamp_min(0).sqrt()
