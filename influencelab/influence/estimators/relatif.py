"""Relative influence: what a point does to a test loss for how far it moves the model."""

from dataclasses import dataclass

from influencelab.influence.curvature import check_recipe
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.relative import relative_influence
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class Relatif(Estimator):
    """sᵢᵀ ∇L_j / ‖sᵢ‖ with sᵢ = (C + damping I)⁻¹ ∇ℓᵢ: influence per length of the move of θ behind it.

    Train with a little less weight on point i, and θ moves along sᵢ: values[i, j] is how fast the loss of test point j
    rises along the way, per unit of length. Its sign is that of influence; ‖∇L_j‖ at most. An outlier, whose removal
    moves the model for every test point, has no advantage: points come first that matter to this one. It ranks, and
    has no unit of loss. 0 where ∇ℓᵢ vanishes. θ-relative influence of Barshan, Brunet & Dziugaite (2020, Eq. 6), which
    takes the size and keeps no sign.

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
            InvalidParameter: without a factor that would take longer than ten minutes.
        """
        return relative_influence(
            self, fit, curvature=self.curvature, damping=self.damping, lengths=lambda moves, _: moves.norm(dim=0)
        )
