"""A small convolutional network, trained on the pictures at hand."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter, NotFinite
from influencelab.models.extractor import Extractor, check_pictures

# Places a side that the pictures are averaged to, whatever their size.
PLACES = 4
# Fewest pixels a side.
FEWEST_PIXELS = 4
KERNEL = 3


@dataclass(frozen=True)
class SmallCnn(Extractor):
    """Two convolutions and a layer of features, trained on the training part to tell its classes apart, then frozen.

    It needs no download. It has seen the training labels: features of training points stay as they are when one of
    these is removed or relabelled, and only what is fitted on top of them is trained again. Everything in it is smooth,
    in the type of the pixels and the same each time; it is trained by Adam on all pictures at once.

    Attributes:
        channels: of the first convolution; the second has twice as many.
        features: how many there are, each between −1 and 1.
        steps: of training.
        rate: of Adam.
        seed: of the first weights.
    """

    channels: int = 8
    features: int = 32
    steps: int = 60
    rate: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("channels", "features", "steps"):
            if (given := getattr(self, name)) < 1:
                raise InvalidParameter(f"{name} of SmallCnn is {given}, expected 1 or more.")
        if not 0 < self.rate < math.inf:
            raise InvalidParameter(f"rate of SmallCnn is {self.rate}, expected a finite number > 0, such as 0.02.")

    def network(self, data: Dataset) -> nn.Module:
        """The network, trained on the training part of `data`; its `accuracy` is the share of it that it then knows.

        Raises:
            InvalidData: the points of `data` are no pictures of classes, or are too small.
            NotFinite: training diverged.
        """
        check_pictures(data)
        if data.classes < 2:
            raise InvalidData(f"{data.name} has real targets, expected classes to tell apart. Take another extractor.")
        if min(data.x_train.shape[-2:]) < FEWEST_PIXELS:
            raise InvalidData(
                f"{data.name}: pictures are {' × '.join(map(str, data.x_train.shape[-2:]))} pixels, expected "
                f"{FEWEST_PIXELS} a side or more."
            )
        made = Network(data, channels=self.channels, features=self.features, seed=self.seed)
        made.accuracy = trained(made, data, steps=self.steps, rate=self.rate)
        return made.eval().requires_grad_(requires_grad=False)


class Network(nn.Module):
    """From pixels to features; `head` makes the outputs of the classes from these."""

    def __init__(self, data: Dataset, *, channels: int, features: int, seed: int) -> None:
        super().__init__()
        x = data.x_train
        colours = x.shape[1] if x.dim() == 4 else 1
        generator = torch.Generator().manual_seed(seed)
        # One shift and one scale for all pixels.
        self.centre, self.spread = float(x.mean()), float(x.std()) or 1.0
        self.first = layer(colours * KERNEL**2, channels, generator, like=x)
        self.second = layer(channels * KERNEL**2, 2 * channels, generator, like=x)
        self.last = layer(2 * channels * PLACES**2, features, generator, like=x)
        self.head = layer(features, data.classes, generator, like=x)
        self.accuracy = math.nan

    def forward(self, pixels: Float[Tensor, " b *shape"]) -> Float[Tensor, "b d"]:
        """Features of some pictures."""
        x = ((pixels if pixels.dim() == 4 else pixels.unsqueeze(1)) - self.centre) / self.spread
        for weights in (self.first, self.second):
            kernels = weights[:, :-1].unflatten(1, (-1, KERNEL, KERNEL))
            # Each convolution halves the picture, as long as the places are left.
            stride = 2 if min(x.shape[-2:]) >= 2 * PLACES else 1
            x = functional.silu(functional.conv2d(x, kernels, weights[:, -1], stride=stride, padding=KERNEL // 2))
        x = functional.adaptive_avg_pool2d(x, PLACES).flatten(1)
        return torch.tanh(functional.linear(x, self.last[:, :-1], self.last[:, -1]))

    def outputs(self, pixels: Float[Tensor, " b *shape"]) -> Float[Tensor, "b c"]:
        """Outputs of the classes, as it was trained."""
        return functional.linear(self(pixels), self.head[:, :-1], self.head[:, -1])


def layer(inputs: int, outputs: int, generator: torch.Generator, *, like: Tensor) -> nn.Parameter:
    """First weights of a layer with its intercepts in the last column, which are 0."""
    drawn = torch.randn(outputs, inputs, generator=generator, dtype=torch.float64) / math.sqrt(inputs)
    return nn.Parameter(functional.pad(drawn, (0, 1)).to(like))


def trained(network: Network, data: Dataset, *, steps: int, rate: float) -> float:
    """Train a network in place; the share of the training points whose class it then gives."""
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    with torch.enable_grad():
        for _ in range(steps):
            optimiser.zero_grad()
            loss = functional.cross_entropy(network.outputs(data.x_train), data.y_train)
            if not torch.isfinite(loss):
                raise NotFinite(f"{data.name}: the loss of SmallCnn is {float(loss.detach())}. Lower its `rate`.")
            loss.backward()
            optimiser.step()
    with torch.inference_mode():
        found = network.outputs(data.x_train).argmax(1)
    return float((found == data.y_train).double().mean())
