"""Truths that share no code with what they check: those of `influencelab.testing`, networks, finite differences."""

import itertools
from collections.abc import Callable

import numpy

from influencelab.testing.oracles import (
    LINEAR,
    Model,
    Points,
    cross_entropy,
    influence,
    linear,
    linear_gradient,
    linear_hessian,
    newton,
    objective,
    one_hot,
    point_gradients,
    points_of,
    removal_changes,
    sigmoid,
    softmax,
    solve,
    squared_error,
    with_ones,
    without,
)

__all__ = [
    "Model",
    "Points",
    "along",
    "cross_entropy",
    "gradient",
    "hessian",
    "influence",
    "linear",
    "linear_gradient",
    "linear_hessian",
    "model",
    "network",
    "newton",
    "objective",
    "one_hot",
    "point_gradients",
    "points_of",
    "removal_changes",
    "ridge_changes",
    "smooth_hinge",
    "softmax",
    "solve",
    "squared_error",
    "weight_slopes",
    "with_ones",
    "without",
]

ACTIVATIONS = {
    "tanh": numpy.tanh,
    "softplus": lambda z: numpy.log1p(numpy.exp(z)),
    "relu": lambda z: numpy.where(z > 0, z, 0.0),
    "selu": lambda z: 1.0507009873554805 * numpy.where(z > 0, z, 1.6732632423543772 * numpy.expm1(z)),
}


def smooth_hinge(t):
    """Its value, slope and bend; at t = 0 those of the true hinge away from its kink."""

    def short(z, y):
        return 1 - numpy.where(y == 1, z[:, 0], -z[:, 0])

    def value(z, y):
        return t * numpy.logaddexp(0.0, short(z, y) / t) if t else numpy.maximum(short(z, y), 0.0)

    def pull(z, y):
        return sigmoid(short(z, y) / t) if t else (short(z, y) > 0).astype(float)

    def slope(z, y):
        return (pull(z, y) * numpy.where(y == 1, -1.0, 1.0))[:, None]

    def bend(z, y):
        return (pull(z, y) * (1 - pull(z, y)) / t if t else numpy.zeros(len(z)))[:, None, None]

    return value, slope, bend


def model(task, data) -> Model:
    """The formulas of a task's settings; for these data."""
    name = type(task).__name__
    if name == "SmoothHinge":
        return linear(task, data, smooth_hinge(task.t))
    return linear(task, data) if name in LINEAR else network(task, data)


def network(task, data) -> Model:
    last = 1 if task.regression else data.classes
    widths = [data.x_train[0].numel(), *[task.width] * task.depth, last]
    shapes = [(rows, inputs + 1) for inputs, rows in itertools.pairwise(widths)]
    penalties = [numpy.full(shape, task.weight_decay) for shape in shapes]
    if not task.penalise_bias:
        for penalty in penalties:
            penalty[:, -1] = 0

    def outputs(theta, x):
        units, used = x, 0
        for layer, (rows, columns) in enumerate(shapes):
            matrix = theta[used : used + rows * columns].reshape(rows, columns)
            used += rows * columns
            units = units @ matrix[:, :-1].T + matrix[:, -1]
            units = ACTIVATIONS[task.activation](units) if layer < task.depth else units
        return units

    value = squared_error if task.regression else cross_entropy
    return Model(
        losses=lambda theta, x, y: value(outputs(theta, x), y),
        outputs=outputs,
        penalty=numpy.concatenate([penalty.ravel() for penalty in penalties]),
    )


# Finite differences: central, three step lengths, extrapolated to none (Romberg).
def along(f: Callable, at, direction, *, step: float = 2e-2):
    """The derivative of f, a number or an array, along a direction."""
    coarse, middle, fine = (
        (numpy.asarray(f(at + h * direction)) - f(at - h * direction)) / (2 * h) for h in (step, step / 2, step / 4)
    )
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    return (16 * second - first) / 15


def gradient(f: Callable, at, *, step: float = 2e-2):
    """∂f/∂θ on a new last axis."""
    return numpy.stack([along(f, at, axis, step=step) for axis in numpy.eye(len(at))], axis=-1)


def hessian(f: Callable, at):
    """∂²f/∂θ² of a number."""
    return gradient(lambda theta: gradient(f, theta), at)


def weight_slopes(model: Model, points: Points, row: int):
    """∂L_j/∂wᵢ by retraining at weights a little larger and smaller."""
    start = newton(model, points)

    def watched_losses(weight):
        w = points.w.copy()
        w[row] = weight
        return model.losses(newton(model, points._replace(w=w), start=start), points.x_test, points.y_test)

    return along(watched_losses, points.w[row], 1.0, step=points.w[row] / 4)


def ridge_changes(points: Points, *, penalty, intercept: bool, convention: str = "drop"):
    """Leave-one-out of ridge regression in closed form: the rise of each test loss for each removed point.

    For `drop` by the residual divided by 1 − leverage, as textbooks have it; for `renormalise` from the normal
    equations without the point, whose penalty weighs (total − wᵢ) / total against the data that stay.
    """
    x, x_test = with_ones(points.x, intercept), with_ones(points.x_test, intercept)
    normal = (x.T * points.w) @ x + numpy.diag(penalty)
    theta = numpy.linalg.solve(normal, x.T @ (points.w * points.y))
    changes = []
    for row, weight, target in zip(x, points.w, points.y, strict=True):
        share = weight / points.w.sum()
        if convention == "drop":
            push = numpy.linalg.solve(normal, weight * row)
            moved = theta - push * (target - row @ theta) / (1 - push @ row)
        else:
            left = normal - weight * numpy.outer(row, row) - share * numpy.diag(penalty)
            moved = numpy.linalg.solve(left, x.T @ (points.w * points.y) - weight * target * row)
        changes.append(squared_error(x_test @ moved[:, None], points.y_test))
    return numpy.stack(changes) - squared_error(x_test @ theta[:, None], points.y_test)
