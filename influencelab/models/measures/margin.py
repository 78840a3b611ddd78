"""Margins: the log-odds of each test point's own class."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.models.derivatives import output_measure_gradients
from influencelab.models.measure import BETTER, Measure
from influencelab.models.shapes import KB, KCB, KM, KP, MP, P, Y
from influencelab.models.task import Task


@dataclass(frozen=True)
class Margin(Measure):
    """log p / (1 − p) of each test point's class, by the outputs: the log-odds that it is right (Park et al. 2023).

    For one output it is z for class 1 and −z for class 0; for several, the output of the class less log Σ exp of the
    others. Unlike the loss it does not vanish where the model is sure. A rise is an improvement, so that removing a
    point that helps makes it fall.
    """

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The margin of each test point."""
        check_classes(data)
        return margins(task.outputs(theta, data.x_test), data.y_test)

    @property
    def noun(self) -> str:
        """Margins."""
        return "margins of test points"

    @property
    def effects(self) -> dict[str, int]:
        """A rise is an improvement."""
        return BETTER

    def unit(self, task: Task) -> str:
        """Natural logarithms of odds, by the outputs, whatever the loss."""
        return "log-odds"

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The derivative of each margin."""
        check_classes(data)
        return output_measure_gradients(task, data.x_test, theta, lambda z: margins(z, data.y_test))


def margins(z: KCB, y: Y) -> KB:
    """The log-odds of each point's class."""
    if z.shape[-2] == 1:
        return torch.where(y == 1, z[..., 0, :], -z[..., 0, :])
    own = torch.arange(z.shape[-2], device=z.device)[:, None] == y
    return z.where(own, 0.0).sum(-2) - z.masked_fill(own, -torch.inf).logsumexp(-2)


def check_classes(data: Dataset) -> None:
    """Refuse real targets, of which no model is more or less sure."""
    if data.classes == 0:
        raise InvalidData(f"{data.name} has real targets and no classes; take the measure 'loss'.")
