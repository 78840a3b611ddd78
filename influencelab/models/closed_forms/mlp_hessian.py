"""Dense curvature of fully connected networks, from what a push on the input of one unit does.

Layer l's weight (a, i) acts on point n only by pushing unit a by what it reads, u_i. So the networks are differentiated
along one push a unit, not along one direction a weight, and the rest is matrix products over points:

    H[l a i, m b j] = Σₙ u_i u_j ∂δ_b/∂z_a + Σₙ u_i δ_b ∂u_j/∂z_a,     l ≤ m

with δ the pull of the loss on each z. Gauss-Newton keeps what bends in the outputs alone: the second term goes, and
in the first one the pulls change as if units were linear.
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
from influencelab.models.closed_forms.mlp import Points, Trace, chunks, split, trace
from influencelab.models.tasks.mlp import MLP

# Numbers that one chunk holds: enough models for long batches of small matrix products.
CHUNK = 2**21


class Pushes(NamedTuple):
    """What a push on each unit of the layers up to this one does, layer by layer; pushes are counted in that order.

    Attributes:
        moved: dz of each unit of the layer.
        read: du of what the layer after it reads, without the last unit, which nothing moves.
    """

    moved: list[Float[Tensor, "k _ _ b"]]
    read: list[Float[Tensor, "k _ _ b"]]


def hessians(
    task: MLP, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"], *, kind: str = "hessian"
) -> Float[Tensor, "k p p"]:
    """Σ wᵢ ∇²ℓᵢ of k models, each at its own θ and weights; or Gauss-Newton."""
    total = theta.new_zeros(*theta.shape, theta.shape[1])
    shapes = task.shapes(data)
    units = sum(rows for rows, _ in shapes)
    size = 3 * units * units // 2 + max(columns for _, columns in shapes[:2]) ** 2
    for models, at in chunks(task, data, weights, size=size, limit=CHUNK):
        traced = trace(task, split(theta[models], shapes), at)
        fill(total[models], task, traced, at, curved=kind == "hessian")
    mirror(total, ends_of(shapes))
    return total


def fill(total: Float[Tensor, "k p p"], task: MLP, traced: Trace, at: Points, *, curved: bool) -> None:
    """Add the upper blocks of some models and points in place, from the last layer to the first."""
    activation, layers = CLOSED[task.activation], traced.layers
    slopes = [activation.pull(torch.ones_like(value), value) for value in traced.values]
    pushes = push(layers, slopes, points=at.x.shape[-2])
    change = bend_outputs(task, traced.said, pushes.moved[-1]).mul_(at.weights[:, None, None])
    for later in reversed(range(len(layers))):
        for earlier in range(later + 1):
            add_block(total, traced, pushes, change, earlier=earlier, later=later, curved=curved)
        if later == 0:
            return
        moved = pushes.moved[later - 1]
        change = fold(layers[later][:, :, :-1].mT, change[:, :, : moved.shape[2]]).mul_(slopes[later - 1].unsqueeze(2))
        if curved:
            sag = activation.bend(traced.values[later - 1]).mul_(traced.pulls[later - 1])
            change.addcmul_(sag.unsqueeze(2), moved)


def ends_of(shapes: Iterable[tuple[int, ...]]) -> list[int]:
    """Where each layer's parameters begin in θ, and where the last one's end."""
    return [0, *itertools.accumulate(map(math.prod, shapes))]


def mirror(total: Float[Tensor, "k p p"], ends: list[int]) -> None:
    """Fill the lower half from the upper one, block by block: a second dense table may not fit."""
    for first, last in itertools.pairwise(ends):
        block = total[:, first:last, first:last]
        block.copy_(block.triu() + block.triu(1).mT)
        total[:, last:, first:last] = total[:, first:last, last:].mT


def push(layers: list[Tensor], slopes: list[Tensor], *, points: int) -> Pushes:
    """Push each unit of each point by 1, and follow what that does to the layers after it."""
    first = layers[0]
    eyes = [torch.eye(layer.shape[1], dtype=first.dtype, device=first.device) for layer in layers]
    new = [eye[:, :, None].expand(len(first), -1, -1, points) for eye in eyes]
    moved, read = [new[0]], []
    for layer, slope, fresh in zip(layers[1:], slopes, new[1:], strict=True):
        read.append(moved[-1] * slope.unsqueeze(2))
        moved.append(torch.cat([fold(layer[:, :, :-1], read[-1]), fresh], dim=2))
    return Pushes(moved, read)


def fold(matrix: Float[Tensor, "k g h"], pushed: Float[Tensor, "k h q b"]) -> Float[Tensor, "k g q b"]:
    """A matrix times what each push does to each point."""
    return (matrix @ pushed.flatten(2)).unflatten(2, pushed.shape[2:])


def bend_outputs(task: MLP, said: Float[Tensor, "k c b"], moved: Float[Tensor, "k c q b"]) -> Float[Tensor, "k c q b"]:
    """(∂²ℓ/∂z²) times what each push does to the outputs."""
    if task.regression:
        return moved.clone()
    weighted = said.unsqueeze(2) * moved
    return weighted - said.unsqueeze(2) * weighted.sum(1, keepdim=True)


def add_block(
    total: Float[Tensor, "k p p"],
    traced: Trace,
    pushes: Pushes,
    change: Float[Tensor, "k _ _ b"],
    *,
    earlier: int,
    later: int,
    curved: bool,
) -> None:
    """Add H[earlier, later] in place: the two sums over points of the module's formula."""
    sizes = [layer.shape[1:] for layer in traced.layers]
    ends = ends_of(sizes)
    first = sum(rows for rows, _ in sizes[:earlier])
    mine = slice(first, first + sizes[earlier][0])
    block = total[:, ends[earlier] : ends[earlier + 1], ends[later] : ends[later + 1]]
    block = block.unflatten(2, sizes[later]).unflatten(1, sizes[earlier])
    here, there = (of_all(traced.units[layer], len(total)) for layer in (earlier, later))
    block.add_(outer(here, there, change[:, :, mine]).permute(0, 4, 1, 3, 2))
    if curved and earlier < later:
        read = pushes.read[later - 1][:, :, mine]
        block[..., :-1].add_(outer(traced.pulls[later], here, read).permute(0, 4, 2, 1, 3))


def outer(
    left: Float[Tensor, "k g b"], right: Float[Tensor, "k h b"], pushed: Float[Tensor, "k _ q b"]
) -> Float[Tensor, "k g h _ q"]:
    """Σₙ left ⊗ right ⊗ pushed."""
    pairs = (left.unsqueeze(2) * right.unsqueeze(1)).flatten(1, 2)
    return (pairs @ pushed.flatten(1, 2).mT).unflatten(2, pushed.shape[1:3]).unflatten(1, (left.shape[1], -1))


def of_all(units: Float[Tensor, "*_ h b"], models: int) -> Float[Tensor, "k h b"]:
    """What each model's layer reads: the features are the same for all."""
    return units.expand(models, -1, -1)
