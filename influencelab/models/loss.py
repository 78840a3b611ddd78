"""The loss as a function of a model's outputs, with its first two derivatives in closed form."""

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.shapes import CB, KB, KCB, Y
from influencelab.recipe import Recipe, default, kind_name

# Above this, log(1 + exp z) is z to the last digit of float64.
EXACT = 40.0


@dataclass(frozen=True)
class OutputLoss(Recipe):
    """ℓ(z, y) for outputs z of one point; classes lie on the axis before the points, for speed.

    `z[..., a, i]` is output a for point i, so that the inner loops run over points, which are many.
    """

    @property
    @default
    def unit(self) -> str:
        """What its values are counted in, as figures name it; `nats` for minus a log-likelihood."""
        return "nats"

    @property
    @default
    def width(self) -> float:
        """The change of an output over which curvature changes by a factor e at most; infinite where it is constant."""
        return 1.0

    @property
    @default
    def convex(self) -> bool:
        """Whether it is convex in the outputs, whatever the label."""
        return True

    @property
    @default
    def shifts(self) -> bool:
        """Whether a common shift of all outputs changes nothing, as that of a softmax does not."""
        return False

    @property
    @default
    def several(self) -> bool:
        """Whether a point has a row of targets, not one label."""
        return False

    @default
    def mean(self, z: KCB) -> KCB:
        """The mean response that outputs stand for, or the probabilities of classes; refused where there is none."""
        raise InvalidParameter(f"{type(self).__name__} predicts no mean response; take the measure 'output' or 'loss'.")

    @default
    def margins(self, z: KCB, y: Y) -> KB:
        """The log-odds of each point's class: one output, or that of the class less log Σ exp of the others."""
        if z.shape[-2] == 1:
            return torch.where(y == 1, z[..., 0, :], -z[..., 0, :])
        own = torch.arange(z.shape[-2], device=z.device)[:, None] == y
        return z.where(own, 0.0).sum(-2) - z.masked_fill(own, -torch.inf).logsumexp(-2)

    @abstractmethod
    def size(self, data: Dataset) -> int:
        """c, the number of outputs a model of this data needs."""

    @abstractmethod
    def values(self, z: KCB, y: Y) -> KB:
        """The loss of each point, in `unit`."""

    @abstractmethod
    def gradients(self, z: KCB, y: Y) -> KCB:
        """∂ℓ/∂z: how fast each point's loss rises with each of its outputs."""

    @abstractmethod
    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """(∂²ℓ/∂z²) v for each point: curvature in output space times a change of the outputs."""

    def hessians(self, z: CB, y: Y) -> Float[Tensor, "c c b"]:
        """∂²ℓ/∂z² of each point."""
        eye = torch.eye(len(z), dtype=z.dtype, device=z.device)
        return self.products(z, y, eye.unsqueeze(-1).expand(-1, -1, z.shape[1]))


def other_labels(data: Dataset, needs: str) -> InvalidData:
    """The refusal of data whose labels are of another kind than a loss needs."""
    if data.classes:
        return InvalidData(f"{data.name} has {data.classes} classes; {needs}")
    step = "Give class labels, or a task for real targets, such as il.Ridge."
    if (data.y_train == data.y_train.round()).all():
        low, high = float(data.y_train.min()), float(data.y_train.max())
        step = f"Its labels, {low} to {high}, are all whole: give them as integers, such as y.long() or y.astype(int)."
    return InvalidData(f"{data.name} has real numbers as labels, no classes; {needs} {step}")


def check_targets(loss: OutputLoss, data: Dataset) -> None:
    """Refuse several targets a point where the loss takes one label."""
    if data.y_train.dim() > 1 and not loss.several:
        raise InvalidData(
            f"{data.name} has targets of shape {tuple(data.y_train.shape[1:])} a point, and {kind_name(loss)} takes "
            "one. Give y.argmax(1) of classes that are one-hot, fit a model a target, or take a module of torch and a "
            "loss of such: il.from_torch."
        )


def softplus(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """log(1 + exp z), to the last digit: torch's own drops 2e-9 where z is above 20."""
    return torch.nn.functional.softplus(z, threshold=EXACT)


def gelu(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """z Φ(z), with Φ the normal distribution function (Hendrycks and Gimpel 2016): smooth, and not monotone."""
    return 0.5 * z * torch.erfc(z * -math.sqrt(0.5))
