"""What is trained and what is measured: a model's outputs, its loss, its penalty, its start."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss
from influencelab.recipe import Recipe


@dataclass(frozen=True)
class Task(Recipe):
    """The objective J(θ; w) = Σᵢ wᵢ ℓᵢ(θ) + (weight_decay / 2) ‖Pθ‖², and the measure whose change is predicted.

    Attributes:
        weight_decay: strength of the penalty on the penalised parameters; 0 for none. It stays what it is when
            points are removed.
    """

    weight_decay: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight_decay < float("inf"):
            raise InvalidParameter(f"weight_decay is {self.weight_decay}, expected a finite number ≥ 0.")

    @property
    @abstractmethod
    def output_loss(self) -> OutputLoss:
        """ℓ as a function of the outputs."""

    @property
    @abstractmethod
    def convex(self) -> bool:
        """True where J is convex in θ, so that every minimum is the same minimum."""

    @abstractmethod
    def start(self, data: Dataset, seed: int) -> Float[Tensor, " p"]:
        """The parameters training starts from; the same seed gives the same start."""

    @abstractmethod
    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """P: which parameters weight decay pulls towards 0."""

    @abstractmethod
    def outputs(self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"]) -> Float[Tensor, "*k c b"]:
        """What k models say of b points, in one batched computation; points on the last axis."""

    @abstractmethod
    def measure(
        self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"], y: Num[Tensor, " b"]
    ) -> Float[Tensor, "*k b"]:
        """What is watched at each test point, in nats: the loss, unless the task says otherwise."""

    def losses(
        self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"], y: Num[Tensor, " b"]
    ) -> Float[Tensor, "*k b"]:
        """ℓᵢ(θ) of each point, in nats, without the penalty."""
        return self.output_loss.values(self.outputs(theta, x), y)


@dataclass(frozen=True)
class LinearTask(Task):
    """A task whose outputs are linear in θ: z = Θ x (+ intercept), Θ of c rows, flattened row by row.

    Its derivatives have closed forms of low rank, which the curvature and the retrainer use.

    Attributes:
        intercept: whether each output has an intercept, kept as the last column of Θ.
        penalise_intercept: whether weight decay acts on it too.
    """

    intercept: bool = True
    penalise_intercept: bool = False

    def features(self, x: Float[Tensor, " b *shape"]) -> Float[Tensor, "b d"]:
        """Each point as a row, with a last column of ones where there is an intercept."""
        flat = x.flatten(1)
        return torch.cat([flat, flat.new_ones(len(flat), 1)], dim=1) if self.intercept else flat

    @property
    def convex(self) -> bool:
        """A convex loss of linear outputs is convex."""
        return True

    def start(self, data: Dataset, seed: int) -> Float[Tensor, " p"]:
        """Zeros, where the outputs say nothing; the seed has no part in it."""
        return data.x_train.new_zeros(self.output_loss.size(data) * self.width(data))

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """All weights, and the intercepts only if asked."""
        mask = torch.ones(self.output_loss.size(data), self.width(data), dtype=torch.bool, device=data.x_train.device)
        if self.intercept and not self.penalise_intercept:
            mask[:, -1] = False
        return mask.flatten()

    def outputs(self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"]) -> Float[Tensor, "*k c b"]:
        """Θ x for every model and point."""
        features = self.features(x)
        return theta.unflatten(-1, (-1, features.shape[1])) @ features.T

    def measure(
        self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"], y: Num[Tensor, " b"]
    ) -> Float[Tensor, "*k b"]:
        """The loss."""
        return self.losses(theta, x, y)

    def width(self, data: Dataset) -> int:
        """d, the number of columns of Θ."""
        return data.x_train[0].numel() + self.intercept
