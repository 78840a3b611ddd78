"""Objectives that hold on to a known θˢ, by their definitions in plain NumPy, and their minima for linear models."""

from functools import cache
from typing import NamedTuple

import numpy
from oracles import (
    Model,
    Points,
    linear_gradient,
    linear_hessian,
    model,
    one_hot,
    point_gradients,
    points_of,
    sigmoid,
    softmax,
    solve,
    without,
)

from influencelab.training.fit import fit
from influencelab.training.trainers.gradient_descent import GradientDescent

DAMPING = 0.03


class Held(NamedTuple):
    """A target (`loss`, `proximal` or `pbrf`) at θˢ; points.w are the weights the fit was made with."""

    model: Model
    points: Points
    anchor: numpy.ndarray
    damping: float
    target: str


def held(fit, target: str, damping: float) -> Held:
    """The target that belongs to a fit."""
    return Held(model(fit.task, fit.data), points_of(fit.data, fit.weights), fit.theta.numpy(), damping, target)


def slopes(z, y):
    """∂ℓ/∂z (n c): of softmax for integer labels and several outputs, of the log-odds for one, else of squares."""
    if z.shape[1] > 1:
        return softmax(z) - one_hot(y, z.shape[1])
    return (sigmoid(z) if numpy.issubdtype(y.dtype, numpy.integer) else z) - y[:, None]


def divergences(at: Held, theta):
    """Dᵢ = ℓ(z) − ℓ(zˢ) − ∇ℓ(zˢ)ᵀ(z − zˢ) of each training point."""
    x, y = at.points.x, at.points.y
    said, before = at.model.outputs(theta, x), at.model.outputs(at.anchor, x)
    straight = (slopes(before, y) * (said - before)).sum(1)
    return at.model.losses(theta, x, y) - at.model.losses(at.anchor, x, y) - straight


def value(at: Held, theta, w) -> float:
    """The target at other training weights w."""
    losses, moved = at.model.losses(theta, at.points.x, at.points.y), theta - at.anchor
    if at.target == "pbrf":
        metric = at.model.penalty + at.damping
        return at.points.w @ divergences(at, theta) + (w - at.points.w) @ losses + 0.5 * metric @ moved**2
    return w @ losses + 0.5 * at.model.penalty @ theta**2 + 0.5 * at.damping * moved @ moved


def gradient(at: Held, theta, w):
    """Of the target, for linear models."""
    total = linear_gradient(at.model, theta, at.points._replace(w=w)) + at.damping * (theta - at.anchor)
    if at.target == "pbrf":
        still = at.points.w @ point_gradients(at.model, at.anchor, at.points.x, at.points.y)
        total = total - still - at.model.penalty * at.anchor
    return total


def minimum(at: Held, w):
    """Where the target is least, for linear models: dense Newton steps, halved while the gradient grows."""
    theta = at.anchor
    for _ in range(60):
        slope = gradient(at, theta, w)
        bend = linear_hessian(at.model, theta, at.points._replace(w=w)) + at.damping * numpy.eye(len(theta))
        step, length = solve(bend, slope), 1.0
        while numpy.linalg.norm(gradient(at, theta - length * step, w)) > numpy.linalg.norm(slope) and length > 1e-4:
            length /= 2
        theta = theta - length * step
        if numpy.linalg.norm(slope) < 1e-15:
            break
    left = numpy.linalg.norm(gradient(at, theta, w))
    assert left < 1e-13, f"The oracle stopped at a gradient of {left:.1e}."
    return theta


def rises(at: Held, weights):
    """The rise of each test loss from θˢ to the minimum at each row of weights (r m)."""

    def watched(theta):
        return at.model.losses(theta, at.points.x_test, at.points.y_test)

    return numpy.stack([watched(minimum(at, w)) for w in weights]) - watched(at.anchor)


def changes(at: Held, groups, *, convention: str = "drop"):
    """The same for removals, what happens without any removal subtracted."""
    removed = rises(at, [without(at.points.w, group, convention) for group in groups])
    return removed - rises(at, [at.points.w])


@cache
def stopped(build, *, steps=10, **settings):
    """A fit that training left far from any minimum; the same call gives the same fit."""
    task, data = build(**settings)
    return fit(task, data, GradientDescent(steps=steps, learning_rate=0.1), seed=1)
