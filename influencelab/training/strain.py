"""How far one removal moves the outputs of other points beside the width of a smoothed loss, and the width to take."""

import math
from collections.abc import Mapping
from itertools import takewhile

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.models.closed_forms.linear import add_blocks
from influencelab.models.machines import Machine, machines
from influencelab.training.fit import Fit

# The largest strain at which a bend counts as wide enough.
WIDE_ENOUGH = math.sqrt(0.5)


def strain(fit: Fit) -> float:
    """RMS shift of the outputs by the removal of one point, in units of the loss's width, as a Newton step has it.

    Of linear tasks of one output, or of the machine that is strained most. Over the points that move, each weighted by
    its curvature, and the points removed, each weighted by its slope. Infinite where no point is at a bend.
    """
    return max(map(strain_of, machines(fit.task, fit.data, fit.theta, fit.weights)))


def strain_of(machine: Machine) -> float:
    """That of one machine."""
    task, data, theta, weights = machine[:4]
    loss, x = task.output_loss, task.features(data.x_train)
    outputs = task.outputs(theta, data.x_train)
    curved = loss.hessians(outputs, data.y_train)[0, 0]
    slopes = loss.gradients(outputs, data.y_train)[0].abs()
    if not curved.any() or not slopes.any():
        return math.inf
    curvature = weights * curved
    factor = torch.linalg.cholesky(gram(x, curvature) + torch.diag(task.penalty(data, theta).stiffness))
    some = slopes > 0
    x, curvature, slopes, weights = x[some], curvature[some], slopes[some], weights[some]
    own = (x * torch.cholesky_solve(x.T, factor).T).sum(1)
    # Without the point its own curvature is gone too: it moves others 1 / (1 − leverage) times as far (`leverage`).
    steps = slopes * weights / (1 - curvature * own).clamp(min=torch.finfo(own.dtype).eps)
    moving, moved = slopes * steps.square() / slopes.sum(), curvature / curvature.sum()
    reach = torch.cholesky_solve(gram(x, moving), factor) @ torch.cholesky_solve(gram(x, moved), factor)
    square = reach.trace() - moving * moved @ own.square()
    return float(square.clamp(min=0).sqrt()) / loss.width


def rule(strains: Mapping[float, float]) -> float:
    """The t to take of these with their strains: the smallest above which none exceeds √½, or else the largest."""
    wide = takewhile(lambda t: strains[t] <= WIDE_ENOUGH, sorted(strains, reverse=True))
    return min(wide, default=max(strains))


def gram(x: Float[Tensor, "n d"], weights: Float[Tensor, " n"]) -> Float[Tensor, "d d"]:
    """Σ weightsᵢ xᵢ xᵢᵀ, from the points whose weight is not 0."""
    some = weights > 0
    total = x.new_zeros(1, x.shape[1], 1, x.shape[1])
    add_blocks(total, weights[some][None, None], x[some])
    return total[0, :, 0]
