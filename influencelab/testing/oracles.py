"""Truths that share no code with what they check: plain NumPy, explicit sums, an independent Newton."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

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

    losses: Callable[..., Any]
    outputs: Callable[..., Any]
    penalty: numpy.ndarray
    slopes: Callable[..., Any] | None = None
    bends: Callable[..., Any] | None = None


def points_of(data: Any, weights: Any = None) -> Points:
    """The arrays of a data set; weights are 1/n unless given."""
    flat = [part.numpy().reshape(len(part), -1) for part in (data.x_train, data.x_test)]
    w = numpy.full(data.n, 1 / data.n) if weights is None else numpy.asarray(weights)
    return Points(flat[0], data.y_train.numpy(), w, flat[1], data.y_test.numpy())


def softmax(z: numpy.ndarray) -> numpy.ndarray:
    """Probabilities of each row of outputs."""
    lifted = numpy.exp(z - z.max(1, keepdims=True))
    return lifted / lifted.sum(1, keepdims=True)


def cross_entropy(z: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """−log of the probability of the true class, nats."""
    top = z.max(1)
    return numpy.log(numpy.exp(z - top[:, None]).sum(1)) + top - z[numpy.arange(len(y)), y]


def binary_cross_entropy(z: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """The same of one output, by which class 1 is likelier than class 0."""
    return numpy.logaddexp(0.0, numpy.where(y == 1, -z[:, 0], z[:, 0]))


def squared_error(z: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """Half of the squared residual."""
    return 0.5 * (z[:, 0] - y) ** 2


def sigmoid(z: numpy.ndarray) -> numpy.ndarray:
    """The probability of class 1."""
    return 1 / (1 + numpy.exp(-z))


def one_hot(y: numpy.ndarray, c: int) -> numpy.ndarray:
    """Labels as rows of a unit matrix."""
    return (y[:, None] == numpy.arange(c)).astype(float)


# By the name of the task: the loss of outputs and labels, its slope, its bend.
LINEAR: dict[str, tuple[Callable[..., Any], ...]] = {
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


def with_ones(x: numpy.ndarray, intercept: bool) -> numpy.ndarray:
    """The features, with a last column of ones for an intercept."""
    return numpy.hstack([x, numpy.ones((len(x), 1))]) if intercept else x


def linear(task: Any, data: Any, formulas: tuple[Callable[..., Any], ...] | None = None) -> Model:
    """The formulas of a linear task's settings; for these data.

    Args:
        task: of which only the name of its class and its settings are read.
        data: of which only the number of classes and of features are.
        formulas: loss, slope and bend of a task that is not in `LINEAR`.
    """
    name = type(task).__name__
    value, slope, bend = formulas or LINEAR[name]
    c = data.classes if name == "Logistic" else 1
    d = data.x_train[0].numel() + task.intercept
    penalty = numpy.full((c, d), task.weight_decay)
    if task.intercept and not task.penalise_intercept:
        penalty[:, -1] = 0

    def outputs(theta: numpy.ndarray, x: numpy.ndarray) -> numpy.ndarray:
        return with_ones(x, task.intercept) @ theta.reshape(c, d).T

    return Model(
        losses=lambda theta, x, y: value(outputs(theta, x), y),
        outputs=outputs,
        penalty=penalty.ravel(),
        slopes=lambda theta, x, y: slope(outputs(theta, x), y),
        bends=lambda theta, x, y: bend(outputs(theta, x), y),
    )


def objective(model: Model, theta: numpy.ndarray, points: Points) -> float:
    """J(θ; w), nats."""
    return float(points.w @ model.losses(theta, points.x, points.y) + 0.5 * model.penalty @ theta**2)


def linear_gradient(model: Model, theta: numpy.ndarray, points: Points) -> numpy.ndarray:
    """∇J, point by point."""
    return points.w @ point_gradients(model, theta, points.x, points.y) + model.penalty * theta


def point_gradients(model: Model, theta: numpy.ndarray, x: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """∇ℓᵢ of linear models, one a row: residual ⊗ features."""
    assert model.slopes is not None, "The formulas of this model have no slopes; write out a linear one."
    slopes = model.slopes(theta, x, y)
    return numpy.einsum("nc,nd->ncd", slopes, wide(x, len(theta) // slopes.shape[1])).reshape(len(x), -1)


def linear_hessian(model: Model, theta: numpy.ndarray, points: Points) -> numpy.ndarray:
    """∂²J/∂θ² of linear models: Σ wᵢ (∂²ℓ/∂z²) ⊗ xᵢxᵢᵀ and the penalty."""
    assert model.bends is not None, "The formulas of this model have no bends; write out a linear one."
    bends = model.bends(theta, points.x, points.y)
    x = wide(points.x, len(theta) // bends.shape[1])
    total = numpy.einsum("n,nce,nd,nf->cdef", points.w, bends, x, x, optimize=True)
    return total.reshape(len(theta), len(theta)) + numpy.diag(model.penalty)


def wide(x: numpy.ndarray, columns: int) -> numpy.ndarray:
    """The features with a last column of ones where that many columns are wanted."""
    return with_ones(x, columns > x.shape[1])


def solve(matrix: numpy.ndarray, right: numpy.ndarray) -> numpy.ndarray:
    """The least-norm solution, without directions that do not bend."""
    return numpy.linalg.lstsq(matrix, right, rcond=NULL)[0]


def newton(model: Model, points: Points, *, start: numpy.ndarray | None = None, steps: int = 20) -> numpy.ndarray:
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


def without(w: numpy.ndarray, group: Any, convention: str) -> numpy.ndarray:
    """Training weights after a removal."""
    left = w.copy()
    left[list(group)] = 0
    return left * (w.sum() / left.sum()) if convention == "renormalise" else left


def removal_changes(model: Model, points: Points, groups: Any, *, convention: str = "drop") -> numpy.ndarray:
    """The rise of each test loss when each group of points is removed (r m), by the independent Newton."""
    start = newton(model, points)

    def watched_losses(w: numpy.ndarray) -> numpy.ndarray:
        return model.losses(newton(model, points._replace(w=w), start=start), points.x_test, points.y_test)

    before = watched_losses(points.w)
    return numpy.stack([watched_losses(without(points.w, group, convention)) - before for group in groups])


def influence(model: Model, theta: numpy.ndarray, points: Points, *, damping: float = 0.0) -> numpy.ndarray:
    """wᵢ ∇ℓᵢᵀ (H + damping I)⁺ ∇L_j of linear models, by dense algebra (n m)."""
    curvature = linear_hessian(model, theta, points) + damping * numpy.eye(len(theta))
    solved = solve(curvature, point_gradients(model, theta, points.x_test, points.y_test).T)
    return points.w[:, None] * (point_gradients(model, theta, points.x, points.y) @ solved)
