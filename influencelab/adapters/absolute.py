"""An objective with an absolute penalty, and the smooth pieces of it on which some coefficients are 0."""

from dataclasses import dataclass, replace

import numpy
import torch

from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import SparseRows, sparse_rows
from influencelab.errors import InvalidData
from influencelab.models.loss import OutputLoss
from influencelab.models.shapes import N
from influencelab.models.task import Task
from influencelab.models.tasks.signed_linear import SignedLinear
from influencelab.models.tasks.sparse_linear import FREE, HELD, SparseLinear


@dataclass(frozen=True, eq=False)
class Absolute:
    """Σ wᵢ ℓᵢ + l1 ‖Θ‖₁ + ½ decay ‖Θ‖², in all coefficients.

    Attributes:
        name: of the estimator's class, for errors.
        data: the points with all features.
        loss: of the outputs.
        l1: strength of the absolute penalty.
        decay: strength of the other one.
        intercept: whether each output has one, as the last column of Θ.
        penalise_intercept: whether the penalties act on it too.
        constant: the feature that it multiplies.
    """

    name: str
    data: Dataset
    loss: OutputLoss
    l1: float
    decay: float
    intercept: bool
    penalise_intercept: bool
    constant: float

    def held(self, signs: numpy.ndarray) -> numpy.ndarray:
        """Which entries of Θ are held at 0, by signs of −1, 0 and 1."""
        held = (signs == 0) & (self.l1 > 0)
        if self.intercept and not self.penalise_intercept:
            held[:, -1] = False
        return held

    def empty(self, signs: numpy.ndarray) -> bool:
        """Whether all coefficients are held."""
        return bool(self.held(signs)[:, : self.data.x_train.shape[1]].all())

    def check_any(self, signs: numpy.ndarray) -> None:
        """Refuse, by InvalidData, that all coefficients are held."""
        if self.empty(signs):
            raise InvalidData(f"All coefficients of {self.name} are 0, and stay so. Take a weaker penalty.")

    def piece(self, signs: numpy.ndarray) -> tuple[Task, Dataset]:
        """The task on these signs, and the data that it takes: of one output, the features that are not held."""
        held = self.held(signs)
        count = self.data.x_train.shape[1]
        if len(signs) > 1 or self.empty(signs):
            entries = numpy.where(held, HELD, signs)
            if self.intercept and not self.penalise_intercept:
                entries[:, -1] = FREE
            rows = tuple(tuple(int(each) for each in row) for row in entries)
            task: Task = SparseLinear(
                self.decay, loss=self.loss, l1=self.l1, signs=rows, intercept=self.intercept, constant=self.constant
            )
            return task, self.data
        some, intercept = ~held[0, :count], self.intercept and not held[0, -1]
        own = [*signs[0, :count][some], *([signs[0, -1] if self.penalise_intercept else 0] if intercept else [])]
        task = SignedLinear(
            self.decay,
            intercept=intercept,
            penalise_intercept=self.penalise_intercept and intercept,
            loss=self.loss,
            l1=self.l1,
            signs=tuple(int(each) for each in own),
            constant=self.constant,
        )
        kept, names = torch.from_numpy(some), self.data.feature_names
        seen = replace(
            self.data,
            x_train=few(self.data.x_train[:, kept]),
            x_test=few(self.data.x_test[:, kept]),
            feature_names=tuple(name for name, on in zip(names, some, strict=True) if on) if names else (),
        )
        return task, seen

    def columns(self, x: torch.Tensor) -> torch.Tensor:
        """Each point as a row, with the constant last where there is an intercept: what a row of Θ multiplies."""
        return torch.cat([x, x.new_full((len(x), 1), self.constant)], dim=1) if self.intercept else x

    def spread(self, theta: torch.Tensor, signs: numpy.ndarray) -> torch.Tensor:
        """All of Θ: θ where entries are free, and 0 where they are held."""
        whole = theta.new_zeros(signs.shape)
        whole[torch.from_numpy(~self.held(signs))] = theta
        return whole

    def value(self, whole: torch.Tensor, weights: N) -> float:
        """J."""
        x = self.columns(self.data.x_train)
        losses = weights @ self.loss.values(whole @ x.T, self.data.y_train)
        on = whole if self.penalise_intercept or not self.intercept else whole[:, :-1]
        return float(losses + self.l1 * on.abs().sum() + self.decay / 2 * on.square().sum())

    def slopes(self, whole: torch.Tensor, weights: N) -> torch.Tensor:
        """∂/∂Θ of Σ wᵢ ℓᵢ."""
        x = self.columns(self.data.x_train)
        return (weights * self.loss.gradients(whole @ x.T, self.data.y_train)) @ x

    def curvatures(self, whole: torch.Tensor, weights: N) -> torch.Tensor:
        """∂²/∂Θ² of all but the absolute penalty, along each entry alone."""
        x = self.columns(self.data.x_train)
        own = self.loss.hessians(whole @ x.T, self.data.y_train).diagonal(dim1=0, dim2=1).T
        return (weights * own) @ x.square() + self.decay


def few(x: torch.Tensor) -> torch.Tensor:
    """Some of the features, with their zeros where these are no longer many."""
    return sparse_rows(x.matrix, what="X") if isinstance(x, SparseRows) else x
