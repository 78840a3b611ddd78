"""What tests of trainers share: starts, dropped points, true gradients and Hessians by automatic differentiation."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from influencelab import catalog
from influencelab.dataset import Dataset
from influencelab.task import Task
from influencelab.tasks.mlp import MLP
from influencelab.trainer import Trainer

KINDS = catalog.names(Trainer)
# Fewer steps than the defaults where the number of steps is the protocol; a new kind is tested with its defaults.
QUICK = {"gradient_descent": {"steps": 60}, "adam": {"steps": 60}, "sgd": {"steps": 60, "batch_size": 7}}
TO_A_MINIMUM = ["lbfgs", "newton"]
NETWORK = MLP(weight_decay=2e-2, depth=1, width=3)


def quick(kind: str, **settings) -> Trainer:
    return catalog.make(Trainer, kind, **{**QUICK.get(kind, {}), **settings})


def dropped(data: Dataset, *points: int) -> Tensor:
    """One row of weights a point, without it; −1 drops nobody."""
    weights = torch.full((len(points), data.n), 1 / data.n, dtype=torch.float64)
    for row, point in enumerate(points):
        if point >= 0:
            weights[row, point] = 0
    return weights


def starts(task: Task, data: Dataset, count: int) -> Tensor:
    """Different starts, also for tasks that always start from zeros."""
    noise = torch.randn(
        count, len(task.start(data, 0)), generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )
    return torch.stack([task.start(data, seed) for seed in range(count)]) + 0.1 * noise


def true_gradient(task: Task, data: Dataset, theta: Tensor, weights: Tensor) -> Tensor:
    """∇J of one model from the definition of J, by automatic differentiation."""
    leaf = theta.clone().requires_grad_()
    loss = (weights * task.losses(leaf, data.x_train, data.y_train)).sum()
    penalty = task.weight_decay / 2 * leaf[task.penalised(data)].square().sum()
    return torch.autograd.grad(loss + penalty, leaf)[0]


def true_hessian(task: Task, data: Dataset, theta: Tensor, weights: Tensor) -> Tensor:
    """Central differences of the gradient."""
    columns = []
    for unit in torch.eye(len(theta), dtype=theta.dtype):
        ends = [true_gradient(task, data, theta + sign * 1e-5 * unit, weights) for sign in (1, -1)]
        columns.append((ends[0] - ends[1]) / 2e-5)
    return torch.stack(columns)


def digits(n: int) -> Dataset:
    x, y = load_digits(return_X_y=True)
    x, y = torch.from_numpy(x / 16), torch.from_numpy(y)
    return Dataset(x[:n], y[:n], x[-9:], y[-9:], torch.arange(n), torch.arange(9), classes=10, name="digits")
