"""Derivatives of (task, data, θ) as pure functions: gradients, slopes, curvature products, dense Hessians.

The objective is the losses plus the penalty; both are asked of the task (`Task.derivatives`, `Task.penalty`), which
answers in closed form or by automatic differentiation. Every sum over training points runs in chunks of rows, so
memory does not grow with n.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.func import grad, jacrev, vmap

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss_derivatives import chunks as chunks
from influencelab.models.task import Task

KINDS = ("hessian", "gauss_newton")


def point_chunks(task: Task, data: Dataset, *, models: int) -> Iterator[slice]:
    """Chunks of training points: neither their features nor the outputs of `models` models outgrow the cache."""
    return task.derivatives(data).chunks(models)


def objectives(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> Float[Tensor, " k"]:
    """J(θ; w) of k models, each with its own weights, in nats: the one place where the objective is written."""
    return task.derivatives(data).add_losses(task.penalty(data, theta).values(theta), theta, weights)


def gradients(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> Float[Tensor, "k p"]:
    """∇J of k models, in nats per unit of parameter."""
    return task.derivatives(data).add_gradients(penalty_gradient(task, data, theta), theta, weights)


def penalty_gradient(task: Task, data: Dataset, theta: Float[Tensor, "*k p"]) -> Float[Tensor, "*k p"]:
    """∇R: weight_decay P θ of a plain task."""
    return task.penalty(data, theta).gradient(theta)


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
    return task.derivatives(data).gradients(theta, weights, rows)


def objectives_and_gradients(
    task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> tuple[Float[Tensor, " k"], Float[Tensor, "k p"]]:
    """J and ∇J of k models in one pass over the points; J is the same as that of `objectives`."""
    penalty = task.penalty(data, theta)
    values, slopes = penalty.values(theta), penalty.gradient(theta)
    return task.derivatives(data).add_losses_and_gradients(values, slopes, theta, weights)


def products(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, " p"],
    weights: Float[Tensor, " n"],
    vectors: Float[Tensor, "k p"],
    *,
    kind: str = "hessian",
) -> Float[Tensor, "k p"]:
    """Curvature of J at one θ times k vectors: the change of ∇J as θ moves along each of them.

    `hessian` is ∂²J/∂θ²; `gauss_newton` is Σ wᵢ Jᵢᵀ (∂²ℓᵢ/∂z²) Jᵢ + the penalty, with Jᵢ the Jacobian of the outputs.
    For linear tasks they are the same.
    """
    check_kind(kind)
    total = task.penalty(data, vectors).products(theta, vectors, kind=kind)
    return task.derivatives(data).add_products(total, theta, weights, vectors, kind=kind)


def model_products(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    vectors: Float[Tensor, "k p"],
) -> Float[Tensor, "k p"]:
    """The Hessian of J of each of k models, at its own θ and weights, times its own vector, penalty included."""
    total = task.penalty(data, vectors).products(theta, vectors, kind="hessian")
    return task.derivatives(data).add_model_products(total, theta, weights, vectors)


def sample_products(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, " p"],
    weights: Float[Tensor, " n"],
    vectors: Float[Tensor, "r k p"],
    *,
    samples: Int[Tensor, "r b"],
    kind: str = "hessian",
) -> Float[Tensor, "r k p"]:
    """Curvature of Σᵢ wᵢ ℓᵢ over each sample, times the sample's own k vectors; without the penalty.

    The weights are scaled up by n / b, so that the mean over all samples is the curvature of all points. Work and
    memory grow with the sample, not with n.

    Args:
        samples: the training points of each sample; a point drawn twice counts twice.
        kind: `hessian` or `gauss_newton`; the same for linear tasks.
    """
    return task.derivatives(data).sample_products(theta, weights, vectors, samples=samples, kind=kind)


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
    total = task.derivatives(data).hessians(theta, weights, kind=kind)
    task.penalty(data, theta).add_hessians(total, theta, kind=kind)
    return total


def output_slopes(
    task: Task, x: Float[Tensor, " b *shape"], theta: Float[Tensor, " p"], directions: Float[Tensor, "k p"]
) -> Float[Tensor, "k c b"]:
    """J dₖ: slope of each output of each point as θ moves along each direction."""
    return task.output_slopes(theta, x, directions)


def point_slopes(
    task: Task, data: Dataset, theta: Float[Tensor, " p"], directions: Float[Tensor, "k p"]
) -> Float[Tensor, "n k"]:
    """∇ℓᵢᵀ dₖ: how fast the loss of training point i rises when θ moves along direction k."""
    parts = []
    for rows in point_chunks(task, data, models=len(directions)):
        x, y = data.x_train[rows], data.y_train[rows]
        slopes = task.output_loss.gradients(task.outputs(theta, x), y)
        parts.append((output_slopes(task, x, theta, directions) * slopes).sum(-2).T)
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
    """The measure of each test point, for k models, in nats."""
    return task.derivatives(data).measures(theta)


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
