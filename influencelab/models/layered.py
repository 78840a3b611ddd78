"""Networks as chains of affine layers, whose inputs and drives a method may ask to see."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.task import Task

# A layer's matrix (W | bias) and its units give W units + bias.
Layer = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LayeredTask(Task):
    """A network of affine layers, each kept as one matrix whose last column is the bias.

    θ holds the matrices one after the other, flattened row by row, first layer first. What happens between the layers
    (activations, patches of an image, means over positions) is the network's own.
    """

    @abstractmethod
    def shapes(self, data: Dataset) -> list[tuple[int, int]]:
        """(units, inputs + 1) of each layer."""

    @abstractmethod
    def units(self, data: Dataset) -> int:
        """Numbers that one model works out for one point: they decide how many points are worked on at once."""

    @abstractmethod
    def forward(
        self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"], layer: Layer
    ) -> Float[Tensor, "*k c b"]:
        """The outputs, every layer's product being left to `layer`, which is called once a layer, in order.

        A layer that is applied at several positions of a point (a convolution) is given them side by side, points
        running fastest.
        """

    def outputs(self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"]) -> Float[Tensor, "*k c b"]:
        """Layer by layer; each layer is one batched matrix product over models."""
        return self.forward(theta, x, affine)

    def measure(
        self, theta: Float[Tensor, "*k p"], x: Float[Tensor, " b *shape"], y: Num[Tensor, " b"]
    ) -> Float[Tensor, "*k b"]:
        """The loss."""
        return self.losses(theta, x, y)


def affine(matrix: Float[Tensor, "*k g h"], units: Float[Tensor, "*_ i b"]) -> Float[Tensor, "*k g b"]:
    """W units + bias, where the matrix holds (W | bias): h = i + 1."""
    return matrix[..., :-1] @ units + matrix[..., -1:]
