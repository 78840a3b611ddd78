"""Linear models in decimal numbers of 110 digits: minima, influence and retraining that no scale hurts.

Nothing here is shared with the library, not even floating point. A model is (X, y, w, penalty, loss): X with its column
of ones, a weight a point, a weight decay a column, and the name of the loss.
"""

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, setcontext
from typing import NamedTuple

import numpy

# On a tail each step of Newton's takes a point's curvature down by a factor e: STEPS of them stay above NULL.
DIGITS, NULL, DONE = 110, Decimal("1e-85"), Decimal("1e-28")
STEPS, HALVINGS = 160, 400
ONE, ZERO = Decimal(1), Decimal(0)


class Model(NamedTuple):
    """What is minimised: Σ wᵢ ℓ(Θxᵢ, yᵢ) + ½ Σ penalty θ², with Θ of c rows, flattened row by row."""

    x: numpy.ndarray
    y: numpy.ndarray
    w: numpy.ndarray
    penalty: numpy.ndarray
    loss: str
    c: int = 1
    t: Decimal = ONE


class Minimum(NamedTuple):
    """θ, and whether it is a minimum: not where each step still moves the outputs."""

    theta: numpy.ndarray
    exists: bool


def exact(values) -> numpy.ndarray:
    """Floats as the decimals that they are."""
    setcontext(Context(prec=DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN))
    array = numpy.asarray(values)
    return numpy.array([Decimal(float(each)) for each in array.ravel()], dtype=object).reshape(array.shape)


def sigmoid(z):
    """1 / (1 + exp(−z))."""
    grown = (-abs(z)).exp()
    return ONE / (1 + grown) if z >= 0 else grown / (1 + grown)


def log1p_exp(z):
    """log(1 + exp z), in as many digits where it is small."""
    if z > 0:
        return z + log1p_exp(-z)
    grown = z.exp()
    if grown > Decimal("1e-10"):
        return (1 + grown).ln()
    return sum(((-1) ** (k + 1) * grown**k / k for k in range(1, 9)), ZERO)


def parts(model: Model, z, label):
    """The loss of one point, its slopes in the outputs, and its bends."""
    if model.loss == "squared":
        left = z[0] - label
        return left * left / 2, [left], [[ONE]]
    if model.loss in ("binary", "hinge"):
        side, t = (1 if label == 1 else -1), (model.t if model.loss == "hinge" else ONE)
        short = ((1 if model.loss == "hinge" else 0) - side * z[0]) / t
        pull = sigmoid(short)
        return t * log1p_exp(short), [-side * pull], [[pull * sigmoid(-short) / t]]
    against = [each - z[label] for each in z]
    top = max(against)
    grown = [(each - top).exp() for each in against]
    total = sum(grown, ZERO)
    p = [each / total for each in grown]
    others = sum((each for k, each in enumerate(grown) if k != label), ZERO)
    value = log1p_exp((others / grown[label]).ln()) if others else ZERO
    slopes = [each if k != label else -others / total for k, each in enumerate(p)]
    rest = [sum((grown[e] for e in range(len(z)) if e != a), ZERO) / total for a in range(len(z))]
    bends = [[p[a] * rest[a] if a == e else -p[a] * p[e] for e in range(len(z))] for a in range(len(z))]
    return value, slopes, bends


def outputs(model: Model, theta, x):
    """Θ x of each point."""
    return x @ theta.reshape(model.c, -1).T


def all_parts(model: Model, theta, x, y):
    """Losses (n), slopes (n c), bends (n c c)."""
    found = [parts(model, list(z), label) for z, label in zip(outputs(model, theta, x), y, strict=True)]
    shapes = ((len(y),), (len(y), model.c), (len(y), model.c, model.c))
    return tuple(numpy.array([each[k] for each in found], dtype=object).reshape(shapes[k]) for k in range(3))


def losses(model: Model, theta, x, y):
    """ℓ of each point."""
    return all_parts(model, theta, x, y)[0]


def gradients(slopes, x):
    """∇ℓ, a row a point."""
    return (slopes[:, :, None] * x[:, None, :]).reshape(len(x), slopes.shape[1] * x.shape[1])


def hessian(model: Model, bends, weights):
    """Σ wᵢ bend ⊗ xxᵀ + penalty."""
    d, c = model.x.shape[1], model.c
    total = numpy.full((c, d, c, d), ZERO, dtype=object)
    for a in range(c):
        for e in range(c):
            total[a, :, e, :] = model.x.T @ ((weights * bends[:, a, e])[:, None] * model.x)
    total = total.reshape(c * d, c * d)
    total[numpy.arange(c * d), numpy.arange(c * d)] += model.penalty
    return total


def solve(matrix, right):
    """A solution of a semidefinite system, and the share of each right side that no solution reaches."""
    a, b, p = matrix.copy(), right.copy(), len(matrix)
    size = [max(matrix[k, k], ZERO).sqrt() or ONE for k in range(p)]
    scale = numpy.array([ONE / each for each in size], dtype=object)
    a, b = a * scale[:, None] * scale, b * scale[:, None]
    lengths = [max(map(abs, column)) or ONE for column in b.T]
    left, order = list(range(p)), []
    while left:
        k = max(left, key=lambda row: a[row, row])
        if a[k, k] <= NULL:
            break
        left.remove(k)
        order.append(k)
        for row in left:
            factor = a[row, k] / a[k, k]
            a[row] = a[row] - factor * a[k]
            b[row] = b[row] - factor * b[k]
    missed = [max((abs(b[row, j]) for row in left), default=ZERO) / lengths[j] for j in range(b.shape[1])]
    solution = numpy.full(b.shape, ZERO, dtype=object)
    for k in reversed(order):
        solution[k] = (b[k] - a[k] @ solution) / a[k, k]
    return solution * scale[:, None], missed


def minimise(model: Model, start=None) -> Minimum:
    """Newton with halving; for a hinge by way of wider ones."""
    theta = numpy.full(len(model.penalty), ZERO, dtype=object) if start is None else start
    if model.loss == "hinge" and start is None:
        t = ONE
        while t > model.t:
            theta, t = descend(model._replace(t=t), theta).theta, t / 3
    return descend(model, theta)


def descend(model: Model, theta) -> Minimum:
    """Newton steps until none moves the outputs any more."""
    live = numpy.array([each > 0 for each in model.w])
    model = model._replace(x=model.x[live], y=model.y[live], w=model.w[live])
    value, slope, curved = measured(model, theta)
    first = size_of(model, theta)
    for _ in range(STEPS):
        step = -solve(curved, slope[:, None])[0][:, 0]
        moved = size_of(model, step)
        if moved <= DONE * max(first, size_of(model, theta)):
            return Minimum(theta + step, True)
        along, length = slope @ step, ONE
        for _ in range(HALVINGS):
            there = theta + length * step
            tried = measured(model, there)
            if tried[0] <= value + Decimal("1e-4") * length * along:
                break
            length = length / 2
        theta, (value, slope, curved) = there, tried
    return Minimum(theta, False)


def measured(model: Model, theta):
    """J, ∇J and the Hessian."""
    value, slopes, bends = all_parts(model, theta, model.x, model.y)
    total = model.w @ value + (model.penalty * theta) @ theta / 2
    return total, gradients(slopes, model.x).T @ model.w + model.penalty * theta, hessian(model, bends, model.w)


def size_of(model: Model, theta) -> Decimal:
    """The largest output, common shifts left out, or part of the penalty."""
    z = outputs(model, theta, model.x)
    z = z - z.sum(1)[:, None] / model.c if model.c > 1 else z
    return max([*map(abs, z.ravel()), ((model.penalty * theta) @ theta).sqrt()])


def influence(model: Model, theta, x_test, y_test):
    """wᵢ ∇ℓᵢᵀ H⁺ ∇L_j, what one Newton step without point i does (None: no such), and the largest share missed."""
    _, slopes, bends = all_parts(model, theta, model.x, model.y)
    g_test = gradients(all_parts(model, theta, x_test, y_test)[1], x_test)
    g = gradients(slopes, model.x)
    solved, missed = solve(hessian(model, bends, model.w), g_test.T)
    values = model.w[:, None] * (g @ solved)
    steps = []
    for row in range(len(g)):
        without = model.w.copy()
        without[row] = ZERO
        moved, lost = solve(hessian(model, bends, without), g[row][:, None] * model.w[row])
        steps.append(g_test @ moved[:, 0] if lost[0] < Decimal("1e-20") else None)
    return values, steps, max(missed)


def influence_missed(model: Model, theta, x_test, y_test) -> Decimal:
    """The largest share of a test gradient along which the loss is flat: where it is above 0, its loss is anything."""
    bends = all_parts(model, theta, model.x, model.y)[2]
    g_test = gradients(all_parts(model, theta, x_test, y_test)[1], x_test)
    return max(solve(hessian(model, bends, model.w), g_test.T)[1])


def without(model: Model, row: int) -> Model:
    """The same without one point."""
    w = model.w.copy()
    w[row] = ZERO
    return model._replace(w=w)
