"""Linear outputs with an offset: a part of each point's output that is known and not fitted."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.closed_forms.linear import LinearDerivatives
from influencelab.models.loss import OutputLoss
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.shapes import KCB, KP, P, Theta, X
from influencelab.models.task import LinearTask

SQUARES = SquaredError()


@dataclass(frozen=True)
class OffsetLinear(LinearTask):
    """z = Θ x + offset: the last feature of each point is its offset, whose coefficient is 1 and not among θ.

    An exposure e of a log link is the offset log e. A removal takes a point with its offset, a `FeatureMove` may move
    the offset as it does any feature.

    Attributes:
        loss: of the outputs.
    """

    loss: OutputLoss = SQUARES

    @property
    def output_loss(self) -> OutputLoss:
        """The loss it was given."""
        return self.loss

    def features(self, x: X) -> Float[Tensor, "b d"]:
        """Each point as a row without its offset, with a last column of ones where there is an intercept."""
        flat = x[:, :-1]
        return torch.cat([flat, flat.new_ones(len(flat), 1)], dim=1) if self.intercept else flat

    def width(self, data: Dataset) -> int:
        """d: the offset is no column of Θ."""
        return data.x_train.shape[1] - 1 + self.intercept

    def outputs(self, theta: Theta, x: X) -> KCB:
        """Θ x and the offset, for every model and point."""
        return self.fitted(theta, x) + x[:, -1]

    def output_slopes(self, theta: P, x: X, directions: KP) -> Float[Tensor, "k c b"]:
        """Θ x of each direction, wherever θ is."""
        return self.fitted(directions, x)

    def fitted(self, theta: Theta, x: X) -> KCB:
        """Θ x for every model and point."""
        features = self.features(x)
        rows = theta.unflatten(-1, (-1, features.shape[1]))
        return (rows.flatten(0, -2) @ features.T).unflatten(0, rows.shape[:-1])

    def derivatives(self, data: Dataset) -> LossDerivatives:
        """In closed form: matrix products with the features."""
        return LinearDerivatives(
            self, data, self.output_loss.size(data), features=self.features, offsets=lambda x: x[:, -1]
        )
