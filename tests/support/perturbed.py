"""Perturbations that tests share, what each makes of the arrays it is trained on, and wrong ways to predict them.

The truths are NumPy's alone: a perturbation is spelt out here once more, scaled by a share t of itself.
"""

from typing import NamedTuple

import numpy
import torch
from oracles import Model, Points, newton
from torch.func import grad, vmap

from influencelab.data.perturbations.feature_move import FeatureMove
from influencelab.data.perturbations.penalty_change import PenaltyChange
from influencelab.data.perturbations.replacement import Replacement
from influencelab.data.removals import leave_one_out
from influencelab.models import derivatives

# The points that change, one an experiment.
ROWS = torch.tensor([3, 8, 21, 34, 55, 60, 77, 90])


def new_points(data, seed=5):
    """Another place and another label or target for each of ROWS."""
    generator = torch.Generator().manual_seed(seed)
    x = data.x_train[ROWS] + torch.randn(len(ROWS), *data.x_train.shape[1:], generator=generator, dtype=torch.float64)
    y = (data.y_train[ROWS] + 1) % data.classes if data.classes else data.y_train[ROWS] + 1
    return x, y


# Kinds that contracts are tried with; a new kind brings a test file of its own.
EXAMPLES = ("removals", "replacement", "feature_move", "penalty_change")


def examples(data, *, size=1.0, changes=(0.02, -0.01, 0.005)):
    """One perturbation of each kind; size scales the moves and the changes of weight decay."""
    x, y = new_points(data)
    return {
        "removals": leave_one_out(data.n, rows=ROWS),
        "replacement": Replacement(points=ROWS, x=x, y=y, n=data.n),
        "feature_move": FeatureMove(points=ROWS, moves=size * (x - data.x_train[ROWS]), n=data.n),
        "penalty_change": PenaltyChange(tuple(size * change for change in changes)),
    }


class Changed(NamedTuple):
    """A model and what it is trained on."""

    model: Model
    points: Points


def changed(kind, model, points, perturbation, experiment, share=1.0) -> Changed:
    """The arrays of one experiment, of which only this share is done; negative shares are its opposite."""
    if kind == "penalty_change":
        on = (model.penalty > 0).astype(float)
        return Changed(model._replace(penalty=model.penalty + share * perturbation.changes[experiment] * on), points)
    place = int(perturbation.points[experiment])
    w, x, y = points.w.copy(), points.x.copy(), points.y
    if kind == "feature_move":
        x[place] += share * perturbation.moves[experiment].numpy().ravel()
        return Changed(model, points._replace(x=x))
    w[place] *= 1 - share
    if kind == "replacement":
        w = numpy.append(w, share * points.w[place])
        x = numpy.vstack([x, perturbation.x[experiment].numpy().ravel()])
        y = numpy.append(y, perturbation.y[experiment].numpy())
    return Changed(model, points._replace(w=w, x=x, y=y))


def minimum_losses(at: Changed, start):
    """The test losses at the minimum, for linear models."""
    theta = newton(at.model, at.points, start=start)
    return at.model.losses(theta, at.points.x_test, at.points.y_test)


# Wrong changes of ∇J (r p), each by one mistake.
def gradients(fit, x, y):
    """∇ℓ of any points."""
    one = grad(lambda theta, x, y: fit.task.losses(theta, x[None], y[None])[0])
    return vmap(one, in_dims=(None, 0, 0))(fit.theta, x, y)


def old_gradients(fit):
    return gradients(fit, fit.data.x_train[ROWS], fit.data.y_train[ROWS])


def right(fit, perturbation):
    return perturbation.change_along(fit, torch.eye(len(fit.theta), dtype=torch.float64))


def flipped_sign(fit, perturbation):
    """What the opposite change would do."""
    return -right(fit, perturbation)


def forgotten_one_over_n(fit, perturbation):
    """n times too large."""
    return fit.data.n * right(fit, perturbation)


def new_point_missing(fit, perturbation):
    """A replacement taken for a removal."""
    assert perturbation.count == len(ROWS)
    return -fit.weights[ROWS, None] * old_gradients(fit)


def old_point_kept(fit, perturbation):
    """A replacement taken for an addition."""
    return fit.weights[ROWS, None] * gradients(fit, perturbation.x, perturbation.y)


def label_forgotten(fit, perturbation):
    """The new features under the old label."""
    return fit.weights[ROWS, None] * (gradients(fit, perturbation.x, fit.data.y_train[ROWS]) - old_gradients(fit))


def moved_loss(fit, perturbation):
    """δᵀ∇ₓℓ in place of ∇ₓ∇_θℓ δ: the point's own gradient, longer by how much its loss rises."""
    slope = grad(lambda x: fit.task.losses(fit.theta, x, fit.data.y_train[ROWS]).sum())(fit.data.x_train[ROWS])
    rise = (slope * perturbation.moves).flatten(1).sum(1)
    return fit.weights[ROWS, None] * rise[:, None] * old_gradients(fit)


def residual_held(fit, perturbation):
    """∂ℓ/∂z taken where the point was: only the features that it is multiplied with move."""
    x, y = fit.data.x_train[ROWS], fit.data.y_train[ROWS]
    pull = fit.task.output_loss.gradients(fit.task.outputs(fit.theta, x), y)

    def jacobians(x):
        outputs = derivatives.output_jacobians(fit.task, x, fit.theta)
        return torch.einsum("bcp,cb->bp", outputs, pull)

    return fit.weights[ROWS, None] * (jacobians(x + perturbation.moves) - jacobians(x))


def penalty_on_everything(fit, perturbation):
    """θ in place of Pθ: weight decay on intercepts that bear none."""
    return torch.tensor(perturbation.changes, dtype=torch.float64)[:, None] * fit.theta


def penalty_value(fit, perturbation):
    """The change of the penalty's gradient twice as large: of ‖Pθ‖² without its half."""
    return 2 * right(fit, perturbation)


IMPOSTORS = {
    "removals": (flipped_sign, forgotten_one_over_n),
    "replacement": (flipped_sign, forgotten_one_over_n, new_point_missing, old_point_kept, label_forgotten),
    "feature_move": (flipped_sign, forgotten_one_over_n, moved_loss, residual_held),
    "penalty_change": (flipped_sign, forgotten_one_over_n, penalty_on_everything, penalty_value),
}
