"""A fully connected network: `depth` hidden layers of `width` units."""

import itertools
import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.closed_forms.activation import CLOSED
from influencelab.models.closed_forms.mlp import Network
from influencelab.models.closed_forms.mlp_derivatives import MLPDerivatives
from influencelab.models.loss import OutputLoss, gelu, softplus
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.shapes import KCB, P, Theta, X
from influencelab.models.task import Layer, LayeredTask, penalised_layers

ACTIVATIONS = {
    "tanh": torch.tanh,
    "softplus": softplus,
    "gelu": gelu,
    "selu": torch.nn.functional.selu,
    "relu": torch.relu,
}
# Activations without kinks in any derivative.
SMOOTH = ("tanh", "softplus", "gelu")
# Weight variance times the number of inputs (LeCun, He) or the mean of inputs and outputs (Glorot).
INITS = ("lecun", "he", "glorot", "torch")


@dataclass(frozen=True)
class MLP(LayeredTask):
    """A network for classification (cross-entropy) or, where the data has real targets, regression (½ squared error).

    Each layer is kept as one matrix whose last column is the bias, flattened row by row, first layer first.

    Attributes:
        depth: hidden layers; 0 is a linear model.
        width: units in each of them.
        activation: `tanh`, `softplus`, `gelu`, `selu` or `relu` (the last has no curvature of its own and kinks). The
            value of a gelu does not say where it was taken, so its derivatives come by automatic differentiation,
            which is slower.
        init: variance of the initial weights: `lecun` (1 / inputs), `he` (2 / inputs) or `glorot`
            (2 / (inputs + outputs)), with biases of 0; `torch` draws weights and biases as `torch.nn.Linear` does
            by default, uniformly within ±1/√inputs: what published PyTorch code starts from.
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

    def start(self, data: Dataset, seed: int) -> P:
        """Random weights as `init` says, drawn on the CPU so that devices agree."""
        generator = torch.Generator().manual_seed(seed)
        layers = []
        for rows, columns in self.shapes(data):
            fan_in = columns - 1
            if self.init == "torch":
                drawn = torch.rand(rows, columns, generator=generator, dtype=torch.float64)
                layers.append(((2 * drawn - 1) / math.sqrt(fan_in)).flatten())
                continue
            variance = {"lecun": 1 / fan_in, "he": 2 / fan_in, "glorot": 2 / (fan_in + rows)}[self.init]
            weights = torch.randn(rows, fan_in, generator=generator, dtype=torch.float64) * math.sqrt(variance)
            layers.append(torch.cat([weights, torch.zeros(rows, 1, dtype=torch.float64)], dim=1).flatten())
        return torch.cat(layers).to(data.x_train)

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """All weights, and the biases if `penalise_bias`."""
        # Asked for at each step, drawn up once.
        return penalised_layers(tuple(self.shapes(data)), data.x_train.device, biases=self.penalise_bias).clone()

    def forward(self, theta: Theta, x: X, layer: Layer) -> KCB:
        """The activation after each layer but the last."""
        units, used = x.flatten(1).T, 0
        for _ in range(self.depth):
            columns = units.shape[-2] + 1
            size = self.width * columns
            matrix = theta[..., used : used + size].unflatten(-1, (-1, columns))
            units, used = ACTIVATIONS[self.activation](layer(matrix, units)), used + size
        return layer(theta[..., used:].unflatten(-1, (-1, units.shape[-2] + 1)), units)

    def units(self, data: Dataset) -> int:
        """The widest layer's."""
        return max(rows for rows, _ in self.shapes(data))

    def shapes(self, data: Dataset) -> list[tuple[int, int]]:
        """(units, inputs + 1) of each layer."""
        widths = [data.x_train.shape[1:].numel(), *[self.width] * self.depth, self.output_loss.size(data)]
        return [(rows, inputs + 1) for inputs, rows in itertools.pairwise(widths)]

    def derivatives(self, data: Dataset) -> LossDerivatives:
        """In closed form, backpropagation of all models at once, unless the activation has none."""
        if self.activation not in CLOSED:
            return super().derivatives(data)
        units, network = (
            self.units(data),
            Network(self.shapes(data), self.activation, self.regression, self.output_loss),
        )
        trace = units * len(network.shapes)
        return MLPDerivatives(self, data, units, trace=trace, threads=True, network=network)

    @property
    def kink(self) -> str | None:
        """The activation, where it has kinks."""
        return None if self.activation in SMOOTH else f"activation '{self.activation}'"

    def last_layer_size(self, data: Dataset) -> int:
        """Weights and biases of the outputs."""
        rows, columns = self.shapes(data)[-1]
        return rows * columns

    def last_layer(self, data: Dataset, theta: P) -> tuple["MLP", Dataset]:
        """A network without hidden layers, and the activations of the last hidden layer as its features."""
        if self.depth == 0:
            return self, data
        below, theta = replace(self, depth=self.depth - 1), theta[: -self.last_layer_size(data)]

        def features(x: X) -> Float[Tensor, "b d"]:
            return ACTIVATIONS[self.activation](below.outputs(theta, x)).T.contiguous()

        hidden = replace(data, x_train=features(data.x_train), x_test=features(data.x_test), feature_names=())
        return replace(self, depth=0), hidden
