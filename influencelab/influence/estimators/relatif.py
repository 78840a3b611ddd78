"""Relative influence: what a point does to a test loss for how far it moves the model."""

import time
from dataclasses import dataclass

import torch

from influencelab.data.sparse_rows import row_size
from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature, check_recipe
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.influence.solves import seconds_of
from influencelab.models import derivatives
from influencelab.training.fit import Fit, require_converged

# Seconds of solving that nobody waits for without having asked.
TOO_LONG = 600.0


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
        require_converged(fit, allow_unconverged=self.allow_unconverged)
        started = time.perf_counter()
        curvature, task, data = Curvature(fit, kind=self.curvature, damping=self.damping), fit.task, fit.data
        if curvature.by_products and (seconds := seconds_of(fit, data.n)) > TOO_LONG:
            raise InvalidParameter(
                f"'relatif' solves for each of {data.n:,} training points, of {len(fit.theta):,} parameters: about "
                f"{seconds / 60:,.0f} minutes on one core. Take fewer features, or 'gradient_cosine', which solves "
                "nothing."
            )
        pulls, values, worst = fit.measure_gradients(), [], 0.0
        for rows in derivatives.chunks(data.n, width=row_size(data.x_train, dense=len(fit.theta))):
            solution = curvature.solve(derivatives.point_gradients(task, data, fit.theta, rows).T)
            lengths = solution.values.norm(dim=0).clamp_min(torch.finfo(pulls.dtype).tiny)
            values.append(solution.values.T @ pulls.T / lengths[:, None])
            worst = max(worst, float(solution.residual.max()))
        curvature.check_rounding()
        return estimate_of(
            self,
            fit,
            torch.cat(values),
            unit="none",
            residual=pulls.new_full((len(pulls),), worst),
            damping=self.damping,
            started=started,
        )
