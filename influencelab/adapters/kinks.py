"""Whether coefficients are a minimum of a loss with a kink: slopes that points may have there balance the penalty."""

import numpy
import torch
from jaxtyping import Float
from scipy.optimize import linprog, lsq_linear
from torch import Tensor

from influencelab.models import derivatives
from influencelab.models.losses.epsilon_insensitive import EpsilonInsensitive
from influencelab.models.machines import Machine
from influencelab.models.task import Task

# Slopes may be outside of what is allowed by this share, so that rounding at a bound is none.
ROUNDING = 1e-9


def subgradient(
    machine: Machine, smooth: Task, *, off: float, slopes: numpy.ndarray | None, total: float = numpy.inf
) -> float:
    """How far 0 is from the subgradients of J, as Newton's decrement, a share of √J: 0 at a minimum.

    A point at its kink may pull with any slope between those on either side. Outputs are those of a minimum within
    `off`, so that each point has the slopes that its loss has there. Of all that they allow the ones nearest to a
    balance are taken, in the metric of a smooth loss's curvature; or those that the estimator itself came to. Where
    these ask for more than `total` of all outputs together, it is what J would fall by that is measured.

    Args:
        machine: θ, the points and their weights, and the task with the true loss.
        smooth: the task with a smooth loss.
        off: by how much outputs may be away from those of a minimum.
        slopes: of each point, those that the estimator's own solver came to; None where it did not keep them.
        total: by how much all outputs together may be.
    """
    task, data, theta, weights = machine[:4]
    x, outputs = task.features(data.x_train), task.outputs(theta, data.x_train)
    low, high = (task.output_loss.gradients(outputs + side * off, data.y_train)[0] for side in (-1, 1))
    factor = torch.linalg.cholesky(derivatives.hessians(smooth, data, theta[None], weights[None])[0])
    fixed = derivatives.penalty_gradient(task, data, theta)
    short = 0.0
    if slopes is not None:
        taken = torch.from_numpy(slopes).clamp(low, high)
    else:
        free = high > low
        pull = torch.linalg.solve_triangular(factor, (weights[free, None] * x[free]).T, upper=False)
        goal = torch.linalg.solve_triangular(factor, -(fixed + (weights * low) @ x)[:, None], upper=False)[:, 0]
        width, loss = (high - low)[free], task.output_loss
        shares = nearest((pull * width).numpy(), goal.numpy())
        taken = low.clone()
        taken[free] += torch.from_numpy(shares) * width
        if total < numpy.inf and len(width) and isinstance(loss, EpsilonInsensitive):
            residuals = (outputs[0] - data.y_train)[free]
            short = shortfall(pull, goal, low[free], high[free], residuals=residuals, epsilon=loss.epsilon)
    left = fixed + (weights * taken) @ x
    fall = float(torch.linalg.solve_triangular(factor, left[:, None], upper=False).square().sum())
    if short > total:
        # That much of J, to the mean weight, which Newton's decrement would say as half its square.
        fall = max(fall, 2 * float(weights.mean()) * short)
    size = float(derivatives.objectives(task, data, theta[None], weights[None])[0].abs())
    return (fall / max(size, torch.finfo(theta.dtype).tiny)) ** 0.5


def nearest(pull: numpy.ndarray, goal: numpy.ndarray) -> numpy.ndarray:
    """Shares from 0 to 1 of columns whose sum is nearest to a goal."""
    if not pull.shape[1]:
        return numpy.zeros(0)
    return lsq_linear(pull, goal, (-ROUNDING, 1 + ROUNDING), tol=1e-14).x


def shortfall(
    pull: Float[Tensor, "p b"],
    goal: Float[Tensor, " p"],
    low: Float[Tensor, " b"],
    high: Float[Tensor, " b"],
    *,
    residuals: Float[Tensor, " b"],
    epsilon: float,
) -> float:
    """The least by which outputs together are off the kinks at which points could have slopes g in balance.

    It is Σ max(|r| − ε, 0) + ε |g| − g r, the duality gap: 0 at a minimum, and liblinear's own measure at most. Slopes
    in balance are a linear program's, as parts above and below 0; infinite where there are none.
    """
    columns, below, above, r = (each.numpy() for each in (pull, low, high, residuals))
    # g = low + what the balance adds.
    wanted = goal.numpy() + columns @ below
    scale = numpy.abs(columns).max(1, initial=numpy.finfo(numpy.float64).tiny)
    table = numpy.hstack([columns, -columns]) / scale[:, None]
    bounds = [*zip(below.clip(0), above.clip(0), strict=True), *zip((-above).clip(0), (-below).clip(0), strict=True)]
    costs = numpy.concatenate([epsilon - r, epsilon + r])
    found = linprog(costs, A_eq=table, b_eq=wanted / scale, bounds=bounds, method="highs")
    return float(found.fun + numpy.maximum(numpy.abs(r) - epsilon, 0).sum()) if found.success else float("inf")
