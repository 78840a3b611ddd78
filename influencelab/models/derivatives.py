"""Derivatives of (task, data, θ) as pure functions: gradients, slopes, curvature products, dense Hessians.

The objective is the losses plus the penalty; both are asked of the task (`Task.derivatives`, `Task.penalty`), which
answers in closed form or by automatic differentiation. Every sum over training points runs in chunks of rows, so
memory does not grow with n.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import grad, jacrev, vmap

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss_derivatives import chunks as chunks
from influencelab.models.shapes import KN, KP, K, N, P
from influencelab.models.task import Task

KINDS = ("hessian", "gauss_newton")


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


def penalty_gradient(task: Task, data: Dataset, theta: Float[Tensor, "*k p"]) -> Float[Tensor, "*k p"]:
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


def hessians(task: Task, data: Dataset, theta: KP, weights: KN, *, kind: str = "hessian") -> Float[Tensor, "k p p"]:
    """Dense curvature of k models, each at its own θ and weights."""
    check_kind(kind)
    total = task.derivatives(data).hessians(theta, weights, kind=kind)
    task.penalty(data, theta).add_hessians(total, theta, kind=kind)
    return total


def point_slopes(task: Task, data: Dataset, theta: P, directions: KP) -> Float[Tensor, "n k"]:
    """∇ℓᵢᵀ dₖ: how fast the loss of training point i rises when θ moves along direction k."""
    parts = []
    for rows in task.derivatives(data).chunks(len(directions)):
        x, y = data.x_train[rows], data.y_train[rows]
        slopes = task.output_loss.gradients(task.outputs(theta, x), y)
        parts.append((task.output_slopes(theta, x, directions) * slopes).sum(-2).T)
    return torch.cat(parts)


def output_jacobians(task: Task, x: Float[Tensor, " b *shape"], theta: P) -> Float[Tensor, "b c p"]:
    """∂z/∂θ of each point, dense: for small models and few points."""
    return vmap(lambda point: jacrev(lambda parameters: task.outputs(parameters, point[None])[:, 0])(theta))(x)


def point_gradients(task: Task, data: Dataset, theta: P, rows: slice | Tensor = slice(None)) -> Float[Tensor, "b p"]:
    """∇ℓᵢ of some training points, dense, without the penalty."""
    one = grad(lambda parameters, x, y: task.losses(parameters, x[None], y[None])[0])
    return vmap(one, in_dims=(None, 0, 0))(theta, data.x_train[rows], data.y_train[rows])


def measures(task: Task, data: Dataset, theta: KP) -> Float[Tensor, "k m"]:
    """The measure of each test point, for k models, in nats."""
    return task.derivatives(data).measures(theta)


def measure_gradients(task: Task, data: Dataset, theta: P) -> Float[Tensor, "m p"]:
    """∇L_j of each test point."""
    one = grad(lambda parameters, x, y: task.measure(parameters, x[None], y[None])[0])
    return vmap(one, in_dims=(None, 0, 0))(theta, data.x_test, data.y_test)


def check_kind(kind: str) -> None:
    """Refuse a curvature that is not there.

    Raises:
        InvalidParameter: kind is not one of KINDS.
    """
    if kind not in KINDS:
        raise InvalidParameter(f"curvature is '{kind}', expected one of {', '.join(KINDS)}.")
