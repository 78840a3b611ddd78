"""Another source's pictures, smaller: each pixel the mean of a square of theirs."""

from dataclasses import dataclass, field, replace

import numpy
from jaxtyping import Float, Num

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.data.sources.digits import Digits
from influencelab.errors import InvalidData, InvalidParameter, whole


@dataclass(frozen=True)
class Pooled(Source):
    """Pictures of `inner` as means over squares of side × side pixels: 28 × 28 become 7 × 7 with side 4.

    Fewer features make smaller networks. The seed, the scaling and the choices of points are this source's own, and
    those of `inner` count for nothing.

    Attributes:
        inner: a source of pictures (n, h, w), or (n, c, h, w) with colours.
        side: of each square; height and width are its multiples.
    """

    inner: Source = field(default_factory=Digits)
    side: int = 2

    def __post_init__(self) -> None:
        if whole(self.side, what="side") < 1:
            raise InvalidParameter(f"side is {self.side}, expected a number of pixels, 1 or more.")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those of the pictures."""
        return self.inner.class_names

    def content_version(self) -> str:
        """That of the pictures."""
        return self.inner.content_version()

    def arrays(self) -> Arrays:
        """All pictures of the inner source, split there."""
        found = replace(self.inner, seed=self.seed).arrays()
        return found._replace(x_train=self.pooled(found.x_train), x_test=self.pooled(found.x_test))

    def pooled(self, pictures: Num[numpy.ndarray, " n *shape"]) -> Float[numpy.ndarray, " n *smaller"]:
        """The means of all squares, in float64."""
        *shape, height, width = pictures.shape
        side = self.side
        if len(shape) not in (1, 2) or height % side or width % side:
            raise InvalidData(
                f"points have shape {pictures.shape[1:]}, expected pictures whose height and width are multiples of "
                f"side={side}."
            )
        squares = pictures.reshape(*shape, height // side, side, width // side, side)
        return squares.mean(axis=(-3, -1), dtype="float64")
