"""Closed forms for fully connected networks: backpropagation of k models as batched matrix products.

Units lie as (models, units, points): the products then run over points, which are many, and each layer's bias is the
weight of a last unit that is always 1. Work is cut into chunks of models and points whose units stay in the cache.
For small networks the number of calls of torch is what takes the time, so each layer makes as few as it can, and a
trainer that takes thousands of steps reads the layers where θ lies and writes the activations of every step to the same
memory; `tests/benchmarks/bench_training.py` measures the cost of such a step.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.closed_forms.activation import CLOSED
from influencelab.models.loss import OutputLoss
from influencelab.models.loss_derivatives import slices
from influencelab.models.shapes import KB, KCB, KN, Rows, Theta

# The units of a layer, one a row; points on the last axis.
Units = Float[Tensor, "*_ b"]


class Network(NamedTuple):
    """The architecture that the closed forms depend on."""

    shapes: list[tuple[int, int]]  # (units, inputs + 1) of each layer
    activation: str  # of the hidden layers, by name
    regression: bool  # real targets with half the squared error; else classes with cross-entropy
    loss: OutputLoss  # of the outputs

    @property
    def width(self) -> int:
        """Numbers that a trace of one model holds for one point."""
        return 1 + sum(units + columns for units, columns in self.shapes[1:])


class Layers(list[Float[Tensor, "*_ _ _"]]):
    """(W | bias) of each layer, of one model or of k."""

    @cached_property
    def transposed(self) -> list[Float[Tensor, "*_ _ _"]]:
        """Wᵀ of each: what backpropagation multiplies by."""
        return [layer[..., :-1].mT for layer in self]


class Workspace(NamedTuple):
    """Preallocated activations of the hidden layers, of one model or of k, reused in every step."""

    inputs: list[Units]  # of each layer but the first; the last unit is 1, which biases multiply
    activations: list[Units]  # the same memory without the last unit


class Points(NamedTuple):
    """Some training points as networks read them: the same for all models, or each model's own."""

    x: Float[Tensor, "*_ b d"]  # features and a last 1
    target: Float[Tensor, "*_ c b"]  # one-hot classes or real targets; ∂ℓ/∂z is the prediction minus it
    y: Num[Tensor, "*_ b"]  # as the data has them
    weights: KB  # wᵢ of each model

    def of(self, models: slice) -> "Points":
        """The points of some of the models."""
        shared = self.y.dim() == 1
        return self._replace(weights=self.weights[models]) if shared else Points(*(part[models] for part in self))

    def at(self, rows: Int[Tensor, "*_ b"]) -> "Points":
        """Some of the points, of those that all models read: the same for all, or a row of them for each model."""
        if rows.dim() == 2:
            target = self.target.mT[rows].mT.contiguous()
            return Points(self.x[rows], target, self.y[rows], self.weights.gather(-1, rows))
        return Points(*(part.index_select(axis, rows) for part, axis in zip(self, (0, 1, 0, -1), strict=True)))


class Trace(NamedTuple):
    """One pass forward and back, for one model or for k, layer by layer."""

    layers: Layers  # (W | bias)
    inputs: list[Units]  # of each layer; the last unit is 1
    activations: list[Units]  # of each hidden layer: the inputs of the next without the last unit
    output_gradients: list[Units]  # Σ wᵢ ∂ℓᵢ/∂z, with z the pre-activations of each layer
    probabilities: KCB  # softmax(z) of the last layer; z itself for regression
    z: KCB  # of the last layer


def split(theta: Theta, shapes: list[tuple[int, int]]) -> Layers:
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


def join(parts: list[Float[Tensor, "*k _ _"]]) -> Theta:
    """One matrix a layer, as θ has them."""
    return torch.cat([part.flatten(-2) for part in parts], dim=-1)


def read(x: Float[Tensor, "*shape"], *, batch: int = 1) -> Float[Tensor, "*_ d"]:
    """Features in a row, and a last 1 that biases multiply; the first `batch` axes count points."""
    flat = x.flatten(batch)
    return torch.cat([flat, flat.new_ones(*flat.shape[:-1], 1)], dim=-1)


def read_points(network: Network, data: Dataset, weights: Float[Tensor, "*k n"], rows: Rows) -> Points:
    """Some training points: rows for all models, or one row of them for each model."""
    x, y = data.x_train[rows], data.y_train[rows]
    if network.regression:
        target = y.unsqueeze(-2)
    else:
        target = torch.eye(data.classes, dtype=x.dtype, device=x.device)[y].mT.contiguous()
    if isinstance(rows, Tensor) and rows.dim() == 2:
        return Points(read(x, batch=2), target, y, weights.gather(-1, rows))
    return Points(read(x), target, y, weights[..., rows])


def forward(
    network: Network, layers: Layers, x: Float[Tensor, "*_ b d"], into: Workspace | None = None
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Inputs of each layer, activations of each hidden one, and z of the last; hidden layers write to the workspace."""
    into = workspace(layers, x.shape[-2]) if into is None else into
    write, first = CLOSED[network.activation].write, x.mT
    z = layers[0] @ first
    for layer, units, activation in zip(layers[1:], into.inputs, into.activations, strict=True):
        write(z, activation)
        z = times(layer, units)
    return [first, *into.inputs], into.activations, z


def trace(network: Network, layers: Layers, at: Points, into: Workspace | None = None) -> Trace:
    """One pass forward and back; it lasts until the workspace is written again."""
    backward, (inputs, activations, z) = CLOSED[network.activation].backward, forward(network, layers, at.x, into)
    probabilities = z if network.regression else z.softmax(-2)
    gradients = [(probabilities - at.target).mul_(at.weights.unsqueeze(-2))]
    for matrix, activation in zip(layers.transposed[:0:-1], activations[::-1], strict=True):
        gradients.append(backward(times(matrix, gradients[-1]), activation))
    return Trace(layers, inputs, activations, gradients[::-1], probabilities, z)


def gradient(traced: Trace) -> Theta:
    """Σ wᵢ ∇ℓᵢ: each layer's output gradients times its inputs."""
    return join([times(slope, units.mT) for slope, units in zip(traced.output_gradients, traced.inputs, strict=True)])


def times(left: Float[Tensor, "*_ _ _"], right: Float[Tensor, "*_ _ _"]) -> Float[Tensor, "*_ _ _"]:
    """left @ right, which takes twice as long to call."""
    return torch.bmm(left, right) if left.dim() == right.dim() == 3 else left @ right


def product(network: Network, traced: Trace, at: Points, along: Layers) -> Theta:
    """Derivative of Σ wᵢ ∇ℓᵢ as θ moves along a direction: the derivative of each line of `trace` and `gradient`."""
    form, layers = CLOSED[network.activation], traced.layers
    dz, du = [along[0] @ traced.inputs[0]], []
    hidden = zip(layers[1:], traced.inputs[1:], traced.activations, along[1:], strict=True)
    for layer, units, activation, direction in hidden:
        du.append(form.backward(dz[-1], activation))
        dz.append(add(times(direction, units), layer[..., :-1], du[-1]))
    curved = output_curvature(network, traced.probabilities, dz[-1])
    change, parts = curved.mul_(at.weights.unsqueeze(-2)), []
    for m in range(len(layers) - 1, 0, -1):
        activation, slope = traced.activations[m - 1], traced.output_gradients[m]
        part = times(change, traced.inputs[m].mT)
        part[..., :-1].add_(times(slope, du[m - 1].mT))
        parts.append(part)
        back = add(times(layers.transposed[m], change), along.transposed[m], slope)
        second = form.second(activation).mul_(traced.output_gradients[m - 1])
        change = form.backward(back, activation).add_(second * dz[m - 1])
    parts.append(change @ at.x)
    return join(parts[::-1])


def output_curvature(network: Network, probabilities: Units, moved: Units, *, classes: int = -2) -> Units:
    """(∂²ℓ/∂z²) times a change of z, whose classes lie on this axis."""
    if network.regression:
        return moved.clone()
    weighted = probabilities * moved
    return weighted - probabilities * weighted.sum(classes, keepdim=True)


def add(total: Float[Tensor, "*k g b"], left: Tensor, right: Tensor) -> Float[Tensor, "*k g b"]:
    """total + left @ right, in place; in one call where it can be."""
    if left.dim() == right.dim() == 3:
        return total.baddbmm_(left, right)
    return total.add_(left @ right)


def chunks(
    network: Network, data: Dataset, weights: KN, *, size: int, limit: int, rows: Rows = slice(None)
) -> Iterator[tuple[slice, Points]]:
    """Chunks of points and, in each of them, of models, which hold `size` numbers a point each, and `limit` at most."""
    points = max(1, limit // size)
    if isinstance(rows, Tensor):
        pieces = rows.split(points, dim=-1)
    else:
        first, last, _ = rows.indices(data.n)
        pieces = (slice(start, min(start + points, last)) for start in range(first, last, points))
    for some in pieces:
        at = read_points(network, data, weights, some)
        count = max(1, limit // (size * at.x.shape[-2]))
        if count >= len(weights):
            yield slice(None), at
        else:
            yield from ((models, at.of(models)) for models in slices(len(weights), count))
