"""The loss of each test point, or the task's own measure of it."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.models import derivatives
from influencelab.models.measure import Measure
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class Loss(Measure):
    """L_j of each test point j, in nats: the task's own measure, and the one that retraining reports."""

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The loss of each test point."""
        return derivatives.measures(task, data, theta)

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """∇L_j."""
        return derivatives.measure_gradients(task, data, theta)
