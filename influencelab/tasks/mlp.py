"""A fully connected network: `depth` hidden layers of `width` units."""

import itertools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from influencelab.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.output_loss import OutputLoss
from influencelab.output_losses.cross_entropy import CrossEntropy
from influencelab.output_losses.squared_error import SquaredError
from influencelab.task import Task

ACTIVATIONS = {
    "tanh": torch.tanh,
    "softplus": torch.nn.functional.softplus,
    "selu": torch.nn.functional.selu,
    "relu": torch.relu,
}
# Weight variance times the number of inputs (LeCun, He) or the mean of inputs and outputs (Glorot).
INITS = ("lecun", "he", "glorot")


@dataclass(frozen=True)
class MLP(Task):
    """A network for classification (cross-entropy) or, where the data has real targets, regression (½ squared error).

    Each layer is kept as one matrix whose last column is the bias, flattened row by row, first layer first.

    Attributes:
        depth: hidden layers; 0 is a linear model.
        width: units in each of them.
        activation: `tanh`, `softplus`, `selu` or `relu` (the last has no curvature of its own and kinks).
        init: variance of the initial weights: `lecun` (1 / inputs), `he` (2 / inputs) or `glorot`
            (2 / (inputs + outputs)); biases start at 0.
        penalise_bias: whether weight decay acts on biases too. If not, shifting all outputs is a null direction.
        regression: True for real targets.
    """

    depth: int = 1
    width: int = 16
    activation: str = "tanh"
    init: str = "lecun"
    penalise_bias: bool = True
    regression: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 0 or self.width < 1:
            raise InvalidParameter(f"depth is {self.depth} and width {self.width}; expected depth ≥ 0 and width ≥ 1.")
        if self.activation not in ACTIVATIONS:
            raise InvalidParameter(f"activation is '{self.activation}', expected one of {', '.join(ACTIVATIONS)}.")
        if self.init not in INITS:
            raise InvalidParameter(f"init is '{self.init}', expected one of {', '.join(INITS)}.")

    @property
    def output_loss(self) -> OutputLoss:
        """Cross-entropy, or half the squared error for real targets."""
        return SquaredError() if self.regression else CrossEntropy()

    @property
    def convex(self) -> bool:
        """Only without hidden layers."""
        return self.depth == 0

    def start(self, data: Dataset, seed: int) -> Float[Tensor, " p"]:
        """Gaussian weights of the variance `init` names, drawn on the CPU so that devices agree; biases 0."""
        generator = torch.Generator().manual_seed(seed)
        layers = []
        for rows, columns in self.shapes(data):
            fan_in = columns - 1
            variance = {"lecun": 1 / fan_in, "he": 2 / fan_in, "glorot": 2 / (fan_in + rows)}[self.init]
            weights = torch.randn(rows, fan_in, generator=generator, dtype=torch.float64) * math.sqrt(variance)
            layers.append(torch.cat([weights, torch.zeros(rows, 1, dtype=torch.float64)], dim=1).flatten())
        return torch.cat(layers).to(data.x_train)

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """All weights, and the biases unless told not to."""
        masks = []
        for shape in self.shapes(data):
            mask = torch.ones(shape, dtype=torch.bool, device=data.x_train.device)
            mask[:, -1] = self.penalise_bias
            masks.append(mask.flatten())
        return torch.cat(masks)

    def outputs(self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"]) -> Float[Tensor, "*k c b"]:
        """Layer by layer; each layer is one batched matrix product over models."""
        units, used = x.flatten(1).T, 0
        for _ in range(self.depth):
            size = self.width * (units.shape[-2] + 1)
            units = ACTIVATIONS[self.activation](self.layer(theta[..., used : used + size], units))
            used += size
        return self.layer(theta[..., used:], units)

    def layer(self, theta: Float[Tensor, "*k q"], units: Float[Tensor, "*_ h b"]) -> Float[Tensor, "*k g b"]:
        """W units + bias, where θ holds (W | bias)."""
        matrix = theta.unflatten(-1, (-1, units.shape[-2] + 1))
        return matrix[..., :-1] @ units + matrix[..., -1:]

    def measure(
        self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"], y: Num[Tensor, " b"]
    ) -> Float[Tensor, "*k b"]:
        """The loss."""
        return self.losses(theta, x, y)

    def shapes(self, data: Dataset) -> list[tuple[int, int]]:
        """(units, inputs + 1) of each layer."""
        widths = [data.x_train[0].numel(), *[self.width] * self.depth, self.output_loss.size(data)]
        return [(rows, inputs + 1) for inputs, rows in itertools.pairwise(widths)]
