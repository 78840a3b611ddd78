"""Pictures of another source, averaged over squares of pixels: fewer features of the same points."""

from dataclasses import dataclass, field

from jaxtyping import Num
from numpy import ndarray

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.data.sources.digits import Digits
from influencelab.errors import InvalidData, InvalidParameter


@dataclass(frozen=True)
class Pooled(Source):
    """The mean over each square of `side` × `side` pixels: 4 makes 7 × 7 of the 28 × 28 pixels of MNIST.

    All points of the inner source, as it chooses and scales them, take part in the choices of this one.

    Attributes:
        inner: the source of the pictures, (height, width) each.
        side: of a square, in pixels; it divides height and width.
    """

    inner: Source = field(default_factory=Digits)
    side: int = 2

    def arrays(self) -> Arrays:
        """All points of the inner source, smaller."""
        if self.side < 1:
            raise InvalidParameter(f"side is {self.side}, expected a whole number of pixels ≥ 1.")
        data = self.inner.load()
        return Arrays(
            self.smaller(data.x_train.numpy()),
            data.y_train.numpy(),
            self.smaller(data.x_test.numpy()),
            data.y_test.numpy(),
            train_ids=data.train_ids.numpy(),
            test_ids=data.test_ids.numpy(),
        )

    def smaller(self, x: Num[ndarray, " n *shape"]) -> Num[ndarray, "n h w"]:
        """The means over squares."""
        if x.ndim != 3 or x.shape[1] % self.side or x.shape[2] % self.side:
            raise InvalidData(
                f"a point has features {x.shape[1:]}; expected (height, width) in multiples of side = {self.side}. "
                "Choose another side, or a source of pictures."
            )
        n, height, width = x.shape
        squares = x.reshape(n, height // self.side, self.side, width // self.side, self.side)
        return squares.mean((2, 4))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those of the inner source."""
        return self.inner.chosen_names

    @property
    def point_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Those of the inner source."""
        return self.inner.point_names
