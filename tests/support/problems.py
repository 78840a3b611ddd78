"""The small problems that tests share: those of `influencelab.testing`, pictures, and a network."""

import torch

from influencelab.data.dataset import Dataset
from influencelab.models.task import Task
from influencelab.models.tasks.mlp import MLP
from influencelab.testing.problems import (
    binary_problem,
    class_data,
    logistic_problem,
    minimum,
    ridge_problem,
    split,
    value_data,
)

__all__ = [
    "binary_problem",
    "class_data",
    "images",
    "logistic_problem",
    "minimum",
    "mlp_problem",
    "ridge_problem",
    "split",
    "value_data",
]


def images(*, side: int, n: int = 6, m: int = 2, classes: int = 3):
    """Random pixels and labels."""
    generator = torch.Generator().manual_seed(side)
    x = torch.rand(n + m, side, side, generator=generator, dtype=torch.float64)
    return split(x, torch.randint(classes, (n + m,), generator=generator), n=n, classes=classes)


def mlp_problem(
    seed: int = 0,
    *,
    n: int = 40,
    m: int = 4,
    classes: int = 3,
    features: int = 3,
    depth: int = 1,
    width: int = 3,
    activation: str = "tanh",
    weight_decay: float = 5e-2,
) -> tuple[Task, Dataset]:
    """A network small enough for its full Hessian."""
    task = MLP(weight_decay=weight_decay, depth=depth, width=width, activation=activation)
    return task, class_data(seed, n=n, m=m, classes=classes, features=features)
