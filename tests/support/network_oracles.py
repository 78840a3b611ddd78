"""Networks written anew, with their derivatives by automatic differentiation: truths for closed forms."""

import itertools

import torch
from problems import class_data, value_data
from torch.func import grad, hessian, vmap

from influencelab.data.dataset import Dataset
from influencelab.models.tasks.mlp import MLP

K, N = 3, 14
CLASSES, VALUES = class_data(0, n=N, m=4), value_data(1, n=N, m=4)
PLAIN = {
    "tanh": torch.tanh,
    "softplus": lambda z: torch.log1p(torch.exp(-z.abs())) + z.clamp(min=0),
    "selu": torch.selu,
    "gelu": torch.nn.functional.gelu,
    "relu": torch.relu,
}


def network(task: MLP, data: Dataset, theta: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Outputs (b c) of one network, layer by layer with points first."""
    sizes = [x.shape[1], *[task.width] * task.depth, 1 if task.regression else data.classes]
    units, used = x, 0
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        block = theta[used : used + outputs * (inputs + 1)].reshape(outputs, inputs + 1)
        used += block.numel()
        units = units @ block[:, :inputs].T + block[:, inputs]
        units = PLAIN[task.activation](units) if layer < task.depth else units
    return units


def losses(task: MLP, data: Dataset, theta: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """ℓ of each point by torch's own losses."""
    z = network(task, data, theta, x)
    if task.regression:
        return torch.nn.functional.mse_loss(z[:, 0], y, reduction="none") / 2
    return torch.nn.functional.cross_entropy(z, y, reduction="none")


def drawn(task: MLP, data: Dataset, *, k: int = K):
    generator = torch.Generator().manual_seed(2)
    p = len(task.start(data, 0))
    theta, vectors = (torch.randn(k, p, generator=generator, dtype=torch.float64) for _ in range(2))
    weights = torch.rand(k, data.n, generator=generator, dtype=torch.float64)
    weights[0, 3] = 0
    return data, theta, weights, vectors


def total(task: MLP, data: Dataset):
    """Σ wᵢ ℓᵢ of one model, to be differentiated."""
    return lambda theta, weights: (losses(task, data, theta, data.x_train, data.y_train) * weights).sum()


def error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """The largest difference, as a share of the largest number."""
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    return float((found - wanted).abs().max() / wanted.abs().max())


def products(task, data: Dataset, theta, weights, vectors, *, kind: str = "hessian") -> torch.Tensor:
    """Curvature of one model's losses times vectors, by the task's closed form."""
    closed = task.derivatives(data)
    return closed.products(theta, weights, vectors, slice(None), kind=kind)


def errors(task: MLP, data: Dataset, theta: torch.Tensor, weights: torch.Tensor, vectors: torch.Tensor) -> dict:
    """How far each closed form is from its definition."""
    loss = total(task, data)
    dense = vmap(hessian(loss))(theta, weights)
    along = (dense @ vectors.unsqueeze(-1)).squeeze(-1)
    closed = task.derivatives(data)
    values, slopes = closed.losses_and_gradients(theta, weights, slice(None))
    return {
        "losses": error(closed.losses(theta, weights, slice(None)), vmap(loss)(theta, weights)),
        "losses with gradients": error(values, vmap(loss)(theta, weights)),
        "gradients": error(closed.gradients(theta, weights, slice(None)), vmap(grad(loss))(theta, weights)),
        "gradients with losses": error(slopes, vmap(grad(loss))(theta, weights)),
        "model products": error(closed.model_products(theta, weights, vectors, slice(None)), along),
        "products": error(products(task, data, theta[0], weights[0], vectors), vectors @ dense[0]),
        "hessians": error(closed.hessians(theta, weights, kind="hessian"), dense),
    }
