"""The area under the ROC curve of the test points, smoothed so that it has a derivative."""

from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter, require
from influencelab.models.derivatives import pulled_back
from influencelab.models.loss_derivatives import chunks
from influencelab.models.measure import BETTER, Columns, Measure
from influencelab.models.shapes import KCB, KM, KP, MP, P
from influencelab.models.task import Task


@dataclass(frozen=True)
class Auroc(Measure):
    """How often a test point of class 1 is given a larger output than one of class 0, smoothed: one number.

    The area under the ROC curve is the share of pairs in the right order: a count, which has no derivative. Here a pair
    counts by the logistic function of the difference of its outputs over `width`: many widths apart it counts 0 or 1 as
    it does there, and a tie a half. Of two outputs the difference is meant. A rise is an improvement.

    Attributes:
        width: over which a pair's share goes from 0 to 1, in units of an output; log-odds in logistic regression. As
            it goes to 0 the number becomes the area itself, and influence rests on fewer and fewer pairs.
    """

    width: float = 0.1

    def __post_init__(self) -> None:
        require(self.width, Real, what="width", cure="Give a number above 0, in units of an output.")
        if not 0 < self.width < float("inf"):
            raise InvalidParameter(f"width is {self.width}, expected a finite number above 0, in units of an output.")

    @property
    def noun(self) -> str:
        """The area."""
        return f"the area under the ROC curve, smoothed over {self.width:g}"

    @property
    def effects(self) -> dict[str, int]:
        """A rise is an improvement."""
        return BETTER

    def columns(self, task: Task, data: Dataset) -> Columns:
        """One number of all test points."""
        zero = torch.zeros(1, dtype=torch.int64, device=data.x_test.device)
        return Columns(zero, zero, ("AUROC",), points=False)

    def unit(self, task: Task) -> str:
        """A share of pairs."""
        return "share of pairs"

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The area of each model."""
        of_ones, of_zeros = parted(task.outputs(theta, data.x_test), data)
        total = theta.new_zeros(len(theta))
        for rows in chunks(of_ones.shape[1], width=of_zeros.numel()):
            total += self.shares(of_ones[:, rows], of_zeros).sum((1, 2))
        return total[:, None] / (of_ones.shape[1] * of_zeros.shape[1])

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """The mean over pairs of the share's slope."""
        outputs = task.outputs(theta, data.x_test)
        of_ones, of_zeros = parted(outputs[None], data)
        rising, falling = torch.zeros_like(of_ones[0]), torch.zeros_like(of_zeros[0])
        for rows in chunks(len(rising), width=len(falling)):
            shares = self.shares(of_ones[:, rows], of_zeros)[0]
            steep = shares * (1 - shares) / self.width
            rising[rows] = steep.sum(1)
            falling += steep.sum(0)
        slopes = torch.zeros_like(outputs)
        slopes[-1, data.y_test == 1], slopes[-1, data.y_test == 0] = rising, -falling
        if len(slopes) > 1:
            slopes[0] = -slopes[1]
        return pulled_back(task, data.x_test, theta, slopes / (len(rising) * len(falling)))[None]

    def shares(self, of_ones: Tensor, of_zeros: Tensor) -> Tensor:
        """How far each pair is in the right order, 0 … 1, for each of k models."""
        return torch.sigmoid((of_ones[:, :, None] - of_zeros[:, None]) / self.width)


def parted(z: KCB, data: Dataset) -> tuple[Tensor, Tensor]:
    """The score of each test point of class 1, and of class 0, for k models.

    Raises:
        InvalidData: there are not two classes, or the test set holds one of them alone.
    """
    if data.classes != 2 or z.shape[-2] > 2:
        kind = f"{data.classes} classes" if data.classes else "real targets"
        raise InvalidData(
            f"{data.name} has {kind}, and an area under the ROC curve needs two. Take the measure 'loss'."
        )
    if not 0 < (ones := int(data.y_test.sum())) < data.m:
        raise InvalidData(
            f"All {data.m} test points of {data.name} are of class {int(ones > 0)}, and an area under the ROC curve "
            "compares points of two classes. Watch points of both."
        )
    score = z[..., -1, :] if z.shape[-2] == 1 else z[..., 1, :] - z[..., 0, :]
    return score[..., data.y_test == 1], score[..., data.y_test == 0]
