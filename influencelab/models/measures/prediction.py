"""The prediction for each test point: the mean response of a regression, or the probability of a class."""

from dataclasses import dataclass

from torch.func import grad, vmap

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.measure import Measure
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
        return {"lowering": 1, "raising": -1}

    def unit(self, task: Task) -> str:
        """Of the response, or a share of 1."""
        return "mean response"

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The mean of each test point."""
        self.check(task, data)
        return task.output_loss.mean(task.outputs(theta, data.x_test))[..., self.output, :]

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The derivative of each mean."""
        self.check(task, data)
        one = grad(lambda parameters, x: task.output_loss.mean(task.outputs(parameters, x[None]))[self.output, 0])
        return vmap(one, in_dims=(None, 0))(theta, data.x_test)

    def check(self, task: Task, data: Dataset) -> None:
        """Refuse an output that the task has not."""
        if not 0 <= self.output < (count := task.output_loss.size(data)):
            raise InvalidParameter(f"output is {self.output}, expected one of 0 … {count - 1}.")
