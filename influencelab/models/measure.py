"""Measures: smooth scalars of θ, such as a test point's loss, whose change a perturbation brings about."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task
from influencelab.recipe import Recipe, default

# What training points are called, by the sign of the change of a number when they are removed: where its rise is worse,
# where it is better, and where it is neither.
WORSE, BETTER, NEITHER = {"helpful": 1, "harmful": -1}, {"helpful": -1, "harmful": 1}, {"lowering": 1, "raising": -1}


class Columns(NamedTuple):
    """What each of the m numbers of a measure is of.

    Attributes:
        ids: of test points, or other numbers that tell them apart.
        labels: of test points; 0 for what has none.
        names: instead of the ids 0, 1, …, where there are any.
        points: whether they are of test points, one each.
    """

    ids: Tensor
    labels: Tensor
    names: tuple[str, ...]
    points: bool = True


@dataclass(frozen=True)
class Measure(Recipe):
    """One or more numbers that a model of θ gives; m of them, each a column of a sensitivity."""

    @abstractmethod
    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The measure of k models."""

    @abstractmethod
    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The derivative of each number in θ."""

    @default
    def columns(self, task: Task, data: Dataset) -> Columns:
        """What the numbers are of; by default the test points."""
        return Columns(data.test_ids, data.y_test, data.test_names)

    @default
    def part(self, task: Task, data: Dataset, rows: slice) -> "Measure | None":
        """The measure of some of the numbers, where they are not of test points; by default there is none."""
        return None

    @default
    def unit(self, task: Task) -> str:
        """The unit of the numbers; by default that of the task's loss."""
        return task.output_loss.unit

    @property
    @default
    def effects(self) -> dict[str, int]:
        """What training points are called, by the sign of the change of the number when they are removed."""
        return WORSE

    @property
    @default
    def noun(self) -> str:
        """What the numbers are called in a sentence."""
        return "test losses"
