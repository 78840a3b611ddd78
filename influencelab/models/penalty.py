"""R(θ), the part of the objective that does not depend on the training weights, and its derivatives.

R(θ) = ½ Σ stiffness θ² − linear_termᵀθ − Σᵢ output_linear_termᵢᵀ zᵢ(θ). A plain task has the first term only, weight
decay.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import grad, hessian, jvp, vmap

from influencelab.data.dataset import Dataset
from influencelab.models.proximal import ProximalTask
from influencelab.models.task import Task

# Numbers in the outputs of one chunk of points.
CHUNK = 2**18


def stiffness(task: Task, data: Dataset, theta: Float[Tensor, "*k p"]) -> Float[Tensor, " p"]:
    """How strongly each parameter is held: weight_decay P, and damping where the task is anchored."""
    # A number times a mask would be float32, whatever θ is.
    held = task.weight_decay * task.penalised(data).to(theta)
    return held + task.damping if isinstance(task, ProximalTask) else held


def penalties(task: Task, data: Dataset, theta: Float[Tensor, "k p"]) -> Float[Tensor, " k"]:
    """R of k models, in nats, up to a constant."""
    total = (theta * stiffness(task, data, theta) * theta).sum(-1) / 2
    if isinstance(task, ProximalTask):
        total = total - theta @ task.linear_term
        for x, forces in forced(task, data, models=len(theta)):
            total = total - (task.outputs(theta, x) * forces).sum((-2, -1))
    return total


def penalty_gradient(task: Task, data: Dataset, theta: Float[Tensor, "*k p"]) -> Float[Tensor, "*k p"]:
    """∇R: weight_decay P θ of a plain task."""
    total = stiffness(task, data, theta) * theta
    if isinstance(task, ProximalTask):
        total = total - task.linear_term
        for x, forces in forced(task, data, models=theta[..., 0].numel()):
            leaf = theta.detach().requires_grad_()
            total -= torch.autograd.grad((task.outputs(leaf, x) * forces).sum(), leaf)[0]
    return total


def penalty_products(
    task: Task, data: Dataset, theta: Float[Tensor, "*k p"], vectors: Float[Tensor, "k p"], *, kind: str = "hessian"
) -> Float[Tensor, "k p"]:
    """∂²R/∂θ² times each vector, at one θ for all or at one each; without what Gauss-Newton leaves out."""
    total = stiffness(task, data, vectors) * vectors
    if kind == "gauss_newton" or not isinstance(task, ProximalTask):
        return total
    for x, forces in forced(task, data, models=len(vectors)):

        def product(parameters: Tensor, vector: Tensor, x: Tensor = x, forces: Tensor = forces) -> Tensor:
            return jvp(grad(lambda at: (task.outputs(at, x) * forces).sum()), (parameters,), (vector,))[1]

        total -= vmap(product, in_dims=(0 if theta.dim() == 2 else None, 0))(theta, vectors)
    return total


def add_penalty_hessians(
    total: Float[Tensor, "k p p"], task: Task, data: Dataset, theta: Float[Tensor, "k p"], *, kind: str = "hessian"
) -> None:
    """Add ∂²R/∂θ² of k models in place: a second dense table may not fit. Without what Gauss-Newton leaves out."""
    total.diagonal(dim1=-2, dim2=-1).add_(stiffness(task, data, theta))
    if kind == "gauss_newton" or not isinstance(task, ProximalTask):
        return
    # Every parameter of every model sends a tangent through all units, of which the outputs are a small part.
    for x, forces in forced(task, data, models=4 * theta.numel()):
        total -= vmap(hessian(lambda at, x=x, forces=forces: (task.outputs(at, x) * forces).sum()))(theta)


def forced(task: ProximalTask, data: Dataset, *, models: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The training points whose outputs feel a constant force, with the forces, a chunk at a time."""
    if task.output_linear_term is None:
        return
    step = max(1, CHUNK // max(1, models * len(task.output_linear_term)))
    for first in range(0, data.n, step):
        yield data.x_train[first : first + step], task.output_linear_term[:, first : first + step]
