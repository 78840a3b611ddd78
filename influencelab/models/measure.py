"""Measures: smooth scalars of θ, such as a test point's loss, whose change a perturbation brings about."""

from abc import abstractmethod
from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task
from influencelab.recipe import Recipe


@dataclass(frozen=True)
class Measure(Recipe):
    """One or more numbers that a model of θ gives; m of them, each a column of a sensitivity."""

    @abstractmethod
    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The measure of k models."""

    @abstractmethod
    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The derivative of each number in θ."""
