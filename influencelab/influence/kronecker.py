"""Kronecker-factored curvature: each layer in the eigenbasis of its inputs and of its output slopes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.models import derivatives
from influencelab.models.task import LayerFactors
from influencelab.training.fit import Fit


class Basis(NamedTuple):
    """Orthonormal directions of a layer's matrix, as columns: each output direction with each input direction."""

    outputs: Float[Tensor, "g g"]
    inputs: Float[Tensor, "h h"]


@dataclass(frozen=True, eq=False)
class Block:
    """The curvature of one layer as a diagonal in its basis; without damping.

    Attributes:
        basis: where the curvature is taken to be diagonal.
        losses: the Gauss-Newton curvature of the losses along each pair of directions, in nats per squared unit of
            parameter.
        penalty: the curvature of the penalty along each: weight decay where it acts on the whole layer.
    """

    basis: Basis
    losses: Float[Tensor, "g h"]
    penalty: Float[Tensor, "g h"]

    def inverse_products(self, vectors: Float[Tensor, "k q"], *, damping: float) -> Float[Tensor, "k q"]:
        """(block + damping I)⁺ times each row: directions of no curvature are left out."""
        values = self.losses + self.penalty + damping
        null = values <= values.numel() * torch.finfo(values.dtype).eps * values.max()
        turned = self.basis.outputs.T @ vectors.unflatten(1, values.shape) @ self.basis.inputs
        solved = (turned / values).where(~null, 0.0)
        return (self.basis.outputs @ solved @ self.basis.inputs.T).flatten(1)


BLOCKS_OF: WeakKeyDictionary[Fit, list[Block]] = WeakKeyDictionary()


def blocks(fit: Fit) -> list[Block]:
    """One block a layer (George et al. 2018), computed once a fit, whatever damping is added later.

    The bases are the eigenvectors of the second moments of inputs and of output slopes, over points and positions
    (Martens & Grosse 2015; Grosse & Martens 2016, whose scales play no part here); the curvature along them is measured
    by a second pass over the points, with the curvature of the outputs taken over all classes, and no label drawn.

    Raises:
        InvalidParameter: the task is not made of layers.
    """
    if fit not in BLOCKS_OF:
        bases = [Basis(*(torch.linalg.eigh(moment).eigenvectors for moment in pair)) for pair in moments(fit)]
        found = zip(bases, curvatures(fit, bases), penalties(fit, bases), strict=True)
        BLOCKS_OF[fit] = [Block(*each) for each in found]
    return BLOCKS_OF[fit]


def moments(fit: Fit) -> list[tuple[Tensor, Tensor]]:
    """Second moments Σᵢ wᵢ Σ_t of root slopes and of inputs, of each layer."""
    totals: list[tuple[Tensor, Tensor]] = []
    for layers, weights in passes(fit):
        part = [
            (
                torch.einsum("cgtb,cftb,b->gf", layer.root_slopes, layer.root_slopes, weights),
                torch.einsum("htb,itb,b->hi", layer.inputs, layer.inputs, weights),
            )
            for layer in layers
        ]
        pairs = zip(totals, part, strict=True) if totals else ()
        totals = [(one[0] + two[0], one[1] + two[1]) for one, two in pairs] or part
    return totals


def curvatures(fit: Fit, bases: list[Basis]) -> list[Float[Tensor, "g h"]]:
    """Σᵢ wᵢ Σ_e (uᵀ D_e v)² for each pair of directions u, v of each layer: Gauss-Newton along u ⊗ v."""
    totals = [basis.outputs.new_zeros(len(basis.outputs), len(basis.inputs)) for basis in bases]
    for layers, weights in passes(fit):
        for total, basis, layer in zip(totals, bases, layers, strict=True):
            slopes = torch.einsum("gf,cgtb->cbft", basis.outputs, layer.root_slopes)
            inputs = torch.einsum("hi,htb->bti", basis.inputs, layer.inputs)
            total += torch.einsum("cbfi,b->fi", (slopes @ inputs).square(), weights)
    return totals


def penalties(fit: Fit, bases: list[Basis]) -> list[Float[Tensor, "g h"]]:
    """The penalty's curvature along each pair of directions; what it has between directions is left out."""
    stiffness = fit.task.penalty(fit.data, fit.theta).stiffness
    sizes = [len(basis.outputs) * len(basis.inputs) for basis in bases]
    return [
        basis.outputs.square().T @ part.unflatten(0, (len(basis.outputs), -1)) @ basis.inputs.square()
        for basis, part in zip(bases, stiffness.split(sizes), strict=True)
    ]


def passes(fit: Fit) -> Iterator[tuple[list[LayerFactors], Float[Tensor, " b"]]]:
    """Chunks of training points: inputs and root slopes of their layers, and their weights."""
    task, data = fit.task, fit.data
    most = task.output_loss.size(data) * max(len(fit.theta), task.derivatives(data).numbers)
    for rows in derivatives.chunks(data.n, width=most):
        yield task.layer_factors(fit.theta, data.x_train[rows], data.y_train[rows]), fit.weights[rows]
