"""Margins: the log-odds of each test point's own class."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.models.derivatives import output_measure_gradients
from influencelab.models.measure import BETTER, Measure
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class Margin(Measure):
    """log p / (1 − p) of each test point's class, by the outputs: the log-odds that it is right (Park et al. 2023).

    For one output it is z for class 1 and −z for class 0; for several, the output of the class less log Σ exp of the
    others; of logistic machines, one a class, by their probabilities as shares of their sum. Unlike the loss it does
    not vanish where the model is sure. A rise is an improvement, so that removing a point that helps makes it fall.
    """

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The margin of each test point."""
        check_classes(data)
        return task.output_loss.margins(task.outputs(theta, data.x_test), data.y_test)

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
        return output_measure_gradients(task, data.x_test, theta, lambda z: task.output_loss.margins(z, data.y_test))


def check_classes(data: Dataset) -> None:
    """Refuse real targets, of which no model is more or less sure."""
    if data.classes == 0:
        raise InvalidData(f"{data.name} has real targets and no classes; take the measure 'loss'.")
