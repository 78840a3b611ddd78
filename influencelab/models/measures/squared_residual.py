"""How far each test point's prediction is off, squared."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.models.derivatives import output_measure_gradients
from influencelab.models.measure import Measure
from influencelab.models.shapes import KB, KCB, KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class SquaredResidual(Measure):
    """(y − ŷ)² of each test point, ŷ the mean response, whatever loss the model was fitted by.

    Of classes it is Brier's score: y is 1 for the own class and 0 for others, ŷ the probabilities, and the squares are
    summed over classes; where one output stands for two classes, that of class 1 is taken alone.
    """

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The squares of each test point."""
        return squares(task, data, task.outputs(theta, data.x_test))

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The derivative of each."""
        return output_measure_gradients(task, data.x_test, theta, lambda z: squares(task, data, z))

    @property
    def noun(self) -> str:
        """Squared residuals."""
        return "squared residuals of test points"

    def unit(self, task: Task) -> str:
        """Of the response, squared."""
        return "squared response"


def squares(task: Task, data: Dataset, z: KCB) -> KB:
    """The squared distance of each test point's prediction from what it should be."""
    mean = task.output_loss.mean(z)
    if mean.shape[-2] == 1:
        return (mean[..., 0, :] - data.y_test).square()
    own = torch.arange(mean.shape[-2], device=z.device)[:, None] == data.y_test
    return (mean - own.to(mean)).square().sum(-2)
