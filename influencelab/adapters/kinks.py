"""Whether coefficients are a minimum of a loss with a kink: slopes that points may have there balance the penalty."""

import numpy
import torch
from scipy.optimize import lsq_linear

from influencelab.models import derivatives
from influencelab.models.machines import Machine
from influencelab.models.task import Task

# Slopes may be outside of what is allowed by this share, so that rounding at a bound is none.
ROUNDING = 1e-9


def subgradient(machine: Machine, smooth: Task, *, off: float, slopes: numpy.ndarray | None) -> float:
    """How far 0 is from the subgradients of J, as Newton's decrement, a share of √J: 0 at a minimum.

    A point at its kink may pull with any slope between those on either side. Outputs are those of a minimum within
    `off`, so that each point has the slopes that its loss has there. Of all that they allow the ones nearest to a
    balance are taken, in the metric of a smooth loss's curvature; or those that the estimator itself came to.

    Args:
        machine: θ, the points and their weights, and the task with the true loss.
        smooth: the task with a smooth loss.
        off: by how much outputs may be away from those of a minimum.
        slopes: of each point, those that the estimator's own solver came to; None where it did not keep them.
    """
    task, data, theta, weights = machine[:4]
    x, outputs = task.features(data.x_train), task.outputs(theta, data.x_train)
    low, high = (task.output_loss.gradients(outputs + side * off, data.y_train)[0] for side in (-1, 1))
    factor = torch.linalg.cholesky(derivatives.hessians(smooth, data, theta[None], weights[None])[0])
    fixed = derivatives.penalty_gradient(task, data, theta)
    if slopes is not None:
        taken = torch.from_numpy(slopes).clamp(low, high)
    else:
        free = high > low
        pull = torch.linalg.solve_triangular(factor, ((weights * (high - low))[free, None] * x[free]).T, upper=False)
        rest = fixed + (weights * low) @ x
        goal = torch.linalg.solve_triangular(factor, -rest[:, None], upper=False)[:, 0]
        shares = nearest(pull.numpy(), goal.numpy())
        taken = low.clone()
        taken[free] += torch.from_numpy(shares) * (high - low)[free]
    left = fixed + (weights * taken) @ x
    fall = torch.linalg.solve_triangular(factor, left[:, None], upper=False).square().sum()
    size = derivatives.objectives(task, data, theta[None], weights[None])[0].abs()
    return float((fall / size.clamp_min(torch.finfo(size.dtype).tiny)).sqrt())


def nearest(pull: numpy.ndarray, goal: numpy.ndarray) -> numpy.ndarray:
    """Shares from 0 to 1 of columns whose sum is nearest to a goal."""
    if not pull.shape[1]:
        return numpy.zeros(0)
    return lsq_linear(pull, goal, (-ROUNDING, 1 + ROUNDING), tol=1e-14).x
