"""Shifts of all outputs by the same, which change no loss of a softmax: directions known to have no curvature."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.task import Task


@dataclass(frozen=True, eq=False)
class Shifts:
    """The directions of a linear task along which every output moves by the same and no penalty acts.

    Attributes:
        columns: of Θ whose coefficients may shift in all rows alike, such as that of intercepts without a penalty.
        outputs: c, the rows of Θ.
    """

    columns: Bool[Tensor, " d"]
    outputs: int

    @property
    def count(self) -> int:
        """How many directions: one a column."""
        return int(self.columns.sum())

    def part(self, vectors: Float[Tensor, "p k"]) -> Float[Tensor, "p k"]:
        """What of each column lies along them: its mean over outputs."""
        blocks = vectors.unflatten(0, (self.outputs, -1))
        mean = blocks.mean(0).where(self.columns[:, None], 0.0)
        return mean.expand_as(blocks).flatten(0, 1)

    def add(self, matrix: Float[Tensor, "p p"], size: float) -> None:
        """Give each of them the curvature `size`, in place."""
        blocks = matrix.view(self.outputs, len(self.columns), self.outputs, len(self.columns))
        some = self.columns.nonzero().squeeze(1)
        blocks[:, some, :, some] += size / self.outputs


def shifts_of(task: Task, data: Dataset) -> Shifts | None:
    """Those of a task; None where a penalty acts on all of them, or there are none."""
    if not (task.linear and task.plain and task.output_loss.shifts):
        return None
    outputs = task.output_loss.size(data)
    free = ~task.penalised(data) | (task.weight_decay == 0)
    columns = free.unflatten(0, (outputs, -1)).all(0)
    return Shifts(columns, outputs) if columns.any() else None
