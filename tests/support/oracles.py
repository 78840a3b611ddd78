"""Truths that share no code with the library: plain NumPy, explicit sums, finite differences, an independent Newton."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy

ACTIVATIONS = {
    "tanh": numpy.tanh,
    "softplus": lambda z: numpy.log1p(numpy.exp(z)),
    "relu": lambda z: numpy.where(z > 0, z, 0.0),
    "selu": lambda z: 1.0507009873554805 * numpy.where(z > 0, z, 1.6732632423543772 * numpy.expm1(z)),
}
# Bends that a null direction of an unpenalised softmax may show by rounding, as a share of the largest.
NULL = 1e-12


class Points(NamedTuple):
    """What is trained on and what is watched, as arrays; w is the weight of each training point."""

    x: numpy.ndarray
    y: numpy.ndarray
    w: numpy.ndarray
    x_test: numpy.ndarray
    y_test: numpy.ndarray


class Model(NamedTuple):
    """A task by its formulas alone.

    `losses(theta, x, y)` gives ℓ of each point; `penalty` is the weight decay of each parameter; `slopes` and `bends`
    give ∂ℓ/∂z (n c) and ∂²ℓ/∂z² (n c c) of the outputs of linear models, and are None for networks.
    """

    losses: Callable
    outputs: Callable
    penalty: numpy.ndarray
    slopes: Callable | None = None
    bends: Callable | None = None


def points_of(data, weights=None) -> Points:
    """The arrays of a data set; weights are 1/n unless given."""
    flat = [part.numpy().reshape(len(part), -1) for part in (data.x_train, data.x_test)]
    w = numpy.full(data.n, 1 / data.n) if weights is None else numpy.asarray(weights)
    return Points(flat[0], data.y_train.numpy(), w, flat[1], data.y_test.numpy())


# Losses, written out.
def softmax(z):
    lifted = numpy.exp(z - z.max(1, keepdims=True))
    return lifted / lifted.sum(1, keepdims=True)


def cross_entropy(z, y):
    top = z.max(1)
    return numpy.log(numpy.exp(z - top[:, None]).sum(1)) + top - z[numpy.arange(len(y)), y]


def binary_cross_entropy(z, y):
    return numpy.logaddexp(0.0, numpy.where(y == 1, -z[:, 0], z[:, 0]))


def squared_error(z, y):
    return 0.5 * (z[:, 0] - y) ** 2


def sigmoid(z):
    return 1 / (1 + numpy.exp(-z))


def one_hot(y, c):
    return (y[:, None] == numpy.arange(c)).astype(float)


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


LINEAR = {
    "Logistic": (
        cross_entropy,
        lambda z, y: softmax(z) - one_hot(y, z.shape[1]),
        lambda z, y: softmax(z)[:, :, None] * (numpy.eye(z.shape[1]) - softmax(z)[:, None, :]),
    ),
    "BinaryLogistic": (
        binary_cross_entropy,
        lambda z, y: sigmoid(z) - y[:, None],
        lambda z, y: (sigmoid(z) * sigmoid(-z))[:, :, None],
    ),
    "Ridge": (squared_error, lambda z, y: z - y[:, None], lambda z, y: numpy.ones((len(z), 1, 1))),
}


def model(task, data) -> Model:
    """The formulas of a task's settings; for these data."""
    return linear(task, data) if type(task).__name__ in (*LINEAR, "SmoothHinge") else network(task, data)


def with_ones(x, intercept):
    return numpy.hstack([x, numpy.ones((len(x), 1))]) if intercept else x


def linear(task, data) -> Model:
    name = type(task).__name__
    value, slope, bend = smooth_hinge(task.t) if name == "SmoothHinge" else LINEAR[name]
    c = data.classes if name == "Logistic" else 1
    d = data.x_train[0].numel() + task.intercept
    penalty = numpy.full((c, d), task.weight_decay)
    if task.intercept and not task.penalise_intercept:
        penalty[:, -1] = 0

    def outputs(theta, x):
        return with_ones(x, task.intercept) @ theta.reshape(c, d).T

    return Model(
        losses=lambda theta, x, y: value(outputs(theta, x), y),
        outputs=outputs,
        penalty=penalty.ravel(),
        slopes=lambda theta, x, y: slope(outputs(theta, x), y),
        bends=lambda theta, x, y: bend(outputs(theta, x), y),
    )


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


def objective(model: Model, theta, points: Points) -> float:
    """J(θ; w), nats."""
    return float(points.w @ model.losses(theta, points.x, points.y) + 0.5 * model.penalty @ theta**2)


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


# Linear models: exact derivatives by explicit sums, and what follows from them.
def linear_gradient(model: Model, theta, points: Points):
    """∇J, point by point."""
    return points.w @ point_gradients(model, theta, points.x, points.y) + model.penalty * theta


def point_gradients(model: Model, theta, x, y):
    """∇ℓᵢ of linear models, one a row: residual ⊗ features."""
    slopes = model.slopes(theta, x, y)
    return numpy.einsum("nc,nd->ncd", slopes, wide(x, len(theta) // slopes.shape[1])).reshape(len(x), -1)


def linear_hessian(model: Model, theta, points: Points):
    """∂²J/∂θ² of linear models: Σ wᵢ (∂²ℓ/∂z²) ⊗ xᵢxᵢᵀ and the penalty."""
    bends = model.bends(theta, points.x, points.y)
    x = wide(points.x, len(theta) // bends.shape[1])
    total = numpy.einsum("n,nce,nd,nf->cdef", points.w, bends, x, x, optimize=True)
    return total.reshape(len(theta), len(theta)) + numpy.diag(model.penalty)


def wide(x, columns):
    """The features with a last column of ones where that many columns are wanted."""
    return with_ones(x, columns > x.shape[1])


def solve(matrix, right):
    """The least-norm solution, without directions that do not bend."""
    return numpy.linalg.lstsq(matrix, right, rcond=NULL)[0]


def newton(model: Model, points: Points, *, start=None, steps: int = 20):
    """The minimum of J for a linear model: 20 dense Newton steps, halved while J rises."""
    theta = numpy.zeros(len(model.penalty)) if start is None else start
    for _ in range(steps):
        slope = linear_gradient(model, theta, points)
        if numpy.linalg.norm(slope) < 1e-16:
            break
        step = solve(linear_hessian(model, theta, points), slope)
        length, here = 1.0, objective(model, theta, points)
        while objective(model, theta - length * step, points) > here + 1e-13 and length > 1e-3:
            length /= 2
        theta = theta - length * step
    left = numpy.linalg.norm(linear_gradient(model, theta, points))
    assert left < 1e-13, f"The oracle's Newton stopped at ‖∇J‖ = {left:.1e}."
    return theta


def without(w, group, convention: str):
    """Training weights after a removal."""
    left = w.copy()
    left[list(group)] = 0
    return left * (w.sum() / left.sum()) if convention == "renormalise" else left


def removal_changes(model: Model, points: Points, groups, *, convention: str = "drop"):
    """The rise of each test loss when each group of points is removed, by the independent Newton."""
    start = newton(model, points)

    def watched_losses(w):
        return model.losses(newton(model, points._replace(w=w), start=start), points.x_test, points.y_test)

    before = watched_losses(points.w)
    return numpy.stack([watched_losses(without(points.w, group, convention)) - before for group in groups])


def weight_slopes(model: Model, points: Points, row: int):
    """∂L_j/∂wᵢ by retraining at weights a little larger and smaller."""
    start = newton(model, points)

    def watched_losses(weight):
        w = points.w.copy()
        w[row] = weight
        return model.losses(newton(model, points._replace(w=w), start=start), points.x_test, points.y_test)

    return along(watched_losses, points.w[row], 1.0, step=points.w[row] / 4)


def influence(model: Model, theta, points: Points, *, damping: float = 0.0):
    """wᵢ ∇ℓᵢᵀ (H + damping I)⁺ ∇L_j of linear models, by dense algebra (n m)."""
    curvature = linear_hessian(model, theta, points) + damping * numpy.eye(len(theta))
    solved = solve(curvature, point_gradients(model, theta, points.x_test, points.y_test).T)
    return points.w[:, None] * (point_gradients(model, theta, points.x, points.y) @ solved)


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
