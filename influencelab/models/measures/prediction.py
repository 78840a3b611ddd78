"""The prediction for each test point: the mean response of a regression, or the probability of a class."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.models.derivatives import output_measure_gradients
from influencelab.models.measure import NEITHER, Measure
from influencelab.models.measures.output import check_output
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class Prediction(Measure):
    """The mean response that the model gives each test point: what its outputs stand for, through the inverse link.

    Attributes:
        output: which, where a model has one a class: its probability is then meant.
    """

    output: int = 0

    @property
    def noun(self) -> str:
        """Predictions."""
        return "predictions for test points"

    @property
    def effects(self) -> dict[str, int]:
        """No rise is better or worse."""
        return NEITHER

    def unit(self, task: Task) -> str:
        """Of the response, or a share of 1."""
        return "mean response"

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The mean of each test point."""
        check_output(self.output, task, data)
        return task.output_loss.mean(task.outputs(theta, data.x_test))[..., self.output, :]

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The derivative of each mean."""
        check_output(self.output, task, data)
        return output_measure_gradients(task, data.x_test, theta, lambda z: task.output_loss.mean(z)[self.output])
