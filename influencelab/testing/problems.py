"""Small problems on which an estimator can be held against the truth: each a task with its data, and their minima."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from influencelab.data.dataset import Dataset
from influencelab.models.task import Task
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.ridge import Ridge
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.newton import Newton


def class_data(seed: int, *, n: int = 60, m: int = 5, classes: int = 3, features: int = 4) -> Dataset:
    """Overlapping Gaussian clouds, one a class, so that no class can be told apart for sure."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n + m) % classes
    centres = torch.randn(classes, features, generator=generator, dtype=torch.float64)
    x = centres[labels] + 1.2 * torch.randn(n + m, features, generator=generator, dtype=torch.float64)
    return split(x, labels, n=n, classes=classes)


def value_data(seed: int, *, n: int = 60, m: int = 5, features: int = 4) -> Dataset:
    """A noisy linear function of Gaussian features."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n + m, features, generator=generator, dtype=torch.float64)
    truth = torch.randn(features, generator=generator, dtype=torch.float64)
    y = x @ truth + 0.5 * torch.randn(n + m, generator=generator, dtype=torch.float64)
    return split(x, y, n=n, classes=0)


def split(x: torch.Tensor, y: torch.Tensor, *, n: int, classes: int) -> Dataset:
    """The first n points for training, the others for testing."""
    ids = torch.arange(len(x))
    return Dataset(
        x_train=x[:n],
        y_train=y[:n],
        x_test=x[n:],
        y_test=y[n:],
        train_ids=ids[:n],
        test_ids=ids[n:],
        classes=classes,
        name="made up",
    )


def logistic_problem(
    seed: int = 0,
    *,
    n: int = 60,
    m: int = 5,
    classes: int = 3,
    features: int = 4,
    weight_decay: float = 1e-2,
    intercept: bool = True,
) -> tuple[Task, Dataset]:
    """Softmax regression; its unpenalised intercepts have one null direction."""
    return Logistic(weight_decay=weight_decay, intercept=intercept), class_data(
        seed, n=n, m=m, classes=classes, features=features
    )


def binary_problem(
    seed: int = 0, *, n: int = 60, m: int = 5, features: int = 4, weight_decay: float = 1e-2
) -> tuple[Task, Dataset]:
    """Logistic regression with one output."""
    return BinaryLogistic(weight_decay=weight_decay), class_data(seed, n=n, m=m, classes=2, features=features)


def ridge_problem(
    seed: int = 0, *, n: int = 60, m: int = 5, features: int = 4, weight_decay: float = 1e-2, intercept: bool = True
) -> tuple[Task, Dataset]:
    """Linear regression with a penalty."""
    return Ridge(weight_decay=weight_decay, intercept=intercept), value_data(seed, n=n, m=m, features=features)


@cache
def minimum(build: Callable[..., tuple[Task, Dataset]], **settings: Any) -> Fit:
    """The problem that `build` makes, trained to the last digits; the same call gives the same fit."""
    task, data = build(**settings)
    return fit(task, data, Newton(tolerance=1e-10))


# Leverages of a few per cent, and a penalty strong enough to tell the conventions apart.
PROBLEMS: dict[str, Callable[[], Fit]] = {
    "logistic": lambda: minimum(logistic_problem, n=200, m=4, weight_decay=0.3, intercept=False),
    "logistic with intercepts": lambda: minimum(logistic_problem, n=200, m=4, weight_decay=0.2),
    "binary logistic": lambda: minimum(binary_problem, seed=2, n=200, m=4, weight_decay=0.1),
    "ridge": lambda: minimum(ridge_problem, n=200, m=4, weight_decay=0.3, intercept=False),
}
# Those of several outputs, which alone show some mistakes.
SEVERAL_OUTPUTS = ("logistic", "logistic with intercepts")
