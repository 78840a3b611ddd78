"""Fully connected networks whose hidden layers add to what they are given, or are normalised."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss, gelu, softplus
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.shapes import KCB, P, Theta, X
from influencelab.models.starts import fan_in
from influencelab.models.task import Layer, LayeredTask, penalised_layers

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "softplus": softplus, "gelu": gelu}
BLOCKS = ("residual", "normalised")


@dataclass(frozen=True)
class BlockMLP(LayeredTask):
    """`depth` hidden layers of `width` units u, each a block; otherwise as `MLP`, from weights of variance 1 / inputs.

    `residual`: u + a(W u + b), so that what is deep begins near what is shallow (He et al. 2016); the first layer,
    which changes the width, adds to nothing. `normalised`: a(N(W u + b)), where N takes the mean over units away and
    divides by √(their variance + epsilon) (Ba et al. 2016), without gains of its own.

    Attributes:
        depth: hidden layers, at least 1.
        width: units in each of them.
        block: `residual` or `normalised`.
        activation: `tanh`, `softplus` or `gelu`, all of them smooth.
        epsilon: of normalised layers. With 0 the size of W would change nothing but the penalty, and J would have no
            minimum; the smaller it is, the smaller are W there, and the worse is the condition of the curvature.
        penalise_bias: whether weight decay acts on biases too.
        regression: True for real targets, with half the squared error.
    """

    depth: int = 2
    width: int = 16
    block: str = "residual"
    activation: str = "tanh"
    epsilon: float = 1.0
    penalise_bias: bool = True
    regression: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth < 1 or self.width < 1:
            raise InvalidParameter(f"depth is {self.depth} and width {self.width}; expected at least 1 of each.")
        for name, known in (("block", BLOCKS), ("activation", ACTIVATIONS)):
            if getattr(self, name) not in known:
                raise InvalidParameter(f"{name} is '{getattr(self, name)}', expected one of {', '.join(known)}.")
        if not 0 < self.epsilon < math.inf:
            raise InvalidParameter(f"epsilon is {self.epsilon}, expected a finite number > 0.")

    @property
    def output_loss(self) -> OutputLoss:
        """Cross-entropy, or half the squared error for real targets."""
        return SquaredError() if self.regression else CrossEntropy()

    @property
    def convex(self) -> bool:
        """Never."""
        return False

    def start(self, data: Dataset, seed: int) -> P:
        """Weights of variance 1 / inputs, and biases of 0."""
        return fan_in(self.shapes(data), seed).to(data.x_train)

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """All weights, and the biases if `penalise_bias`."""
        return penalised_layers(tuple(self.shapes(data)), data.x_train.device, biases=self.penalise_bias).clone()

    def forward(self, theta: Theta, x: X, layer: Layer) -> KCB:
        """Block by block, then the outputs."""
        activation, units, used = ACTIVATIONS[self.activation], x.flatten(1).T, 0
        for place in range(self.depth):
            columns = units.shape[-2] + 1
            matrix = theta[..., used : used + self.width * columns].unflatten(-1, (-1, columns))
            z, used = layer(matrix, units), used + self.width * columns
            if self.block == "normalised":
                units = activation(self.normalised(z))
            else:
                units = units + activation(z) if place else activation(z)
        return layer(theta[..., used:].unflatten(-1, (-1, units.shape[-2] + 1)), units)

    def normalised(self, z: Tensor) -> Tensor:
        """Of each point, less the mean over units, in units of their spread."""
        centred = z - z.mean(-2, keepdim=True)
        return centred * (centred.square().mean(-2, keepdim=True) + self.epsilon).rsqrt()

    def units(self, data: Dataset) -> int:
        """The widest layer's."""
        return max(rows for rows, _ in self.shapes(data))

    def shapes(self, data: Dataset) -> list[tuple[int, int]]:
        """(units, inputs + 1) of each layer."""
        widths = [data.x_train.shape[1:].numel(), *[self.width] * self.depth, self.output_loss.size(data)]
        return [(rows, inputs + 1) for inputs, rows in itertools.pairwise(widths)]

    def last_layer_size(self, data: Dataset) -> int:
        """Weights and biases of the outputs."""
        rows, columns = self.shapes(data)[-1]
        return rows * columns
