"""Recipes for training k models at once by one batched computation."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import NotFinite
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP, K
from influencelab.models.task import Task
from influencelab.recipe import Recipe

__all__ = ["Trained", "Trainer"]

# Lengths that the points' gradients ordinarily have before training: outside of them, units are small or large. And the
# number of training points that are measured.
ORDINARY, SAMPLED = (1e-4, 1e6), 64
# The share of such large gradients that is rounding once they have cancelled.
ROUNDED = 1e-14
# The next step where training diverged.
CURE = "Look for a learning rate that is too large, or features of very different scale."
Table = TypeVar("Table", bound="Batched")


class Batched:
    """A table of k models: a dataclass whose tensors, and tables inside, have a row a model; all else serves all."""

    def take(self: Table, rows: Bool[Tensor, " k"] | Int[Tensor, " b"]) -> Table:
        """Some of the models."""
        return type(self)(**{name: taken(part, rows) for name, part in vars(self).items()})

    def put(self: Table, rows: Int[Tensor, " b"], others: Table) -> Table:
        """The same models, those of these rows replaced by others; for tables of tensors only."""
        return type(self)(**{name: part.index_copy(0, rows, vars(others)[name]) for name, part in vars(self).items()})


def taken(part: Any, rows: Tensor) -> Any:
    """Rows of a tensor or table; anything else as it is."""
    if isinstance(part, Batched):
        return part.take(rows)
    return part[rows] if isinstance(part, Tensor) else part


@dataclass(frozen=True, eq=False)
class Memory(Recipe):
    """State of a first-order trainer besides the parameters of k models, so that it can go on as if never stopped.

    Attributes:
        steps: number of steps taken: they decide the batch, the learning rate and the bias correction of the next.
        buffers: the running means it keeps: the velocity of `sgd`, the two moments of `adam`.
    """

    steps: int
    buffers: tuple[KP, ...]

    def each(self, change: Callable[[KP], KP]) -> "Memory":
        """The state after the same number of steps, each running mean changed."""
        return Memory(self.steps, tuple(change(part) for part in self.buffers))


@dataclass(frozen=True, eq=False)
class Trained(Recipe):
    """k models after training.

    Attributes:
        theta: the parameters of each model.
        grad_norm: ‖∇J‖ of each, over its own weights: how far from a minimum it stopped.
        converged: whether grad_norm ≤ the trainer's tolerance (`tolerance_of`) and, for `newton`, no curvature is
            negative. False is a fact, not an error.
        steps: number of steps of each model.
        memory: state of a first-order trainer, so that it can go on; None for others.
    """

    theta: KP
    grad_norm: K
    converged: Bool[Tensor, " k"]
    steps: int
    memory: Memory | None = None


@dataclass(frozen=True)
class Trainer(Recipe):
    """A recipe for training k models side by side, each with its own weights of the training points.

    Attributes:
        tolerance: ‖∇J‖ at which a model counts as converged, where targets and features are of ordinary size.
    """

    tolerance: float = 1e-8

    def tolerance_of(self, task: Task, data: Dataset, weights: KN) -> float:
        """The tolerance in the units of this problem."""
        return small_gradient(self.tolerance, task, data, weights)

    @abstractmethod
    def train(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Train each model from its row of theta under its row of weights.

        Raises:
            NotFinite: a loss or gradient became NaN or infinite.
        """


def small_gradient(tolerance: float, task: Task, data: Dataset, weights: KN) -> float:
    """‖∇J‖ that is small in the units of this problem: the tolerance, where its gradients are of ordinary size.

    Targets of 1e-9 have gradients of that size before anything was learnt, and those of 1e9 round to more than 1e-8.
    """
    rows = torch.linspace(0, data.n - 1, min(data.n, SAMPLED), device=weights.device).long()
    theta = task.start(data, 0)
    parts = (rows[part] for part in derivatives.chunks(len(rows), width=len(theta)))
    sizes = torch.cat([derivatives.point_lengths(task, data, theta, part) for part in parts])
    usual = float(sizes.mean() * weights.sum(-1).mean()) if len(weights) else 0.0
    if not 0 < usual < float("inf"):
        return tolerance
    if usual > ORDINARY[1]:
        return max(tolerance, ROUNDED * usual)
    return tolerance * min(1.0, usual / ORDINARY[0])


def check_finite(values: K, *, what: str, when: str, cure: str = CURE) -> None:
    """Refuse NaN and infinity where a number is needed, by a `NotFinite` that counts the models."""
    bad = int((~values.isfinite()).sum())
    if bad:
        raise NotFinite(f"{what} of {bad} of {len(values)} models is NaN or infinite {when}. {cure}")
