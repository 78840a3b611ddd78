"""Derivatives of (task, data, θ) as pure functions: gradients, slopes, curvature products, dense Hessians.

The objective is the losses plus the penalty; both are asked of the task (`Task.derivatives`, `Task.penalty`), which
answers in closed form or by automatic differentiation. Every sum over training points runs in chunks of rows, so
memory does not grow with n.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import grad, jacrev, jvp, vjp, vmap

from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import SparseRows, row_size, written_out
from influencelab.errors import InvalidParameter
from influencelab.models import layer_curvature
from influencelab.models.loss_derivatives import PRODUCTS
from influencelab.models.loss_derivatives import chunks as chunks
from influencelab.models.shapes import CB, KM, KN, KP, KPP, MP, K, N, P, Theta, X, Y
from influencelab.models.task import Task, output_roots
from influencelab.recipe import is_default

# Chunks that are read again at once, as a share of those that are not.
CACHED = 16


def objectives(task: Task, data: Dataset, theta: KP, weights: KN) -> K:
    """J(θ; w) of k models, each with its own weights, in nats: the one place where the objective is written."""
    total, over = task.penalty(data, theta).values(theta), task.derivatives(data)
    for rows in over.passes(len(theta)):
        total = total + over.losses(theta, weights, rows)
    return total


def gradients(task: Task, data: Dataset, theta: KP, weights: KN) -> KP:
    """∇J of k models, in nats per unit of parameter."""
    total, over = penalty_gradient(task, data, theta), task.derivatives(data)
    for rows in over.passes(len(theta)):
        total += over.gradients(theta, weights, rows)
    return total


def penalty_gradient(task: Task, data: Dataset, theta: Theta) -> Theta:
    """∇R: weight_decay P θ of a plain task."""
    return task.penalty(data, theta).gradient(theta)


def objectives_and_gradients(task: Task, data: Dataset, theta: KP, weights: KN) -> tuple[K, KP]:
    """J and ∇J of k models in one pass over the points; J is the same as that of `objectives`."""
    penalty, over = task.penalty(data, theta), task.derivatives(data)
    values, slopes = penalty.values(theta), penalty.gradient(theta)
    for rows in over.passes(len(theta)):
        more = over.losses_and_gradients(theta, weights, rows)
        values, slopes = values + more[0], slopes + more[1]
    return values, slopes


def products(task: Task, data: Dataset, theta: P, weights: N, vectors: KP, *, kind: str = "hessian") -> KP:
    """Curvature of J at one θ times k vectors: the change of ∇J as θ moves along each of them.

    `hessian` is ∂²J/∂θ²; `gauss_newton` is Σ wᵢ Jᵢᵀ (∂²ℓᵢ/∂z²) Jᵢ + the penalty, with Jᵢ the Jacobian of the outputs.
    For linear tasks they are the same.
    """
    check_kind(kind)
    total, over = task.penalty(data, vectors).products(theta, vectors, kind=kind), task.derivatives(data)
    for rows in over.passes(len(vectors)):
        total += over.products(theta, weights, vectors, rows, kind=kind)
    return total


def model_products(task: Task, data: Dataset, theta: KP, weights: KN, vectors: KP) -> KP:
    """The Hessian of J of each of k models, at its own θ and weights, times its own vector, penalty included."""
    total, over = task.penalty(data, vectors).products(theta, vectors, kind="hessian"), task.derivatives(data)
    for rows in over.passes(len(theta)):
        total += over.model_products(theta, weights, vectors, rows)
    return total


def hessians(task: Task, data: Dataset, theta: KP, weights: KN, *, kind: str = "hessian") -> KPP:
    """Dense curvature of k models, each at its own θ and weights."""
    check_kind(kind)
    total = task.derivatives(data).hessians(theta, weights, kind=kind)
    task.penalty(data, theta).add_hessians(total, theta, kind=kind)
    return total


def diagonal(task: Task, data: Dataset, theta: P, weights: N) -> P:
    """The diagonal of the Gauss-Newton curvature of J: positive, and cheap for linear tasks and those of layers."""
    total, loss = task.penalty(data, theta).stiffness.clone(), task.output_loss
    if not task.linear and layer_curvature.layered(task, data, theta):
        return total + layer_curvature.diagonal(task, data, theta, weights)
    width = row_size(data.x_train, dense=len(theta) * (1 if task.linear else loss.size(data)))
    for rows in chunks(data.n, width=width):
        x = data.x_train[rows]
        curved = loss.hessians(task.outputs(theta, x), data.y_train[rows]) * weights[rows]
        if task.linear:
            total += (curved.diagonal(dim1=0, dim2=1).T @ task.features(x).square()).flatten()
        else:
            slopes = vmap(lambda one, root: pulled_back_each(task, one[None], theta, root))
            total += slopes(x, output_roots(curved).permute(2, 0, 1)).square().sum((0, 1))
    return total


def point_slopes(task: Task, data: Dataset, theta: P, directions: KP) -> Float[Tensor, "n k"]:
    """∇ℓᵢᵀ dₖ: how fast the loss of training point i rises when θ moves along direction k."""
    chunked = task.derivatives(data).chunks(len(directions))
    return torch.cat([slopes_at(task, data.y_train[rows], theta, directions, data.x_train[rows]) for rows in chunked])


def point_slope_changes(
    task: Task, data: Dataset, theta: P, moves: Float[Tensor, " n *shape"], directions: KP
) -> Float[Tensor, "n k"]:
    """(∇ₓ∇_θ ℓᵢ · δᵢ)ᵀ dₖ: how fast ∇ℓᵢᵀ dₖ changes when the features of training point i move along δᵢ."""
    parts = []
    for rows in task.derivatives(data).chunks(len(directions)):
        slopes = partial(slopes_at, task, data.y_train[rows], theta, directions)
        parts.append(jvp(slopes, (written_out(data.x_train[rows]),), (moves[rows],))[1])
    return torch.cat(parts)


def slopes_at(task: Task, y: Y, theta: P, directions: KP, x: X) -> Float[Tensor, "b k"]:
    """∇ℓᵢᵀ dₖ of some points."""
    return pulled_along(task, theta, x, task.output_loss.gradients(task.outputs(theta, x), y), directions)


def pulled_along(task: Task, theta: P, x: X, slopes: CB, directions: KP) -> Float[Tensor, "b k"]:
    """Σ slopes[a, i] (Jᵢ dₖ)ₐ over outputs: how fast a number of each point with these slopes rises along each dₖ."""
    if task.linear and not isinstance(x, SparseRows) and len(directions) * len(slopes) > len(theta):
        # A point's gradient has fewer numbers than its outputs along so many directions.
        parts, features = chunks(len(x), width=CACHED * len(theta)), task.features(x)
        return torch.cat([times_features(slopes[:, rows].T, features[rows]) @ directions.T for rows in parts])
    return (task.output_slopes(theta, x, directions) * slopes).sum(-2).T


def output_jacobians(task: Task, x: X, theta: P) -> Float[Tensor, "b c p"]:
    """∂z/∂θ of each point, dense: for small models and few points."""
    return vmap(lambda point: jacrev(lambda parameters: task.outputs(parameters, point[None])[:, 0])(theta))(x)


def point_gradients(task: Task, data: Dataset, theta: P, rows: slice | Tensor = slice(None)) -> Float[Tensor, "b p"]:
    """∇ℓᵢ of some training points, dense, without the penalty."""
    if task.linear:
        return linear_gradients(task, theta, data.x_train[rows], data.y_train[rows])
    one = grad(lambda parameters, x, y: task.losses(parameters, x[None], y[None])[0])
    return vmap(one, in_dims=(None, 0, 0))(theta, data.x_train[rows], data.y_train[rows])


def measures(task: Task, data: Dataset, theta: KP) -> KM:
    """The measure of each test point, for k models, in nats."""
    return task.derivatives(data).measures(theta)


def output_measure_gradients(
    task: Task, x: X, theta: P, measured: Callable[[Float[Tensor, "c b"]], Float[Tensor, " b"]]
) -> Float[Tensor, "b p"]:
    """The derivative in θ of a number of each point that depends on the point's own outputs alone."""
    slopes = grad(lambda z: measured(z).sum())(task.outputs(theta, x)).T
    if task.linear:
        return times_features(slopes, task.features(x))
    return vmap(lambda slope, point: pulled_back(task, point[None], theta, slope[:, None]))(slopes, x)


def pulled_back_each(task: Task, x: X, theta: P, slopes: Float[Tensor, "k c"]) -> KP:
    """Of one point, Σ slopes[k, a] ∂zₐ/∂θ over outputs for each k."""
    pull = vjp(lambda at: task.outputs(at, x)[:, 0], theta)[1]
    return vmap(lambda slope: pull(slope)[0])(slopes)


def pulled_back(task: Task, x: X, theta: P, slopes: Float[Tensor, "c b"]) -> P:
    """Σ slopes[a, i] ∂zₐᵢ/∂θ over outputs and points."""
    if task.linear:
        return (slopes @ task.features(x)).flatten()
    return vjp(lambda at: task.outputs(at, x), theta)[1](slopes)[0]


def measure_gradients(task: Task, data: Dataset, theta: P) -> MP:
    """∇L_j of each test point."""
    if task.linear and is_default(type(task).measure):
        return linear_gradients(task, theta, data.x_test, data.y_test)
    one = grad(lambda parameters, x, y: task.measure(parameters, x[None], y[None])[0])
    return vmap(one, in_dims=(None, 0, 0))(theta, written_out(data.x_test), data.y_test)


def linear_gradients(task: Task, theta: P, x: X, y: Y) -> Float[Tensor, "b p"]:
    """∇ℓ of each point of a linear task: the slopes of its loss times its features."""
    return times_features(task.output_loss.gradients(task.outputs(theta, x), y).T, task.features(x))


def times_features(slopes: Float[Tensor, "b c"], features: Float[Tensor, "b d"]) -> Float[Tensor, "b p"]:
    """The gradient of each point, from its slopes in the outputs of a linear task."""
    return (slopes[:, :, None] * written_out(features)[:, None]).flatten(1)


def point_lengths(task: Task, data: Dataset, theta: P, rows: slice | Tensor = slice(None)) -> N:
    """‖∇ℓᵢ‖ of some training points; for linear tasks ‖∂ℓᵢ/∂z‖ ‖xᵢ‖, as each gradient is their outer product."""
    if not task.linear:
        return point_gradients(task, data, theta, rows).norm(dim=1)
    x = data.x_train[rows]
    slopes = task.output_loss.gradients(task.outputs(theta, x), data.y_train[rows])
    return slopes.norm(dim=0) * task.features(x).norm(dim=1)


def check_kind(kind: str) -> None:
    """Refuse a curvature that is not there, by an InvalidParameter."""
    if kind not in PRODUCTS:
        raise InvalidParameter(f"curvature is '{kind}', expected one of {', '.join(PRODUCTS)}.")
