"""The gap between the mean losses of two groups of test points."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.measure import NEITHER, Columns, Measure
from influencelab.models.measures.group_mean_loss import GroupMeanLoss
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class GroupGap(Measure):
    """The mean of L_j over one group of test points less that over another, in nats: 0 where both fare alike.

    Attributes:
        first: its test points, as positions in the test set, such as those of one sex.
        second: the other's.
    """

    first: tuple[int, ...] = ()
    second: tuple[int, ...] = ()

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The gap of each model."""
        means = self.means().values(task, data, theta)
        return means[:, :1] - means[:, 1:]

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The difference of the mean slopes."""
        slopes = self.means().gradients(task, data, theta)
        return slopes[:1] - slopes[1:]

    def means(self) -> GroupMeanLoss:
        """The measure of both groups."""
        for name, group in (("first", self.first), ("second", self.second)):
            if isinstance(group, Sequence) and not group:
                raise InvalidParameter(
                    f"The {name} group is empty. Give positions of test points, such as il.GroupGap((0, 2), (1, 3))."
                )
        return GroupMeanLoss((self.first, self.second))

    @property
    def noun(self) -> str:
        """The gap."""
        return "the gap between the mean losses of two groups"

    @property
    def effects(self) -> dict[str, int]:
        """No rise is better or worse."""
        return NEITHER

    def columns(self, task: Task, data: Dataset) -> Columns:
        """One number."""
        zero = torch.zeros(1, dtype=torch.int64, device=data.x_test.device)
        return Columns(zero, zero, ("first group less second",), points=False)
