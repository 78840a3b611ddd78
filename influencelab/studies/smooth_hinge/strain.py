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

from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.models.losses.hinge import Hinge
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.training.fit import Fit, fit_from
from influencelab.training.strain import WIDE_ENOUGH as WIDE_ENOUGH
from influencelab.training.strain import rule as rule
from influencelab.training.strain import strain
from influencelab.training.trainer import Trained


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
    hinge_of(fit)
    return strain(fit)


def hinge_of(fit: Fit) -> Hinge:
    """The fit's loss; an InvalidParameter error if it is no hinge."""
    if not isinstance(fit.task, SmoothHinge):
        raise InvalidParameter(f"The fit is of {type(fit.task).__name__}; this is asked of a SmoothHinge only.")
    return Hinge(fit.task.t)
