"""Closed forms for fully connected networks: backpropagation of k models as batched matrix products.

Units lie as (models, units, points): the products then run over points, which are many, and each layer's bias is the
weight of a last unit that is always 1. Work is cut into chunks of models and points whose units stay in the cache.
For small networks the number of calls is what takes the time, so each layer makes as few as it can.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.closed_forms.activation import CLOSED
from influencelab.models.tasks.mlp import MLP

# Numbers that the units of one chunk take: what one layer writes must be in the cache when the next one reads it.
CHUNK = 2**18


class Layers(list[Float[Tensor, "*_ _ _"]]):
    """(W | bias) of each layer, of one model or of k."""

    @cached_property
    def back(self) -> list[Float[Tensor, "*_ _ _"]]:
        """Wᵀ of each: the way back of what pulls at its outputs."""
        return [layer[..., :-1].mT for layer in self]


class Workspace(NamedTuple):
    """Memory for what hidden layers say, one model's or k models', which can be written again and again.

    Attributes:
        units: what the layer after each reads; the last unit is 1.
        values: the units without the last.
    """

    units: list[Float[Tensor, "*k _ b"]]
    values: list[Float[Tensor, "*k _ b"]]


class Points(NamedTuple):
    """Some training points as networks read them: the same for all models, or each model's own.

    Attributes:
        x: features and a last 1.
        target: one-hot classes or real targets; ∂ℓ/∂z is what the outputs say minus it.
        y: as the data has them.
        weights: wᵢ of each model.
    """

    x: Float[Tensor, "*_ b d"]
    target: Float[Tensor, "*_ c b"]
    y: Num[Tensor, "*_ b"]
    weights: Float[Tensor, "*k b"]

    def of(self, models: slice) -> "Points":
        """What some of the models read."""
        shared = self.y.dim() == 1
        return self._replace(weights=self.weights[models]) if shared else Points(*(part[models] for part in self))

    def at(self, rows: Int[Tensor, "*_ b"]) -> "Points":
        """Some of the points, of those that all models read: the same for all, or a row of them for each model."""
        if rows.dim() == 2:
            target = self.target.mT[rows].mT.contiguous()
            return Points(self.x[rows], target, self.y[rows], self.weights.gather(-1, rows))
        return Points(*(part.index_select(axis, rows) for part, axis in zip(self, (0, 1, 0, -1), strict=True)))


class Trace(NamedTuple):
    """What one pass forward and back leaves of each layer, for one model or for k.

    Attributes:
        layers: (W | bias).
        units: what it reads; the last unit is 1.
        values: what the hidden layer before it says: the units without the last.
        pulls: Σ wᵢ ∂ℓᵢ/∂z.
        said: softmax(z) of the last layer, or z for regression.
        z: of the last layer.
    """

    layers: Layers
    units: list[Float[Tensor, "*_ _ b"]]
    values: list[Float[Tensor, "*k _ b"]]
    pulls: list[Float[Tensor, "*k _ b"]]
    said: Float[Tensor, "*k c b"]
    z: Float[Tensor, "*k c b"]


def split(theta: Float[Tensor, "*k p"], shapes: list[tuple[int, int]]) -> Layers:
    """θ as one matrix a layer, without a copy."""
    theta = theta.contiguous()
    batch, steps = theta.shape[:-1], theta.stride()[:-1]
    layers, used = Layers(), theta.storage_offset()
    for rows, columns in shapes:
        layers.append(theta.as_strided((*batch, rows, columns), (*steps, columns, 1), used))
        used += rows * columns
    return layers


def join(parts: list[Float[Tensor, "*k _ _"]]) -> Float[Tensor, "*k p"]:
    """One matrix a layer, as θ has them."""
    return torch.cat([part.flatten(-2) for part in parts], dim=-1)


def read(x: Float[Tensor, "*shape"], *, batch: int = 1) -> Float[Tensor, "*_ d"]:
    """Features in a row, and a last 1 that biases multiply; the first `batch` axes count points."""
    flat = x.flatten(batch)
    return torch.cat([flat, flat.new_ones(*flat.shape[:-1], 1)], dim=-1)


def read_points(task: MLP, data: Dataset, weights: Float[Tensor, "*k n"], rows: slice | Int[Tensor, "*_ b"]) -> Points:
    """Some training points: rows for all models, or one row of them for each model."""
    x, y = data.x_train[rows], data.y_train[rows]
    if task.regression:
        target = y.unsqueeze(-2)
    else:
        target = torch.eye(data.classes, dtype=x.dtype, device=x.device)[y].mT.contiguous()
    if isinstance(rows, Tensor) and rows.dim() == 2:
        return Points(read(x, batch=2), target, y, weights.gather(-1, rows))
    return Points(read(x), target, y, weights[..., rows])


def workspace(layers: Layers, points: int) -> Workspace:
    """Room for as many models as the layers are of."""
    units = [layer.new_ones((*layer.shape[:-2], layer.shape[-1], points)) for layer in layers[1:]]
    return Workspace(units, [unit[..., :-1, :] for unit in units])


def forward(
    task: MLP, layers: Layers, x: Float[Tensor, "*_ b d"], room: Workspace | None = None
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """What each layer reads, what each hidden one says, and z of the last; the hidden ones write to the room."""
    room = workspace(layers, x.shape[-2]) if room is None else room
    write, read_first = CLOSED[task.activation].write, x.mT
    z = layers[0] @ read_first
    for layer, unit, value in zip(layers[1:], room.units, room.values, strict=True):
        write(z, value)
        z = times(layer, unit)
    return [read_first, *room.units], room.values, z


def trace(task: MLP, layers: Layers, at: Points, room: Workspace | None = None) -> Trace:
    """One pass forward and back; it lasts until the room is written again."""
    pull, (units, values, z) = CLOSED[task.activation].pull, forward(task, layers, at.x, room)
    said = z if task.regression else z.softmax(-2)
    pulls = [(said - at.target).mul_(at.weights.unsqueeze(-2))]
    for way, value in zip(layers.back[:0:-1], values[::-1], strict=True):
        pulls.append(pull(times(way, pulls[-1]), value))
    return Trace(layers, units, values, pulls[::-1], said, z)


def gradient(traced: Trace) -> Float[Tensor, "*k p"]:
    """Σ wᵢ ∇ℓᵢ: what pulls at a layer times what it reads."""
    return join([times(pull, unit.mT) for pull, unit in zip(traced.pulls, traced.units, strict=True)])


def times(left: Float[Tensor, "*_ _ _"], right: Float[Tensor, "*_ _ _"]) -> Float[Tensor, "*_ _ _"]:
    """left @ right, which takes twice as long to call."""
    return torch.bmm(left, right) if left.dim() == right.dim() == 3 else left @ right


def loss_gradients(
    task: MLP,
    data: Dataset,
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    rows: slice | Int[Tensor, "*_ b"] = slice(None),
) -> Float[Tensor, "k p"]:
    """Σ wᵢ ∇ℓᵢ of k models over some rows, or over each model's own."""
    shapes = task.shapes(data)
    pieces = chunks(task, data, weights, size=width(shapes), limit=CHUNK, rows=rows)
    return summed(theta, ((some, gradient(trace(task, split(theta[some], shapes), at))) for some, at in pieces))


def summed(like: Float[Tensor, "k p"], parts: Iterable[tuple[slice, Tensor]]) -> Float[Tensor, "k p"]:
    """The sum of what each chunk adds to some of the rows; the only part of all rows is the sum."""
    total = None
    for rows, part in parts:
        if total is None and len(part) == len(like):
            total = part
            continue
        total = torch.zeros_like(like) if total is None else total
        total[rows].add_(part)
    return torch.zeros_like(like) if total is None else total


def losses_and_gradients(
    task: MLP, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> tuple[Float[Tensor, " k"], Float[Tensor, "k p"]]:
    """Σ wᵢ ℓᵢ and Σ wᵢ ∇ℓᵢ of k models from one pass over all points."""
    values, total, shapes = theta.new_zeros(len(theta)), torch.zeros_like(theta), task.shapes(data)
    for models, at in chunks(task, data, weights, size=width(shapes), limit=CHUNK):
        traced = trace(task, split(theta[models], shapes), at)
        values[models].add_((task.output_loss.values(traced.z, at.y) * at.weights).sum(-1))
        total[models].add_(gradient(traced))
    return values, total


def losses(task: MLP, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]) -> Float[Tensor, " k"]:
    """Σ wᵢ ℓᵢ of k models."""
    values, shapes = theta.new_zeros(len(theta)), task.shapes(data)
    for models, at in chunks(task, data, weights, size=width(shapes), limit=CHUNK):
        z = forward(task, split(theta[models], shapes), at.x)[-1]
        values[models].add_((task.output_loss.values(z, at.y) * at.weights).sum(-1))
    return values


def measures(task: MLP, data: Dataset, theta: Float[Tensor, "k p"]) -> Float[Tensor, "k m"]:
    """The loss of each test point, for k models."""
    shapes, x = task.shapes(data), read(data.x_test)
    step = max(1, CHUNK // (width(shapes) * data.m))
    parts = [forward(task, split(some, shapes), x)[-1] for some in theta.split(step)]
    return torch.cat([task.output_loss.values(z, data.y_test) for z in parts])


def model_products(
    task: MLP, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"], vectors: Float[Tensor, "k p"]
) -> Float[Tensor, "k p"]:
    """Σ wᵢ ∇²ℓᵢ of each model, at its own θ and weights, times its own vector."""
    shapes = task.shapes(data)

    def part(some: slice, at: Points) -> Float[Tensor, "k p"]:
        traced = trace(task, split(theta[some], shapes), at)
        return product(task, traced, at, split(vectors[some], shapes))

    pieces = chunks(task, data, weights, size=2 * width(shapes), limit=CHUNK)
    return summed(vectors, ((some, part(some, at)) for some, at in pieces))


def products(
    task: MLP,
    data: Dataset,
    theta: Float[Tensor, " p"],
    weights: Float[Tensor, " n"],
    vectors: Float[Tensor, "k p"],
    *,
    kind: str = "hessian",
) -> Float[Tensor, "k p"]:
    """Σ wᵢ ∇²ℓᵢ of one model times many vectors, or Gauss-Newton."""
    total, shapes = torch.zeros_like(vectors), task.shapes(data)
    shared = weights.expand(len(vectors), -1)
    for some, each in chunks(task, data, shared, size=2 * width(shapes), limit=CHUNK):
        at = each._replace(weights=each.weights[0])
        traced = trace(task, split(theta, shapes), at)
        if kind != "hessian":
            traced = traced._replace(pulls=[torch.zeros_like(pull) for pull in traced.pulls])
        total[some].add_(product(task, traced, at, split(vectors[some], shapes)))
    return total


def product(task: MLP, traced: Trace, at: Points, along: Layers) -> Float[Tensor, "*k p"]:
    """How Σ wᵢ ∇ℓᵢ changes as θ moves along a direction: the derivative of each line of `trace` and `gradient`."""
    activation, layers = CLOSED[task.activation], traced.layers
    dz, du = [along[0] @ traced.units[0]], []
    for layer, unit, value, direction in zip(layers[1:], traced.units[1:], traced.values, along[1:], strict=True):
        du.append(activation.pull(dz[-1], value))
        dz.append(add(times(direction, unit), layer[..., :-1], du[-1]))
    change, parts = bent(task, traced.said, dz[-1]).mul_(at.weights.unsqueeze(-2)), []
    for m in range(task.depth, 0, -1):
        value, pull = traced.values[m - 1], traced.pulls[m]
        part = times(change, traced.units[m].mT)
        part[..., :-1].add_(times(pull, du[m - 1].mT))
        parts.append(part)
        back = add(times(layers.back[m], change), along.back[m], pull)
        sag = activation.bend(value).mul_(traced.pulls[m - 1])
        change = activation.pull(back, value).add_(sag * dz[m - 1])
    parts.append(change @ at.x)
    return join(parts[::-1])


def bent(task: MLP, said: Float[Tensor, "*_ c b"], moved: Float[Tensor, "*k c b"]) -> Float[Tensor, "*k c b"]:
    """(∂²ℓ/∂z²) times a change of z."""
    if task.regression:
        return moved.clone()
    weighted = said * moved
    return weighted - said * weighted.sum(-2, keepdim=True)


def add(total: Float[Tensor, "*k g b"], left: Tensor, right: Tensor) -> Float[Tensor, "*k g b"]:
    """total + left @ right, in place; in one call where it can be."""
    if left.dim() == right.dim() == 3:
        return total.baddbmm_(left, right)
    return total.add_(left @ right)


def chunks(
    task: MLP,
    data: Dataset,
    weights: Float[Tensor, "k n"],
    *,
    size: int,
    limit: int,
    rows: slice | Tensor = slice(None),
) -> Iterator[tuple[slice, Points]]:
    """Chunks of points and, in each of them, chunks of models.

    Args:
        size: numbers that one model holds for one point.
        limit: numbers that a chunk may hold.
    """
    for some in row_chunks(data, rows, max(1, limit // size)):
        at = read_points(task, data, weights, some)
        if (step := max(1, limit // (size * at.x.shape[-2]))) >= len(weights):
            yield slice(None), at
            continue
        for first in range(0, len(weights), step):
            models = slice(first, first + step)
            yield models, at.of(models)


def width(shapes: list[tuple[int, int]]) -> int:
    """Numbers that a trace of one model holds for one point."""
    return 1 + sum(units + columns for units, columns in shapes[1:])


def row_chunks(data: Dataset, rows: slice | Tensor, step: int) -> Iterator[slice | Tensor]:
    """Pieces of at most `step` points."""
    if isinstance(rows, Tensor):
        yield from rows.split(step, dim=-1)
        return
    first, last, _ = rows.indices(data.n)
    yield from (slice(start, min(start + step, last)) for start in range(first, last, step))
