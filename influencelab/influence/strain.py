"""How smooth a hinge must be for influence: who carries curvature, how far removals reach, and which t to take.

**The rule** (`rule`): take the smallest t at which the strain is at most √½, coming from above. The strain is how far
removing one point moves the margins of the others, in units of t: a root mean square over the points that move, each
weighted by the curvature it carries, and over the points removed, each weighted by its pull; a removed point takes its
own curvature with it, so that its step is amplified by 1 / (1 − leverage). Influence takes each point's curvature for
constant. That curvature is a bell in the margin, σ′(u) ≈ σ′(0) (1 − u² / 4) about its top with u = (1 − s) / t, so a
strain of √½ loses an eighth of it: below, the bell is as good as flat, and a larger t only leads further from the true
hinge. Fits to all points are needed, no retraining without any. The threshold was set by this argument and by a look at
two data sets (MNIST and 8 × 8 digits, 1 against 7), before any other was tried.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import FlatLoss, InvalidParameter
from influencelab.models import derivatives
from influencelab.models.closed_forms.linear import add_blocks
from influencelab.models.losses.hinge import Hinge
from influencelab.models.penalty import stiffness
from influencelab.models.task import Task
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.training.fit import Fit

# The largest strain at which a bend counts as wide enough.
WIDE_ENOUGH = math.sqrt(0.5)
# Below this share of weight decay, all curvature of the losses together is nothing.
FLAT = 1e-3


def at_weights(fit: Fit, task: Task, theta: Tensor | None = None) -> Fit:
    """The same weights seen as a fit of another task, with its loss and gradient there: nothing is trained.

    Args:
        task: such as `SmoothHinge(…, t)` for weights that were trained on the true hinge.
        theta: other weights, if not the fit's.
    """
    theta = fit.theta if theta is None else theta
    loss, gradient = derivatives.objectives_and_gradients(task, fit.data, theta[None], fit.weights[None])
    norm = float(gradient.norm())
    return replace(
        fit,
        task=task,
        theta=theta,
        loss=float(loss),
        grad_norm=norm,
        converged=norm <= fit.trainer.tolerance,
        memory=None,
    )


def effective_curvature_points(fit: Fit) -> float:
    """How many points carry the curvature: (Σ cᵢ)² / Σ cᵢ² with cᵢ = wᵢ ℓᵢ″; n if all alike, 0 if none does."""
    carried = fit.weights * bends(fit)
    total = carried.sum()
    return float(total.square() / carried.square().sum()) if total > 0 else 0.0


def margin_shift(fit: Fit) -> float:
    """How far removing one point moves the margins of the others, in units of t, as a Newton step has it: see the rule.

    Infinite at t = 0, and where nobody is at the bend.

    Raises:
        InvalidParameter: the fit is of no hinge.
    """
    hinge = hinge_of(fit)
    x = fit.task.features(fit.data.x_train)  # pyright: ignore[reportAttributeAccessIssue]
    outputs = fit.task.outputs(fit.theta, fit.data.x_train)
    bent, pulls = hinge.bends(outputs, fit.data.y_train), hinge.pulls(outputs, fit.data.y_train)
    if not bent.any() or not pulls.any():
        return math.inf
    carried = fit.weights * bent
    factor = torch.linalg.cholesky(gram(x, carried) + torch.diag(stiffness(fit.task, fit.data, fit.theta)))
    felt = pulls > 0
    x, carried, pulls, weights = x[felt], carried[felt], pulls[felt], fit.weights[felt]
    own = (x * torch.cholesky_solve(x.T, factor).T).sum(1)
    # Without the point its own curvature is gone too: it moves others 1 / (1 − leverage) times as far (`leverage`).
    steps = pulls * weights / (1 - carried * own).clamp(min=torch.finfo(own.dtype).eps)
    moving, moved = pulls * steps.square() / pulls.sum(), carried / carried.sum()
    reach = torch.cholesky_solve(gram(x, moving), factor) @ torch.cholesky_solve(gram(x, moved), factor)
    square = reach.trace() - moving * moved @ own.square()
    return float(square.clamp(min=0).sqrt()) / hinge.t


def rule(strains: Mapping[float, float]) -> float:
    """The t to take: the smallest above which no strain exceeds √½; the largest there is if none is that small.

    Args:
        strains: the strain of a fit at each t.
    """
    chosen = max(strains)
    for t in sorted(strains, reverse=True):
        if not strains[t] <= WIDE_ENOUGH:
            return chosen
        chosen = t
    return chosen


def warn_if_flat(fit: Fit) -> None:
    """Say that a smooth hinge has no point near its bend: its influence is then a gradient product over weight decay.

    At t = 0 that is so by definition, and nothing is said.
    """
    task = fit.task
    if not isinstance(task, SmoothHinge) or task.t == 0:
        return
    x = task.features(fit.data.x_train)
    if float(fit.weights * bends(fit) @ x.square().sum(1)) <= FLAT * task.weight_decay:
        warnings.warn(
            f"No training point is near the bend of the hinge (t = {task.t:g}, margin 1): the curvature is weight "
            "decay alone, and influence no more than a gradient product. Take a larger t, or train at this t.",
            FlatLoss,
            stacklevel=3,
        )


def bends(fit: Fit) -> Float[Tensor, " n"]:
    """ℓᵢ″: the curvature of each training point's loss in its own margin."""
    return hinge_of(fit).bends(fit.task.outputs(fit.theta, fit.data.x_train), fit.data.y_train)


def hinge_of(fit: Fit) -> Hinge:
    """The fit's loss, if it is a hinge.

    Raises:
        InvalidParameter: it is none.
    """
    if not isinstance(fit.task, SmoothHinge):
        raise InvalidParameter(f"The fit is of {type(fit.task).__name__}; this is asked of a SmoothHinge only.")
    return Hinge(fit.task.t)


def gram(x: Float[Tensor, "n d"], weights: Float[Tensor, " n"]) -> Float[Tensor, "d d"]:
    """Σ weightsᵢ xᵢ xᵢᵀ, from the points whose weight is not 0."""
    some = weights > 0
    total = x.new_zeros(1, x.shape[1], 1, x.shape[1])
    add_blocks(total, weights[some][None, None], x[some])
    return total[0, :, 0]
