"""Memory of fully connected networks that is read and written in place: layers as views of θ, reused activations.

For small networks the number of calls of torch is what takes the time. A trainer that takes thousands of steps reads
the layers where θ lies and writes the activations of every step to the same memory;
`tests/benchmarks/bench_training.py` measures the cost of such a step.
"""

from functools import cached_property
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class Layers(list[Float[Tensor, "*_ _ _"]]):
    """(W | bias) of each layer, of one model or of k."""

    @cached_property
    def transposed(self) -> list[Float[Tensor, "*_ _ _"]]:
        """Wᵀ of each: what backpropagation multiplies by."""
        return [layer[..., :-1].mT for layer in self]


class Workspace(NamedTuple):
    """Preallocated activations of the hidden layers, of one model or of k, reused in every step.

    Attributes:
        inputs: of each layer but the first; the last unit is 1, which biases multiply.
        activations: the same memory without the last unit.
    """

    inputs: list[Float[Tensor, "*k _ b"]]
    activations: list[Float[Tensor, "*k _ b"]]


def split(theta: Float[Tensor, "*k p"], shapes: list[tuple[int, int]]) -> Layers:
    """θ as one matrix a layer, without a copy."""
    theta = theta.contiguous()
    batch, steps = theta.shape[:-1], theta.stride()[:-1]
    layers, used = Layers(), theta.storage_offset()
    for rows, columns in shapes:
        layers.append(theta.as_strided((*batch, rows, columns), (*steps, columns, 1), used))
        used += rows * columns
    return layers


def workspace(layers: Layers, points: int) -> Workspace:
    """Memory for as many models as the layers are of."""
    inputs = [layer.new_ones((*layer.shape[:-2], layer.shape[-1], points)) for layer in layers[1:]]
    return Workspace(inputs, [units[..., :-1, :] for units in inputs])
