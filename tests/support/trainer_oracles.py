"""What tests of trainers share: starts, dropped points, true gradients and Hessians by automatic differentiation."""

import copy

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from influencelab import make, names
from influencelab.data.dataset import Dataset
from influencelab.models.task import Task
from influencelab.models.tasks.mlp import MLP
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton

# These train the true hinge and refuse all else: their contract is in `test_hinge_trainers.py`.
OF_THE_HINGE = ["active_set", "liblinear"]
# Products in sequence take longer than dense steps do on networks this small.
DEAR = {"newton_cg": pytest.mark.slow}
KINDS = [pytest.param(name, marks=DEAR.get(name, ())) for name in names(Trainer) if name not in OF_THE_HINGE]
# Fewer steps than the defaults where the number of steps is the protocol; a new kind is tested with its defaults.
QUICK = {"gradient_descent": {"steps": 60}, "adam": {"steps": 60}, "sgd": {"steps": 60, "batch_size": 7}}
TO_A_MINIMUM = ["sequential", "lbfgs", "newton", "newton_cg"]
# Settings that stop far from a minimum.
SHORT = {
    "gradient_descent": {"steps": 1},
    "sgd": {"steps": 1},
    "adam": {"steps": 1},
    "lbfgs": {"max_steps": 1},
    "newton": {"max_steps": 1},
    "newton_cg": {"max_steps": 1},
    "sequential": {"first": LBFGS(max_steps=1), "then": Newton(max_steps=0)},
}
NETWORK = MLP(weight_decay=2e-2, depth=1, width=3)


def quick(kind: str, **settings) -> Trainer:
    return make(Trainer, kind, **{**QUICK.get(kind, {}), **settings})


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


class Sibling(torch.nn.Module):
    """The network of `NETWORK` written with torch's own layers."""

    def __init__(self, theta: Tensor, features: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(features, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)).double()
        with torch.no_grad():
            used = 0
            for layer in (self.layers[0], self.layers[2]):
                matrix = theta[used : used + layer.weight.numel() + 3].view(3, -1)
                layer.weight.copy_(matrix[:, :-1])
                layer.bias.copy_(matrix[:, -1])
                used += matrix.numel()

    def theta(self) -> Tensor:
        """All parameters in the library's order."""
        layers = [self.layers[0], self.layers[2]]
        return torch.cat([torch.cat([one.weight, one.bias[:, None]], dim=1).flatten() for one in layers]).detach()


def torch_run(
    data: Dataset,
    start: Tensor,
    optimiser: type[torch.optim.Optimizer],
    weights: Tensor,
    batches: list[Tensor],
    *,
    state: dict | None = None,
    last_layer: bool = False,
    **settings,
) -> tuple[Tensor, dict]:
    """One model of `NETWORK` trained by a plain loop over torch's optimiser, and what the optimiser then remembers."""
    sibling = Sibling(start, data.x_train.shape[1])
    trained = list(sibling.layers[2].parameters() if last_layer else sibling.parameters())
    torch_optimiser = optimiser(trained, weight_decay=NETWORK.weight_decay, **settings)
    if state is not None:
        torch_optimiser.load_state_dict(copy.deepcopy(state))
    for rows in batches:
        torch_optimiser.zero_grad()
        losses = torch.nn.functional.cross_entropy(
            sibling.layers(data.x_train[rows]), data.y_train[rows], reduction="none"
        )
        (data.n / len(rows) * (weights[rows] * losses).sum()).backward()
        torch_optimiser.step()
    return sibling.theta(), copy.deepcopy(torch_optimiser.state_dict())


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
