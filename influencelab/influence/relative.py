"""Influence relative to what a training point does to the whole model, solved point by point."""

import time
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.sparse_rows import row_size
from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.influence.solves import seconds_of
from influencelab.models import derivatives
from influencelab.recipe import kind_name
from influencelab.training.fit import Fit, require_converged

# Seconds of solving that nobody waits for without having asked.
TOO_LONG = 600.0
# How far each point moves the model, from its moves s (p b) and gradients (p b), by which scores are divided.
Lengths = Callable[[Float[Tensor, "p b"], Float[Tensor, "p b"]], Float[Tensor, " b"]]


def relative_influence(estimator: Estimator, fit: Fit, *, curvature: str, damping: float, lengths: Lengths) -> Estimate:
    """sᵢᵀ ∇L_j over a length of point i, with sᵢ = (C + damping I)⁻¹ ∇ℓᵢ; 0 where ∇ℓᵢ vanishes.

    Raises:
        InvalidParameter: without a factor that would take longer than ten minutes.
    """
    require_converged(fit, allow_unconverged=estimator.allow_unconverged)
    started = time.perf_counter()
    solver, task, data = Curvature(fit, kind=curvature, damping=damping), fit.task, fit.data
    if solver.by_products and (seconds := seconds_of(fit, data.n)) > TOO_LONG:
        raise InvalidParameter(
            f"'{kind_name(estimator)}' solves for each of {data.n:,} training points, of {len(fit.theta):,} "
            f"parameters: about {seconds / 60:,.0f} minutes on one core. Take fewer features, or 'gradient_cosine', "
            "which solves nothing."
        )
    pulls, values, worst = fit.measure_gradients(), [], 0.0
    for rows in derivatives.chunks(data.n, width=row_size(data.x_train, dense=len(fit.theta))):
        gradients = derivatives.point_gradients(task, data, fit.theta, rows).T
        solution = solver.solve(gradients)
        divisor = lengths(solution.values, gradients).clamp_min(torch.finfo(pulls.dtype).tiny)
        values.append(solution.values.T @ pulls.T / divisor[:, None])
        worst = max(worst, float(solution.residual.max()))
    solver.check_rounding()
    residual, scores = pulls.new_full((len(pulls),), worst), torch.cat(values)
    return estimate_of(estimator, fit, scores, unit="none", residual=residual, damping=damping, started=started)
