"""The loss of each test point, or the task's own measure of it."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models import derivatives
from influencelab.models.measure import Measure
from influencelab.models.shapes import KP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class Loss(Measure):
    """L_j of each test point j, in nats: the task's own measure, and the one that retraining reports."""

    def values(self, task: Task, data: Dataset, theta: KP) -> Float[Tensor, "k m"]:
        """The loss of each test point."""
        return derivatives.measures(task, data, theta)

    def gradients(self, task: Task, data: Dataset, theta: P) -> Float[Tensor, "m p"]:
        """∇L_j."""
        return derivatives.measure_gradients(task, data, theta)
