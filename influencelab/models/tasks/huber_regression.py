"""Linear regression that far points move little: Huber's loss, its scale estimated with the weights."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.scaled_huber import ScaledHuber
from influencelab.models.shapes import KCB, P, Theta, X
from influencelab.models.task import Task


@dataclass(frozen=True)
class HuberRegression(Task):
    """θ is a weight a feature, the intercept if there is one, and last the scale σ, which is not penalised.

    scikit-learn's `HuberRegressor(alpha=alpha)` on n points is `HuberRegression(weight_decay=2 * alpha / n)`. The loss
    has a third derivative nowhere that a residual passes epsilon σ, so that a removal that carries points across is
    predicted less well.

    Attributes:
        epsilon: residuals in units of σ from which on the loss grows in proportion.
        intercept: whether there is one; it is not penalised.
    """

    epsilon: float = 1.35
    intercept: bool = True

    @property
    def output_loss(self) -> OutputLoss:
        """Of the prediction and the scale."""
        return ScaledHuber(self.epsilon)

    @property
    def convex(self) -> bool:
        """The loss is convex in its two outputs, which are linear in θ."""
        return True

    def start(self, data: Dataset, seed: int) -> P:
        """No weights, and the spread of the targets, so that no unit of theirs is far from it; the seed has no part."""
        theta = data.x_train.new_zeros(data.x_train[0].numel() + self.intercept + 1)
        if self.intercept:
            theta[-2] = data.y_train.mean()
        theta[-1] = (data.y_train - theta[-2] * self.intercept).square().mean().sqrt().clamp_min(1e-100)
        return theta

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """The weights."""
        mask = torch.ones(data.x_train[0].numel() + self.intercept + 1, dtype=torch.bool, device=data.x_train.device)
        mask[-1 - self.intercept :] = False
        return mask

    def outputs(self, theta: Theta, x: X) -> KCB:
        """Prediction and scale of every model and point."""
        flat = x.flatten(1)
        predicted = theta[..., : flat.shape[1]] @ flat.T
        if self.intercept:
            predicted = predicted + theta[..., -2:-1]
        return torch.stack([predicted, theta[..., -1:].expand(predicted.shape)], dim=-2)
