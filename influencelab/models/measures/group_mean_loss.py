"""The mean loss of groups of test points."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, require
from influencelab.models import derivatives
from influencelab.models.measure import Columns, Measure
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class GroupMeanLoss(Measure):
    """The mean of L_j over each group of test points, in nats.

    Attributes:
        groups: the test points of each group, as positions in the test set; none is one group of all of them.
    """

    groups: tuple[tuple[int, ...], ...] = ()

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The mean loss of each group."""
        return derivatives.measures(task, data, theta) @ self.shares(data).T

    @property
    def noun(self) -> str:
        """Means."""
        return "mean losses of groups of test points"

    def columns(self, task: Task, data: Dataset) -> Columns:
        """The groups."""
        ids = torch.arange(max(1, len(self.groups)), device=data.x_test.device)
        names = tuple(f"group {number}" for number in ids.tolist()) if self.groups else ("all test points",)
        return Columns(ids, torch.zeros_like(ids), names, points=False)

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The mean of ∇L_j over each group."""
        return self.shares(data) @ derivatives.measure_gradients(task, data, theta)

    def shares(self, data: Dataset) -> Float[Tensor, "g m"]:
        """The share of each test point in each mean."""
        groups = self.groups or (tuple(range(data.m)),)
        table = data.x_test.new_zeros(len(groups), data.m)
        for row, group in zip(table, groups, strict=True):
            require(group, Sequence, what="a group of test points", cure="Give groups, such as ((0, 2), (1, 3)).")
            if not group or not all(0 <= point < data.m for point in group):
                raise InvalidParameter(f"a group of test points is {group}, expected one or more of 0 … {data.m - 1}.")
            row.index_add_(0, torch.tensor(group, device=row.device), row.new_full((len(group),), 1 / len(group)))
        return table
