"""R(θ), the part of the objective that does not depend on the training weights, and its derivatives.

R(θ) = ½ Σ stiffness θ² − pullᵀθ − Σᵢ forcesᵢᵀ zᵢ(θ): of a plain task only the first term, weight decay, is there.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import grad, hessian, jvp, vmap

from influencelab.data.dataset import Dataset
from influencelab.models.proximal import Anchored
from influencelab.models.task import Task

# Numbers in the outputs of one chunk of points.
CHUNK = 2**18


def stiffness(task: Task, data: Dataset, theta: Float[Tensor, "*k p"]) -> Float[Tensor, " p"]:
    """How strongly each parameter is held: weight_decay P, and damping where the task is anchored."""
    # A number times a mask would be float32, whatever θ is.
    held = task.weight_decay * task.penalised(data).to(theta)
    return held + task.damping if isinstance(task, Anchored) else held


def penalties(task: Task, data: Dataset, theta: Float[Tensor, "k p"]) -> Float[Tensor, " k"]:
    """R of k models, in nats, up to a constant."""
    total = (theta * stiffness(task, data, theta) * theta).sum(-1) / 2
    if isinstance(task, Anchored):
        total = total - theta @ task.pull
        for x, forces in forced(task, data, models=len(theta)):
            total = total - (task.outputs(theta, x) * forces).sum((-2, -1))
    return total


def penalty_gradient(task: Task, data: Dataset, theta: Float[Tensor, "*k p"]) -> Float[Tensor, "*k p"]:
    """∇R: weight_decay P θ of a plain task."""
    total = stiffness(task, data, theta) * theta
    if isinstance(task, Anchored):
        total = total - task.pull
        for x, forces in forced(task, data, models=theta[..., 0].numel()):
            leaf = theta.detach().requires_grad_()
            total -= torch.autograd.grad((task.outputs(leaf, x) * forces).sum(), leaf)[0]
    return total


def penalty_products(
    task: Task, data: Dataset, theta: Float[Tensor, "*k p"], vectors: Float[Tensor, "k p"], *, kind: str = "hessian"
) -> Float[Tensor, "k p"]:
    """∂²R/∂θ² times each vector, at one θ for all or at one each; without what Gauss-Newton leaves out."""
    total = stiffness(task, data, vectors) * vectors
    if kind == "gauss_newton" or not isinstance(task, Anchored):
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
    if kind == "gauss_newton" or not isinstance(task, Anchored):
        return
    # Every parameter of every model sends a tangent through all units, of which the outputs are a small part.
    for x, forces in forced(task, data, models=4 * theta.numel()):
        total -= vmap(hessian(lambda at, x=x, forces=forces: (task.outputs(at, x) * forces).sum()))(theta)


def forced(task: Anchored, data: Dataset, *, models: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The training points whose outputs feel a constant force, with the forces, a chunk at a time."""
    if task.forces is None:
        return
    step = max(1, CHUNK // max(1, models * len(task.forces)))
    for first in range(0, data.n, step):
        yield data.x_train[first : first + step], task.forces[:, first : first + step]
