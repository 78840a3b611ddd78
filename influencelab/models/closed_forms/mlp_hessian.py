"""Dense curvature of fully connected networks, from derivatives along the pre-activation of each unit.

Layer l's weight (a, i) acts on point n only through the pre-activation z_a, by its input u_i. So the networks are
differentiated along one tangent a unit, not along one direction a weight, and the rest is matrix products over points:

    H[l a i, m b j] = Σₙ u_i u_j ∂δ_b/∂z_a + Σₙ u_i δ_b ∂u_j/∂z_a,     l ≤ m

with δ = ∂ℓ/∂z of each unit. Gauss-Newton keeps the curvature of the loss in the outputs alone: the second term goes,
and in the first one δ changes as if units were linear.
"""

import itertools
import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.closed_forms.activation import CLOSED
from influencelab.models.closed_forms.mlp import Network, Points, Trace, chunks, output_curvature, split, trace
from influencelab.models.shapes import KN, KP, KPP

# Numbers that one chunk holds: enough models for long batches of small matrix products.
CHUNK = 2**21


class Tangents(NamedTuple):
    """Derivatives of each layer along the pre-activations of all units up to it, counted layer by layer."""

    outputs: list[Float[Tensor, "k _ _ b"]]  # dz of each unit of the layer
    inputs: list[Float[Tensor, "k _ _ b"]]  # du of each input of the next layer, without the last, which is constant


def hessians(network: Network, data: Dataset, theta: KP, weights: KN, *, kind: str = "hessian") -> KPP:
    """Σ wᵢ ∇²ℓᵢ of k models, each at its own θ and weights; or Gauss-Newton."""
    total = theta.new_zeros(*theta.shape, theta.shape[1])
    shapes = network.shapes
    units = sum(rows for rows, _ in shapes)
    size = 3 * units * units // 2 + max(columns for _, columns in shapes[:2]) ** 2
    for models, at in chunks(network, data, weights, size=size, limit=CHUNK):
        traced = trace(network, split(theta[models], shapes), at)
        fill(total[models], network, traced, at, curved=kind == "hessian")
    mirror(total, ends_of(shapes))
    return total


def fill(total: KPP, network: Network, traced: Trace, at: Points, *, curved: bool) -> None:
    """Add the upper blocks of some models and points in place, from the last layer to the first."""
    form, layers = CLOSED[network.activation], traced.layers
    slopes = [form.backward(torch.ones_like(units), units) for units in traced.activations]
    tangents = tangents_of(layers, slopes, points=at.x.shape[-2])
    change = output_curvature(network, traced.probabilities.unsqueeze(2), tangents.outputs[-1], classes=1)
    change.mul_(at.weights[:, None, None])
    for later in reversed(range(len(layers))):
        for earlier in range(later + 1):
            add_block(total, traced, tangents, change, earlier=earlier, later=later, curved=curved)
        if later == 0:
            return
        moved = tangents.outputs[later - 1]
        change = fold(layers[later][:, :, :-1].mT, change[:, :, : moved.shape[2]]).mul_(slopes[later - 1].unsqueeze(2))
        if curved:
            second = form.second(traced.activations[later - 1]).mul_(traced.output_gradients[later - 1])
            change.addcmul_(second.unsqueeze(2), moved)


def ends_of(shapes: Iterable[tuple[int, ...]]) -> list[int]:
    """Positions in θ at which each layer's parameters begin, and the end of the last one's."""
    return [0, *itertools.accumulate(map(math.prod, shapes))]


def mirror(total: KPP, ends: list[int]) -> None:
    """Fill the lower half from the upper one, block by block: a second dense table may not fit."""
    for first, last in itertools.pairwise(ends):
        block = total[:, first:last, first:last]
        block.copy_(block.triu() + block.triu(1).mT)
        total[:, last:, first:last] = total[:, first:last, last:].mT


def tangents_of(layers: list[Tensor], slopes: list[Tensor], *, points: int) -> Tangents:
    """A tangent of 1 for each pre-activation of each point, followed through the layers after it."""
    first = layers[0]
    eyes = [torch.eye(layer.shape[1], dtype=first.dtype, device=first.device) for layer in layers]
    new = [eye[:, :, None].expand(len(first), -1, -1, points) for eye in eyes]
    outputs, inputs = [new[0]], []
    for layer, slope, fresh in zip(layers[1:], slopes, new[1:], strict=True):
        inputs.append(outputs[-1] * slope.unsqueeze(2))
        outputs.append(torch.cat([fold(layer[:, :, :-1], inputs[-1]), fresh], dim=2))
    return Tangents(outputs, inputs)


def fold(matrix: Float[Tensor, "k g h"], tangents: Float[Tensor, "k h q b"]) -> Float[Tensor, "k g q b"]:
    """A matrix times each tangent of each point."""
    return (matrix @ tangents.flatten(2)).unflatten(2, tangents.shape[2:])


def add_block(
    total: KPP, traced: Trace, tangents: Tangents, change: Tensor, *, earlier: int, later: int, curved: bool
) -> None:
    """Add H[earlier, later] in place: the two sums over points of the module's formula."""
    sizes = [layer.shape[1:] for layer in traced.layers]
    ends = ends_of(sizes)
    first = sum(rows for rows, _ in sizes[:earlier])
    mine = slice(first, first + sizes[earlier][0])
    block = total[:, ends[earlier] : ends[earlier + 1], ends[later] : ends[later + 1]]
    block = block.unflatten(2, sizes[later]).unflatten(1, sizes[earlier])
    # Features are the same for all models.
    here, there = (traced.inputs[layer].expand(len(total), -1, -1) for layer in (earlier, later))
    block.add_(outer(here, there, change[:, :, mine]).permute(0, 4, 1, 3, 2))
    if curved and earlier < later:
        inputs = tangents.inputs[later - 1][:, :, mine]
        block[..., :-1].add_(outer(traced.output_gradients[later], here, inputs).permute(0, 4, 2, 1, 3))


def outer(
    left: Float[Tensor, "k g b"], right: Float[Tensor, "k h b"], tangents: Float[Tensor, "k _ q b"]
) -> Float[Tensor, "k g h _ q"]:
    """Σₙ left ⊗ right ⊗ tangents."""
    pairs = (left.unsqueeze(2) * right.unsqueeze(1)).flatten(1, 2)
    return (pairs @ tangents.flatten(1, 2).mT).unflatten(2, tangents.shape[1:3]).unflatten(1, (left.shape[1], -1))
