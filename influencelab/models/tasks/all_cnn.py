"""The convolutional network of Koh & Liang (2017, Sec. 4.2): small, tanh, and not convex."""

import math
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.loss import OutputLoss, gelu, softplus
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.shapes import KCB, P, Theta, X
from influencelab.models.task import Layer, LayeredTask, penalised_layers

# Strides of the convolutions of 3 × 3 pixels; a last one of 1 × 1 follows.
STRIDES = (1, 2, 1, 2, 1)
SIDE = 3
# What the last convolution leaves of each position, whatever the number of classes.
UNITS = 10
PADDINGS = ("same", "valid")
ACTIVATIONS = {"tanh": torch.tanh, "softplus": softplus, "gelu": gelu}
# Standard deviation of the initial weights times the root of a layer's inputs: convolutions, and the last layer.
SPREAD, LAST_SPREAD = 2.0, 1.0


@dataclass(frozen=True)
class AllCNN(LayeredTask):
    """Five convolutions of 3 × 3, one of 1 × 1, each followed by tanh; the mean over positions; a linear layer.

    With 8 channels on 28 × 28 pixels it has 2,616 parameters. Unless biases are penalised, shifting all outputs is a
    null direction. The paper's is that with the defaults; the others have minima that are easier to reach.

    Attributes:
        channels: of each convolution of 3 × 3.
        pool: images are first averaged over squares of so many pixels a side; 2 makes 14 × 14 of 28 × 28.
        padding: `same` keeps an image's size, or halves it, with zeros around it as TensorFlow puts them; `valid`
            takes only patches that lie inside, as the code published with the paper does.
        activation: `tanh`, `softplus` or `gelu`.
        residual: whether convolutions that keep channels and size add to what they are given (He et al. 2016).
        penalise_bias: whether weight decay acts on biases too.
    """

    channels: int = 8
    pool: int = 1
    padding: str = "same"
    activation: str = "tanh"
    residual: bool = False
    penalise_bias: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels < 1 or self.pool < 1:
            raise InvalidParameter(f"channels is {self.channels} and pool {self.pool}; expected at least 1 of each.")
        if self.padding not in PADDINGS:
            raise InvalidParameter(f"padding is '{self.padding}', expected one of {', '.join(PADDINGS)}.")
        if self.activation not in ACTIVATIONS:
            raise InvalidParameter(f"activation is '{self.activation}', expected one of {', '.join(ACTIVATIONS)}.")
        if self.residual and self.padding != "same":
            raise InvalidParameter("residual needs padding 'same': what shrinks cannot be added to what it came from.")

    @property
    def output_loss(self) -> OutputLoss:
        """Cross-entropy after a softmax."""
        return CrossEntropy()

    @property
    def convex(self) -> bool:
        """Never."""
        return False

    def shapes(self, data: Dataset) -> list[tuple[int, int]]:
        """(units, inputs + 1) of each layer; the inputs of a convolution run over channels, then rows, then columns."""
        return [*self.convolutions(), (self.output_loss.size(data), UNITS + 1)]

    def convolutions(self) -> list[tuple[int, int]]:
        """The same of all layers but the last, which alone depends on the data."""
        first, others = SIDE**2 + 1, SIDE**2 * self.channels + 1
        wide = [(self.channels, columns) for columns in (first, *[others] * (len(STRIDES) - 1))]
        return [*wide, (UNITS, self.channels + 1)]

    def start(self, data: Dataset, seed: int) -> P:
        """Gaussian weights cut off at two standard deviations, as in the published code; biases 0."""
        generator = torch.Generator().manual_seed(seed)
        shapes, layers = self.shapes(data), []
        for layer, (rows, columns) in enumerate(shapes):
            spread = (LAST_SPREAD if layer == len(shapes) - 1 else SPREAD) / math.sqrt(columns - 1)
            matrix = torch.zeros(rows, columns, dtype=torch.float64)
            torch.nn.init.trunc_normal_(matrix[:, :-1], std=spread, a=-2 * spread, b=2 * spread, generator=generator)
            layers.append(matrix.flatten())
        return torch.cat(layers).to(data.x_train)

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """All weights, and the biases if `penalise_bias`."""
        return penalised_layers(tuple(self.shapes(data)), data.x_train.device, biases=self.penalise_bias).clone()

    def units(self, data: Dataset) -> int:
        """All patches of all convolutions, which the gradient needs again."""
        size, numbers = self.pixels(data.x_train[:1]).shape[:2], 0
        for stride, (_, columns) in zip(STRIDES, self.shapes(data), strict=False):
            index, size = patches(*size, stride=stride, padding=self.padding)
            numbers += (columns - 1) * index.shape[1]
        return numbers

    def forward(self, theta: Theta, x: X, layer: Layer) -> KCB:
        """Each convolution is a product with the patches of its input; points stay on the last axis throughout."""
        images, (*matrices, narrow, last) = self.pixels(x), self.matrices(theta)
        size, units, activation = images.shape[:2], images.flatten(0, 1)[None], ACTIVATIONS[self.activation]
        for place, (stride, matrix) in enumerate(zip(STRIDES, matrices, strict=True)):
            index, size = patches(*size, stride=stride, padding=self.padding)
            # The row of zeros at the end is what patches see outside the image.
            seen = pad(units, (0, 0, 0, 1)).index_select(-2, index.flatten().to(x.device))
            seen = seen.unflatten(-2, index.shape).flatten(-4, -3).flatten(-2)
            bent = activation(layer(matrix, seen)).unflatten(-1, (index.shape[1], -1))
            units = units + bent if self.residual and place and stride == 1 else bent
        units = activation(layer(narrow, units.flatten(-2))).unflatten(-1, (units.shape[-2], -1))
        return layer(last, units.mean(-2))

    def matrices(self, theta: Theta) -> list[Tensor]:
        """θ as the matrices of its layers."""
        shapes = self.convolutions()
        sizes = [rows * columns for rows, columns in shapes]
        parts = theta.split([*sizes, theta.shape[-1] - sum(sizes)], dim=-1)
        widths = [*(columns for _, columns in shapes), UNITS + 1]
        return [part.unflatten(-1, (-1, width)) for part, width in zip(parts, widths, strict=True)]

    def pixels(self, x: X) -> Float[Tensor, "h w b"]:
        """Images, pooled, points last; rows of pixels that make a square are taken for one."""
        side = math.isqrt(x[0].numel())
        images = x.unflatten(1, (side, side)) if x.dim() == 2 and side**2 == x.shape[1] else x
        if images.dim() != 3 or images.shape[1] % self.pool or images.shape[2] % self.pool:
            raise InvalidData(
                f"a point has features {tuple(x.shape[1:])}; expected (height, width) in multiples of pool = "
                f"{self.pool}, or the pixels of a square in one row. Choose another pool, or another task."
            )
        if self.pool > 1:
            blocks = images.unflatten(1, (-1, self.pool)).unflatten(3, (-1, self.pool))
            images = blocks.mean((2, 4))
        return images.permute(1, 2, 0)


@cache
def patches(height: int, width: int, *, stride: int, padding: str) -> tuple[Int[Tensor, "s o"], tuple[int, int]]:
    """The pixel of each of the s = 9 places of a patch at each of the o positions, and the number of positions.

    Positions run over rows, then columns. A place outside the image has the number height · width.
    """
    if padding == "valid" and min(height, width) < SIDE:
        raise InvalidData(
            f"an image has shrunk to {height} × {width}, less than a patch; use larger images or padding='same'."
        )
    down, across = (places(length, stride=stride, padding=padding) for length in (height, width))
    rows, columns = down[:, None, :, None], across[None, :, None, :]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    index = torch.where(inside, rows * width + columns, height * width)
    return index.flatten(0, 1).flatten(1), (down.shape[1], across.shape[1])


def places(length: int, *, stride: int, padding: str) -> Int[Tensor, "s o"]:
    """Along one side: where each of the 3 places of a patch lies, for each position; some lie outside."""
    count, before = (length - SIDE) // stride + 1, 0
    if padding == "same":
        count = -(-length // stride)
        # TensorFlow puts the odd zero after the image.
        before = max((count - 1) * stride + SIDE - length, 0) // 2
    return torch.arange(SIDE)[:, None] + stride * torch.arange(count) - before
