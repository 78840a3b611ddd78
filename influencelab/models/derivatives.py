"""Derivatives of (task, data, θ) as pure functions: gradients, slopes, curvature products, dense Hessians.

Every sum over training points runs in chunks of rows, so memory does not grow with n.
Linear tasks and networks take the closed forms of `linear.py` and `mlp.py`; the definitions here hold for every
task, and are what those are tested against.
"""

from collections.abc import Iterator
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.func import grad, hessian, jacrev, jvp, vjp, vmap

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.closed_forms import linear, mlp, mlp_hessian
from influencelab.models.layered import LayeredTask
from influencelab.models.penalty import add_penalty_hessians, penalties, penalty_gradient, penalty_products
from influencelab.models.proximal import unanchored
from influencelab.models.task import LinearTask, Task
from influencelab.models.tasks.mlp import MLP

KINDS = ("hessian", "gauss_newton")
# Numbers held by one chunk's largest array: big enough for long matrix products, small enough for the cache.
CHUNK = 2**21


def chunks(rows: int, *, width: int) -> Iterator[slice]:
    """Slices that cover `rows` rows, each holding about CHUNK numbers when a row holds `width` of them."""
    step = max(1, CHUNK // max(1, width))
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))


def point_chunks(task: Task, data: Dataset, *, models: int) -> Iterator[slice]:
    """Chunks of training points: neither their features nor what `models` models say of them outgrow the cache."""
    return chunks(data.n, width=max(models * numbers(task, data), data.x_train[0].numel()))


def numbers(task: Task, data: Dataset) -> int:
    """How many numbers one model works out for one point."""
    inner = unanchored(task)
    return inner.units(data) if isinstance(inner, LayeredTask) else inner.output_loss.size(data)


def objectives(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> Float[Tensor, " k"]:
    """J(θ; w) of k models, each with its own weights, in nats: the one place where the objective is written."""
    total, task = penalties(task, data, theta), unanchored(task)
    if isinstance(task, MLP):
        return total + mlp.losses(task, data, theta, weights)
    for rows in point_chunks(task, data, models=len(theta)):
        losses = task.losses(theta, data.x_train[rows], data.y_train[rows])
        total = total + (losses * weights[:, rows]).sum(-1)
    return total


def gradients(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> Float[Tensor, "k p"]:
    """∇J of k models, in nats per unit of parameter."""
    total, task = penalty_gradient(task, data, theta), unanchored(task)
    if isinstance(task, MLP):
        return total.add_(mlp.loss_gradients(task, data, theta, weights))
    for rows in point_chunks(task, data, models=len(theta)):
        total += loss_gradients(task, data, theta, weights, rows)
    return total


def loss_gradients(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    rows: slice | Int[Tensor, "*_ b"],
) -> Float[Tensor, "k p"]:
    """Σ wᵢ ∇ℓᵢ over some training points, for k models, without the penalty.

    Args:
        rows: the points, the same for all models or, in a row for each model, its own; one named twice counts twice.
    """
    task = unanchored(task)
    if isinstance(task, MLP):
        return mlp.loss_gradients(task, data, theta, weights, rows)
    if isinstance(rows, Tensor) and rows.dim() == 2:
        own = weights.gather(1, rows)
        return vmap(grad(partial(weighted_loss, task)))(theta, data.x_train[rows], data.y_train[rows], own)
    if isinstance(task, LinearTask):
        return linear.loss_gradients(task, data, theta, weights, rows)
    leaf = theta.detach().requires_grad_()
    losses = task.losses(leaf, data.x_train[rows], data.y_train[rows])
    return torch.autograd.grad((losses * weights[:, rows]).sum(), leaf)[0]


def weighted_loss(task: Task, theta: Float[Tensor, " p"], x: Tensor, y: Tensor, weights: Tensor) -> Float[Tensor, ""]:
    """Σ wᵢ ℓᵢ of one model."""
    return (task.losses(theta, x, y) * weights).sum()


def objectives_and_gradients(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> tuple[Float[Tensor, " k"], Float[Tensor, "k p"]]:
    """J and ∇J of k models in one pass over the points; J is what `objectives` says."""
    values, slopes = penalties(task, data, theta), penalty_gradient(task, data, theta)
    task = unanchored(task)
    if isinstance(task, MLP):
        more = mlp.losses_and_gradients(task, data, theta, weights)
        return values + more[0], slopes + more[1]
    # A chunk of features is read twice, for the outputs and for the gradient: the second time from the cache.
    for rows in point_chunks(task, data, models=len(theta)):
        if isinstance(task, LinearTask):
            more = linear.losses_and_gradients(task, data, theta, weights, rows)
        else:
            leaf = theta.detach().requires_grad_()
            losses = (task.losses(leaf, data.x_train[rows], data.y_train[rows]) * weights[:, rows]).sum(-1)
            more = losses.detach(), torch.autograd.grad(losses.sum(), leaf)[0]
        values, slopes = values + more[0], slopes + more[1]
    return values, slopes


def products(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, " p"],
    weights: Float[Tensor, " n"],
    vectors: Float[Tensor, "k p"],
    *,
    kind: str = "hessian",
) -> Float[Tensor, "k p"]:
    """Curvature of J at one θ times k vectors: how ∇J changes when θ moves along each of them.

    `hessian` is ∂²J/∂θ²; `gauss_newton` is Σ wᵢ Jᵢᵀ (∂²ℓᵢ/∂z²) Jᵢ + the penalty, with Jᵢ the Jacobian of the outputs.
    For linear tasks they are the same.
    """
    check_kind(kind)
    total, task = penalty_products(task, data, theta, vectors, kind=kind), unanchored(task)
    if isinstance(task, MLP):
        return total.add_(mlp.products(task, data, theta, weights, vectors, kind=kind))
    for rows in point_chunks(task, data, models=len(vectors)):
        if isinstance(task, LinearTask):
            total += linear.products(task, data, theta, weights, vectors, rows)
        elif kind == "hessian":
            total += hessian_products(task, data, theta, weights, vectors, rows)
        else:
            total += gauss_newton_products(task, data, theta, weights, vectors, rows)
    return total


def model_products(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    vectors: Float[Tensor, "k p"],
) -> Float[Tensor, "k p"]:
    """The Hessian of J of each of k models, at its own θ and weights, times its own vector, penalty included."""
    total, task = penalty_products(task, data, theta, vectors), unanchored(task)
    if isinstance(task, MLP):
        return total.add_(mlp.model_products(task, data, theta, weights, vectors))
    part = partial(linear.products, task) if isinstance(task, LinearTask) else partial(hessian_products, task)
    for rows in point_chunks(task, data, models=len(theta)):

        def one(at: Tensor, weight: Tensor, vector: Tensor, rows: slice = rows) -> Tensor:
            return part(data, at, weight, vector[None], rows)[0]

        total += vmap(one)(theta, weights, vectors)
    return total


def hessian_products(
    task: Task, data: Dataset, theta: Tensor, weights: Tensor, vectors: Float[Tensor, "k p"], rows: slice
) -> Float[Tensor, "k p"]:
    """Forward over reverse: the derivative of the gradient along each vector."""
    loss = partial(weighted_loss, task, x=data.x_train[rows], y=data.y_train[rows], weights=weights[rows])
    return vmap(lambda vector: jvp(grad(loss), (theta,), (vector,))[1])(vectors)


def gauss_newton_products(
    task: Task, data: Dataset, theta: Tensor, weights: Tensor, vectors: Float[Tensor, "k p"], rows: slice
) -> Float[Tensor, "k p"]:
    """Push a vector to the outputs, bend it there, pull it back."""
    outputs, pull = vjp(lambda parameters: task.outputs(parameters, data.x_train[rows]), theta)[:2]
    moved = output_slopes(task, data.x_train[rows], theta, vectors)
    bent = task.output_loss.products(outputs, data.y_train[rows], moved) * weights[rows]
    return vmap(lambda cotangent: pull(cotangent)[0])(bent)


def hessians(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    *,
    kind: str = "hessian",
) -> Float[Tensor, "k p p"]:
    """Dense curvature of k models, each at its own θ and weights."""
    check_kind(kind)
    whole, task = task, unanchored(task)
    if isinstance(task, LinearTask):
        loss_part = linear.hessians(task, data, theta, weights)
    elif isinstance(task, MLP):
        loss_part = mlp_hessian.hessians(task, data, theta, weights, kind=kind)
    elif kind == "hessian":
        loss_part = loss_hessians(task, data, theta, weights)
    else:
        loss_part = loss_gauss_newtons(task, data, theta, weights)
    add_penalty_hessians(loss_part, whole, data, theta, kind=kind)
    return loss_part


def loss_hessians(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> Float[Tensor, "k p p"]:
    """∂²/∂θ² of the weighted losses of k models, without the penalty."""
    total = theta.new_zeros(*theta.shape, theta.shape[1])
    # Every parameter of every model sends a tangent through all units, of which the outputs are a small part.
    for rows in chunks(data.n, width=theta.numel() * max(4 * task.output_loss.size(data), numbers(task, data))):
        part = (data.x_train[rows], data.y_train[rows], weights[:, rows])
        total += vmap(hessian(partial(weighted_loss, task)), in_dims=(0, None, None, 0))(theta, *part)
    return total


def loss_gauss_newtons(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> Float[Tensor, "k p p"]:
    """Σ wᵢ Jᵢᵀ (∂²ℓᵢ/∂z²) Jᵢ of k models, without the penalty."""
    total = theta.new_zeros(*theta.shape, theta.shape[1])
    eye = torch.eye(theta.shape[1], dtype=theta.dtype, device=theta.device)
    for rows in chunks(data.n, width=theta.shape[1] * numbers(task, data)):
        for model, (parameters, weight) in enumerate(zip(theta, weights, strict=True)):
            total[model] += gauss_newton_products(task, data, parameters, weight, eye, rows)
    return total


def output_slopes(
    task: Task, x: Float[Tensor, " b *shape"], theta: Float[Tensor, " p"], directions: Float[Tensor, "k p"]
) -> Float[Tensor, "k c b"]:
    """How fast each output of each point moves when θ moves along each direction: J dₖ."""
    task = unanchored(task)
    if isinstance(task, LinearTask):
        return task.outputs(directions, x)
    return vmap(lambda direction: jvp(lambda parameters: task.outputs(parameters, x), (theta,), (direction,))[1])(
        directions
    )


def point_slopes(
    task: Task, data: Dataset, theta: Float[Tensor, " p"], directions: Float[Tensor, "k p"]
) -> Float[Tensor, "n k"]:
    """∇ℓᵢᵀ dₖ: how fast the loss of training point i rises when θ moves along direction k."""
    parts = []
    for rows in point_chunks(task, data, models=len(directions)):
        x, y = data.x_train[rows], data.y_train[rows]
        pull = task.output_loss.gradients(task.outputs(theta, x), y)
        parts.append((output_slopes(task, x, theta, directions) * pull).sum(-2).T)
    return torch.cat(parts)


def output_jacobians(task: Task, x: Float[Tensor, " b *shape"], theta: Float[Tensor, " p"]) -> Float[Tensor, "b c p"]:
    """∂z/∂θ of each point, dense: for small models and few points."""
    return vmap(lambda point: jacrev(lambda parameters: task.outputs(parameters, point[None])[:, 0])(theta))(x)


def point_gradients(
    task: Task, data: Dataset, theta: Float[Tensor, " p"], rows: slice | Tensor = slice(None)
) -> Float[Tensor, "b p"]:
    """∇ℓᵢ of some training points, dense, without the penalty."""
    one = grad(lambda parameters, x, y: task.losses(parameters, x[None], y[None])[0])
    return vmap(one, in_dims=(None, 0, 0))(theta, data.x_train[rows], data.y_train[rows])


def measures(task: Task, data: Dataset, theta: Float[Tensor, "k p"]) -> Float[Tensor, "k m"]:
    """What is watched at each test point, for k models, in nats."""
    if isinstance(inner := unanchored(task), MLP):
        return mlp.measures(inner, data, theta)
    models = chunks(len(theta), width=data.m * numbers(task, data))
    return torch.cat([task.measure(theta[rows], data.x_test, data.y_test) for rows in models])


def measure_gradients(task: Task, data: Dataset, theta: Float[Tensor, " p"]) -> Float[Tensor, "m p"]:
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
