"""Derivatives of fully connected networks in closed form, many models and points at once."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.models.closed_forms import mlp, mlp_hessian
from influencelab.models.loss_derivatives import BatchGradient, LossDerivatives, scaled_weights
from influencelab.models.shapes import KM, KN, KP, KPP, K, N, P, Rows

# Numbers that the units of one chunk take: what one layer writes must be in the cache when the next one reads it.
CHUNK = 2**18


@dataclass(frozen=True, eq=False, kw_only=True)
class MLPDerivatives(LossDerivatives):
    """Backpropagation, and the derivative of each of its lines.

    Attributes:
        network: the architecture.
    """

    network: mlp.Network

    def passes(self, models: int) -> Iterator[slice]:
        """All points at once: `chunks` cuts them, and the models too."""
        yield slice(None)

    def losses(self, theta: KP, weights: KN, rows: slice) -> K:
        """Σ wᵢ ℓᵢ of k models over some points."""
        network, values = self.network, theta.new_zeros(len(theta))
        for models, at in mlp.chunks(network, self.data, weights, size=network.width, limit=CHUNK, rows=rows):
            z = mlp.forward(network, mlp.split(theta[models], network.shapes), at.x)[-1]
            values[models].add_((network.loss.values(z, at.y) * at.weights).sum(-1))
        return values

    def gradients(self, theta: KP, weights: KN, rows: Rows) -> KP:
        """Σ wᵢ ∇ℓᵢ of k models over some points, or over each model's own."""
        network = self.network
        pieces = mlp.chunks(network, self.data, weights, size=network.width, limit=CHUNK, rows=rows)
        traces = ((some, mlp.trace(network, mlp.split(theta[some], network.shapes), at)) for some, at in pieces)
        return summed(theta, ((some, mlp.gradient(traced)) for some, traced in traces))

    def losses_and_gradients(self, theta: KP, weights: KN, rows: Rows) -> tuple[K, KP]:
        """Both from one pass over the points."""
        network, losses, total = self.network, theta.new_zeros(len(theta)), torch.zeros_like(theta)
        for models, at in mlp.chunks(network, self.data, weights, size=network.width, limit=CHUNK, rows=rows):
            traced = mlp.trace(network, mlp.split(theta[models], network.shapes), at)
            losses[models].add_((network.loss.values(traced.z, at.y) * at.weights).sum(-1))
            total[models].add_(mlp.gradient(traced))
        return losses, total

    def products(self, theta: P, weights: N, vectors: KP, rows: slice, *, kind: str = "hessian") -> KP:
        """Curvature of one model over some points times k vectors."""
        network, moved = self.network, torch.zeros_like(vectors)
        shared = weights.expand(len(vectors), -1)
        for some, each in mlp.chunks(network, self.data, shared, size=2 * network.width, limit=CHUNK, rows=rows):
            at = each._replace(weights=each.weights[0])
            traced = mlp.trace(network, mlp.split(theta, network.shapes), at)
            if kind != "hessian":
                traced = traced._replace(output_gradients=[torch.zeros_like(each) for each in traced.output_gradients])
            moved[some].add_(mlp.product(network, traced, at, mlp.split(vectors[some], network.shapes)))
        return moved

    def model_products(self, theta: KP, weights: KN, vectors: KP, rows: slice) -> KP:
        """The Hessian of each model over some points, at its own θ and weights, times its own vector."""
        network = self.network
        pieces = mlp.chunks(network, self.data, weights, size=2 * network.width, limit=CHUNK, rows=rows)
        traces = ((some, at, mlp.trace(network, mlp.split(theta[some], network.shapes), at)) for some, at in pieces)
        along = ((some, at, seen, mlp.split(vectors[some], network.shapes)) for some, at, seen in traces)
        return summed(vectors, ((some, mlp.product(network, seen, at, way)) for some, at, seen, way in along))

    def hessians(self, theta: KP, weights: KN, *, kind: str) -> KPP:
        """Dense curvature of k models, each at its own θ and weights."""
        return mlp_hessian.hessians(self.network, self.data, theta, weights, kind=kind)

    def measures(self, theta: KP) -> KM:
        """The loss of each test point, for k models."""
        network, x = self.network, mlp.read(self.data.x_test)
        step = max(1, CHUNK // (network.width * self.data.m))
        parts = [mlp.forward(network, mlp.split(some, network.shapes), x)[-1] for some in theta.split(step)]
        return torch.cat([network.loss.values(z, self.data.y_test) for z in parts])

    def products_and_slopes(self, theta: P, weights: N, vectors: KP, rows: Rows) -> tuple[KP, Float[Tensor, "k b"]]:
        """Σ wᵢ ∇²ℓᵢ v over some points and vᵀ∇ℓᵢ of each, from one trace."""
        network = self.network
        along, at = mlp.split(vectors, network.shapes), mlp.read_points(network, self.data, weights, rows)
        each = mlp.trace(network, mlp.split(theta, network.shapes), at._replace(weights=torch.ones_like(at.weights)))
        slopes = torch.zeros_like(vectors[:, :1])
        for direction, units, gradients in zip(along, each.inputs, each.output_gradients, strict=True):
            slopes = slopes + (gradients * (direction @ units)).sum(-2)
        weighted = each._replace(output_gradients=[gradients * at.weights for gradients in each.output_gradients])
        return mlp.product(network, weighted, at, along), slopes

    def batch_gradients(self, weights: KN, *, cache: int) -> Callable[[Tensor], BatchGradient]:
        """The same, with layers and points read once and activations written in place where a batch fits the cache."""
        network, most = self.network, 2 * cache // (len(weights) * self.trace)
        scaled = scaled_weights(weights, self.data.n)
        points = lru_cache(maxsize=2)(lambda count: mlp.read_points(network, self.data, scaled(count), slice(None)))
        in_chunks = super().batch_gradients(weights, cache=cache)

        def at(theta: KP) -> BatchGradient:
            layers, chunked = mlp.split(theta, network.shapes), in_chunks(theta)
            space = lru_cache(maxsize=2)(lambda count: mlp.workspace(layers, count))

            def at_once(rows: Tensor | None) -> KP:
                count = self.data.n if rows is None else rows.shape[-1]
                if count > most:
                    return chunked(rows)
                batch = points(count) if rows is None else points(count).at(rows)
                return mlp.gradient(mlp.trace(network, layers, batch, space(count)))

            return at_once

        return at


def summed(like: KP, parts: Iterable[tuple[slice, Tensor]]) -> KP:
    """The sum of what each chunk adds to some of the rows; the only part of all rows is the sum."""
    total = None
    for rows, part in parts:
        if total is None and len(part) == len(like):
            total = part
            continue
        total = torch.zeros_like(like) if total is None else total
        total[rows].add_(part)
    return torch.zeros_like(like) if total is None else total
