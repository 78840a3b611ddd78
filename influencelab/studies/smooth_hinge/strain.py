"""Smoothness that a hinge needs for influence: points with curvature, shift of margins by a removal, and a rule for t.

**The rule** (`rule`): take the smallest t at which the strain is at most √½, coming from above. The strain is how far
removing one point moves the margins of the others, in units of t: a root mean square over the points that move, each
weighted by its curvature, and over the points removed, each weighted by its slope; a removed point takes its
own curvature with it, so that its step is amplified by 1 / (1 − leverage). Influence takes each point's curvature for
constant. That curvature is a bell in the margin, σ′(u) ≈ σ′(0) (1 − u² / 4) about its top with u = (1 − s) / t, so a
strain of √½ loses an eighth of it: below, the bell is as good as flat, and a larger t only leads further from the true
hinge. Fits to all points are needed, no retraining without any. The threshold was set by this argument and by a look at
two data sets (MNIST and 8 × 8 digits, 1 against 7), before any other was tried.
"""

import math
from collections.abc import Mapping
from itertools import takewhile

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.models.closed_forms.linear import add_blocks
from influencelab.models.losses.hinge import Hinge
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.training.fit import Fit, fit_from
from influencelab.training.trainer import Trained

# The largest strain at which a bend counts as wide enough.
WIDE_ENOUGH = math.sqrt(0.5)


def at_task(fit: Fit, task: SmoothHinge) -> Fit:
    """The same weights as a fit of another hinge, with its loss and gradient there: nothing is trained."""
    theta = fit.theta[None]
    norm = derivatives.gradients(task, fit.data, theta, fit.weights[None]).norm(dim=1)
    stopped = Trained(theta, norm, norm <= fit.trainer.tolerance, steps=fit.steps)
    return fit_from(stopped, task=task, data=fit.data, trainer=fit.trainer, weights=fit.weights)


def effective_curvature_points(fit: Fit) -> float:
    """Effective number of points with curvature, (Σ cᵢ)² / Σ cᵢ² with cᵢ = wᵢ ℓᵢ″; n if all alike, 0 if none has."""
    outputs = fit.task.outputs(fit.theta, fit.data.x_train)
    curvature = fit.weights * hinge_of(fit).curvatures(outputs, fit.data.y_train)
    total = curvature.sum()
    return float(total.square() / curvature.square().sum()) if total > 0 else 0.0


def margin_shift(fit: Fit) -> float:
    """RMS shift of the margins by the removal of one point, in units of t, as a Newton step has it: see the rule.

    Infinite at t = 0, and where no point is at the bend.
    """
    hinge, x = hinge_of(fit), fit.task.features(fit.data.x_train)
    outputs = fit.task.outputs(fit.theta, fit.data.x_train)
    curved, slopes = hinge.curvatures(outputs, fit.data.y_train), hinge.slopes(outputs, fit.data.y_train)
    if not curved.any() or not slopes.any():
        return math.inf
    curvature = fit.weights * curved
    factor = torch.linalg.cholesky(gram(x, curvature) + torch.diag(fit.task.penalty(fit.data, fit.theta).stiffness))
    some = slopes > 0
    x, curvature, slopes, weights = x[some], curvature[some], slopes[some], fit.weights[some]
    own = (x * torch.cholesky_solve(x.T, factor).T).sum(1)
    # Without the point its own curvature is gone too: it moves others 1 / (1 − leverage) times as far (`leverage`).
    steps = slopes * weights / (1 - curvature * own).clamp(min=torch.finfo(own.dtype).eps)
    moving, moved = slopes * steps.square() / slopes.sum(), curvature / curvature.sum()
    reach = torch.cholesky_solve(gram(x, moving), factor) @ torch.cholesky_solve(gram(x, moved), factor)
    square = reach.trace() - moving * moved @ own.square()
    return float(square.clamp(min=0).sqrt()) / hinge.t


def rule(strains: Mapping[float, float]) -> float:
    """The t to take of these with their strains: the smallest above which none exceeds √½, or else the largest."""
    wide = takewhile(lambda t: strains[t] <= WIDE_ENOUGH, sorted(strains, reverse=True))
    return min(wide, default=max(strains))


def hinge_of(fit: Fit) -> Hinge:
    """The fit's loss; an InvalidParameter error if it is no hinge."""
    if not isinstance(fit.task, SmoothHinge):
        raise InvalidParameter(f"The fit is of {type(fit.task).__name__}; this is asked of a SmoothHinge only.")
    return Hinge(fit.task.t)


def gram(x: Float[Tensor, "n d"], weights: Float[Tensor, " n"]) -> Float[Tensor, "d d"]:
    """Σ weightsᵢ xᵢ xᵢᵀ, from the points whose weight is not 0."""
    some = weights > 0
    total = x.new_zeros(1, x.shape[1], 1, x.shape[1])
    add_blocks(total, weights[some][None, None], x[some])
    return total[0, :, 0]
