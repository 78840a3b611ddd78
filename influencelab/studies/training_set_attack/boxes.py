"""How far pixels may go: below what a file of 8 bits can hold, or by whole grey levels; and files that show it."""

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from influencelab.errors import InvalidParameter

BRIGHTEST = 255
# Half a level itself is rounded up or down, as it comes: what is to vanish in a file stays this much below.
BELOW = 1e-3


@dataclass(frozen=True)
class Box(ABC):
    """A rule for pictures near a picture x of whole grey levels: x + v, with |v| ≤ `radius` in every pixel.

    Attributes:
        radius: grey levels, of 255.
    """

    radius: float

    def __post_init__(self) -> None:
        if not 0 < self.radius <= BRIGHTEST:
            raise InvalidParameter(f"radius is {self.radius}, expected grey levels above 0 and at most {BRIGHTEST}.")

    def stepped(self, v: Float[Tensor, " *shape"], slope: Float[Tensor, " *shape"], *, step: float) -> Tensor:
        """v after a step of so many grey levels up the slope's sign in every pixel, back inside the box."""
        return (v + step * slope.sign()).clamp(-self.reach, self.reach)

    @property
    @abstractmethod
    def reach(self) -> float:
        """The largest |v|."""

    @abstractmethod
    def picture(self, x: Float[Tensor, " *shape"], v: Float[Tensor, " *shape"]) -> Tensor:
        """The picture that x and v give, between 0 and 255."""


@dataclass(frozen=True)
class BetweenLevels(Box):
    """Real numbers less than `radius` from x; below half a level their file of 8 bits is that of x."""

    radius: float = 0.5

    @property
    def reach(self) -> float:
        """A thousandth of a level less, so that nothing lies half way."""
        return self.radius - BELOW

    def picture(self, x: Float[Tensor, " *shape"], v: Float[Tensor, " *shape"]) -> Tensor:
        """x + v."""
        return (x + v).clamp(0, BRIGHTEST)


@dataclass(frozen=True)
class WholeLevels(Box):
    """Whole numbers, as files of 8 bits hold them, at most `radius` from x: v is rounded in every step."""

    radius: float = 1.0

    @property
    def reach(self) -> float:
        """The radius."""
        return self.radius

    def picture(self, x: Float[Tensor, " *shape"], v: Float[Tensor, " *shape"]) -> Tensor:
        """x + v to the next whole number."""
        return (x + v).round().clamp(0, BRIGHTEST)


def as_file(picture: Float[Tensor, " *shape"]) -> bytes:
    """A picture (h w) or (3 h w) as a PNG file of 8 bits."""
    levels = picture.round().clamp(0, BRIGHTEST).to(torch.uint8).numpy()
    file = io.BytesIO()
    Image.fromarray(numpy.ascontiguousarray(levels if levels.ndim == 2 else levels.transpose(1, 2, 0))).save(
        file, "PNG"
    )
    return file.getvalue()


def in_file(content: bytes) -> UInt8[numpy.ndarray, "h w *colours"]:
    """The levels that a PNG file holds, colours last."""
    return numpy.array(Image.open(io.BytesIO(content)))


def saved(picture: Float[Tensor, " *shape"]) -> Float[Tensor, " *shape"]:
    """The picture after it was written as a PNG file of 8 bits and read again."""
    levels = in_file(as_file(picture))
    return torch.from_numpy(levels if levels.ndim == 2 else levels.transpose(2, 0, 1)).to(picture)


def whole_levels(pixels: Float[Tensor, " n *shape"], *, brightest: float) -> Float[Tensor, " n *shape"]:
    """Pixels from 0 to `brightest` as whole grey levels from 0 to 255."""
    return (pixels * (BRIGHTEST / brightest)).round()
