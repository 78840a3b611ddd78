"""Probabilities that a model gives each test point's own class."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.measure import BETTER, Measure
from influencelab.models.measures.margin import Margin
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task

# Units of losses of classes that are minus no log-likelihood, so that no output is a log-odds.
NO_PROBABILITIES = ("half squared error", "hinge loss", "half squared hinge")


@dataclass(frozen=True)
class Probability(Measure):
    """p of each test point's class, 0 … 1, by the logistic function of its margin (`Margin`).

    A rise is an improvement, so that removing a point that helps makes it fall.
    """

    @property
    def noun(self) -> str:
        """Probabilities."""
        return "probabilities of test points"

    @property
    def effects(self) -> dict[str, int]:
        """A rise is an improvement."""
        return BETTER

    def unit(self, task: Task) -> str:
        """A share of 1."""
        return "probability"

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The probability of each test point's class."""
        margins = Margin().values(task, data, theta)
        if (loss := task.output_loss).unit in NO_PROBABILITIES:
            raise InvalidParameter(
                f"The model was fitted by the {loss.unit}, and gives no probabilities; take the measure 'margin' or "
                "'loss'."
            )
        return torch.sigmoid(margins)

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The derivative of each probability: p (1 − p) times that of the margin."""
        p = self.values(task, data, theta[None])[0]
        return (p * (1 - p))[:, None] * Margin().gradients(task, data, theta)
