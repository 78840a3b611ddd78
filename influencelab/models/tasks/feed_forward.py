"""A fully connected network of any widths and any loss, with penalised weights and free biases."""

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Bool

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.shapes import KCB, P, Theta, X
from influencelab.models.starts import fan_in
from influencelab.models.task import Layer, LayeredTask, penalised_layers

ACTIVATIONS = {"tanh": torch.tanh, "logistic": torch.sigmoid, "identity": torch.clone, "relu": torch.relu}
ENTROPY = CrossEntropy()


@dataclass(frozen=True)
class FeedForward(LayeredTask):
    """Hidden layers of the widths given; where all are of one width, `MLP` is faster.

    scikit-learn's `MLPClassifier(alpha=alpha, solver="lbfgs")` on n points of more than two classes is
    `FeedForward(weight_decay=alpha / n)`.

    Attributes:
        widths: units of each hidden layer.
        activation: `tanh`, `logistic`, `identity` or `relu` (the last has kinks).
        loss: of the outputs, which decides how many there are.
    """

    widths: tuple[int, ...] = (16,)
    activation: str = "tanh"
    loss: OutputLoss = ENTROPY

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(each >= 1 for each in self.widths) or self.activation not in ACTIVATIONS:
            raise InvalidParameter(
                f"widths are {self.widths} and activation '{self.activation}'; expected widths of at least 1, and one "
                f"of {', '.join(ACTIVATIONS)}."
            )

    @property
    def output_loss(self) -> OutputLoss:
        """The loss it was given."""
        return self.loss

    @property
    def convex(self) -> bool:
        """Only without hidden layers."""
        return not self.widths and self.loss.convex

    @property
    def kink(self) -> str | None:
        """The activation, where it has kinks."""
        return "activation 'relu'" if self.activation == "relu" and self.widths else None

    def start(self, data: Dataset, seed: int) -> P:
        """Weights of variance 1 / inputs, and biases of 0."""
        return fan_in(self.shapes(data), seed).to(data.x_train)

    def penalised(self, data: Dataset) -> Bool[torch.Tensor, " p"]:
        """All weights."""
        return penalised_layers(tuple(self.shapes(data)), data.x_train.device, biases=False).clone()

    def forward(self, theta: Theta, x: X, layer: Layer) -> KCB:
        """The activation after each layer but the last."""
        units, used = x.flatten(1).T, 0
        for width in self.widths:
            columns = units.shape[-2] + 1
            matrix = theta[..., used : used + width * columns].unflatten(-1, (-1, columns))
            units, used = ACTIVATIONS[self.activation](layer(matrix, units)), used + width * columns
        return layer(theta[..., used:].unflatten(-1, (-1, units.shape[-2] + 1)), units)

    def units(self, data: Dataset) -> int:
        """The widest layer's."""
        return max(rows for rows, _ in self.shapes(data))

    def shapes(self, data: Dataset) -> list[tuple[int, int]]:
        """(units, inputs + 1) of each layer."""
        widths = [data.x_train.shape[1:].numel(), *self.widths, self.loss.size(data)]
        return [(rows, inputs + 1) for inputs, rows in itertools.pairwise(widths)]

    def last_layer_size(self, data: Dataset) -> int:
        """Weights and biases of the outputs."""
        rows, columns = self.shapes(data)[-1]
        return rows * columns
