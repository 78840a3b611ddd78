"""Losses of linear estimators written out, and Newton's steps to their minimum where their own solvers stop before."""

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy

Array = numpy.ndarray


class Form(NamedTuple):
    """A loss of one output with its two derivatives, for y as 0 and 1 or a target; and how many times J has it."""

    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    bend: Callable[[Array, Array], Array]
    times: float = 1.0


def by_margin(value, slope, bend, times=1.0) -> Form:
    """A loss of the margin s."""

    def sided(part, power):
        return lambda z, y: (2.0 * y - 1) ** power * part((2.0 * y - 1) * z)

    return Form(sided(value, 0), sided(slope, 1), sided(bend, 2), times)


def by_residual(value, slope, bend, times=1.0) -> Form:
    """A loss of z − y."""
    return Form(*((lambda z, y, part=part: part(z - y)) for part in (value, slope, bend)), times)


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(−z))."""
    return 1 / (1 + numpy.exp(-z))


def beyond(epsilon: float, cut: float = numpy.inf) -> tuple[Callable, ...]:
    """Half the square of what |r| exceeds epsilon by, a line from the cut on."""

    def over(r):
        return numpy.maximum(numpy.abs(r) - epsilon, 0)

    return (
        lambda r: numpy.where(over(r) <= cut, over(r) ** 2 / 2, min(cut, 1e9) * (over(r) - min(cut, 1e9) / 2)),
        lambda r: numpy.sign(r) * numpy.minimum(over(r), cut),
        lambda r: 1.0 * (numpy.abs(r) >= epsilon) * (over(r) <= cut),
    )


def short(cut: float = numpy.inf) -> tuple[Callable, ...]:
    """The same of what the margin is short of 1."""
    value, slope, bend = beyond(0.0, cut)
    return (
        lambda s: value(numpy.maximum(1 - s, 0)),
        lambda s: -slope(numpy.maximum(1 - s, 0)),
        lambda s: bend(1 - s) * (s < 1),
    )


def form_of(model: Any) -> Form | None:
    """The loss of an estimator that has one by name; None for others."""
    name, loss, epsilon = type(model).__name__, getattr(model, "loss", None), getattr(model, "epsilon", 0.0)
    if name == "LogisticRegression" and model.solver == "liblinear" and not model.l1_ratio:
        name, loss = "LinearSVC", "log_loss"
    if not name.startswith(("SGD", "LinearSV")):
        return None
    classifier = name in ("SGDClassifier", "LinearSVC")
    if loss == "squared_error":
        return (
            by_margin(*((lambda s, part=part: part(s - 1)) for part in beyond(0.0)))
            if classifier
            else by_residual(*beyond(0.0))
        )
    return {
        "log_loss": by_margin(
            lambda s: numpy.logaddexp(0, -s), lambda s: -sigmoid(-s), lambda s: sigmoid(s) * sigmoid(-s)
        ),
        "squared_hinge": by_margin(*short(), times=2.0),
        "modified_huber": by_margin(*short(2.0), times=2.0),
        "huber": by_residual(*beyond(0.0, epsilon)),
        "squared_epsilon_insensitive": by_residual(*beyond(epsilon), times=2.0),
    }[loss]


def settled(model: Any, x: Array, y: Array, weights: Array) -> Any:
    """The model after Newton's steps on its own objective, where its solver stops at 1e-9 of it or far before."""
    name = type(model).__name__
    special = {"HuberRegressor": huber, "MLPClassifier": network, "MLPRegressor": network, "OneVsRestClassifier": each}
    if name in special:
        return special[name](model, x, y, weights)
    form = form_of(model)
    if form is None:
        return model
    return (rows_settled if numpy.ndim(model.coef_) == 2 and len(model.coef_) > 1 else newton)(model, x, y, weights)


def newton(model: Any, x: Array, y: Array, weights: Array) -> Any:
    """A model of one output after Newton's steps on its own objective."""
    form = form_of(model)
    assert form is not None
    if type(model).__name__.startswith("SGD"):
        total, penalty, constant = form.times / len(y), model.alpha, 0.0
    else:
        total, penalty, constant = form.times * model.C, 1.0, model.intercept_scaling
    weights = weights * class_weights(model, y)
    width, steps = x.shape[1], 0
    design = numpy.column_stack([x, numpy.full(len(y), constant or 1.0)])[:, : width + model.fit_intercept]
    ridge = numpy.where(numpy.arange(design.shape[1]) < width, penalty, penalty if constant else 0.0)
    theta = numpy.append(model.coef_.ravel(), numpy.ravel(model.intercept_) / (constant or 1.0))[: design.shape[1]]

    def objective(at):
        return total * weights @ form.value(design @ at, y) + ridge @ at**2 / 2

    for steps in range(100):  # noqa: B007
        z = design @ theta
        gradient = total * design.T @ (weights * form.slope(z, y)) + ridge * theta
        curvature = total * design.T @ ((weights * form.bend(z, y))[:, None] * design) + numpy.diag(ridge)
        step, here = numpy.linalg.solve(curvature, gradient), objective(theta)
        if numpy.abs(step).max() <= 1e-12 * numpy.abs(theta).max():
            break
        while objective(theta - step) > here * (1 + 1e-12):
            step = step / 2
        theta = theta - step
    assert steps < 99
    model.coef_ = theta[:width].reshape(numpy.shape(model.coef_))
    if model.fit_intercept:
        model.intercept_ = numpy.atleast_1d(theta[-1] * (constant or 1.0))
    return model


def each(model: Any, x: Array, y: Array, weights: Array) -> Any:
    """Each of the models that this one holds, one a class."""
    for place, machine in enumerate(model.estimators_):
        settled(machine, x, (y == place).astype(int), weights)
    return model


def rows_settled(model: Any, x: Array, y: Array, weights: Array) -> Any:
    """Each row of a model of one machine a class on its own, in which the class alone has its weight."""
    given, machine = model.class_weight, copy(model)
    for place in range(len(model.classes_)):
        machine.coef_, machine.intercept_ = model.coef_[place], model.intercept_[place]
        machine.class_weight = None if given is None else {0: 1.0, 1: given[place]}
        settled(machine, x, (y == place).astype(int), weights)
        model.coef_[place] = machine.coef_
        model.intercept_[place] = machine.intercept_[0]
    return model


def class_weights(model: Any, y: Array) -> Array:
    """The weight of each point's class, given for classes 0 and 1."""
    given = getattr(model, "class_weight", None)
    return numpy.ones(len(y)) if given is None else numpy.array([given[int(each)] for each in y])


def huber(model: Any, x: Array, y: Array, weights: Array) -> Any:
    """Huber's regression with its scale: its own solver stops at 2e-9 of its objective, whatever tol says."""
    design = numpy.column_stack([x, numpy.ones(len(weights))]) if model.fit_intercept else x
    penalty = numpy.where(numpy.arange(design.shape[1] + 1) < x.shape[1], 2 * model.alpha, 0.0)
    theta = numpy.append(model.coef_, [model.intercept_, model.scale_] if model.fit_intercept else [model.scale_])
    for _ in range(50):
        scaled = (y - design @ theta[:-1]) / theta[-1]
        cut, inside = scaled.clip(-model.epsilon, model.epsilon), numpy.abs(scaled) <= model.epsilon
        gradient = numpy.append(-2 * design.T @ (weights * cut), weights.sum() - weights @ cut**2) + penalty * theta
        both = numpy.column_stack([design, scaled])
        curvature = 2 / theta[-1] * both.T @ ((weights * inside)[:, None] * both) + numpy.diag(penalty)
        step = numpy.linalg.solve(curvature, gradient)
        theta = theta - step
        if numpy.abs(step).max() <= 1e-13 * numpy.abs(theta).max():
            break
    model.coef_, model.scale_ = theta[: x.shape[1]], theta[-1]
    model.intercept_ = theta[-2] if model.fit_intercept else 0.0
    return model


def network(model: Any, x: Array, y: Array, weights: Array) -> Any:
    """A network after Newton's steps on its own loss and gradient, with one Hessian by their central differences."""
    targets = model._label_binarizer.transform(y).astype(float) if hasattr(model, "classes_") else y[:, None]
    layers = [(each.shape, numpy.empty_like(each)) for each in model.coefs_]
    units = [numpy.empty(each) for each in [*model.hidden_layer_sizes, targets.shape[1]]]

    def gradient(theta):
        grads, offsets = [each for _, each in layers], [numpy.empty_like(each) for each in model.intercepts_]
        activations, deltas = [x] + [None] * len(units), [None] * len(units)
        return model._loss_grad_lbfgs(theta, x, targets, weights, activations, deltas, grads, offsets)[1]

    theta = numpy.concatenate([each.ravel() for each in (*model.coefs_, *model.intercepts_)])
    at = gradient(theta)
    for _ in range(30):
        steps = 1e-5 * numpy.eye(len(theta))
        hessian = numpy.array([gradient(theta + step) - gradient(theta - step) for step in steps]) / 2e-5
        values, vectors = numpy.linalg.eigh((hessian + hessian.T) / 2)
        step = vectors @ (vectors.T @ at / numpy.abs(values))
        if numpy.abs(step).max() <= 1e-9:
            break
        while numpy.linalg.norm(after := gradient(theta - step)) > numpy.linalg.norm(at):
            step = step / 2
        theta, at = theta - step, after
    model._unpack(theta)
    return model
