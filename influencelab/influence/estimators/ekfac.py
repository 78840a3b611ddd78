"""Influence by eigenvalue-corrected Kronecker factors: a curvature without cross terms between layers."""

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature, Solution, check_recipe, lengths
from influencelab.influence.estimator import Solver
from influencelab.models import layer_curvature
from influencelab.models.shapes import N
from influencelab.models.task import LayerFactors
from influencelab.training.fit import Fit

# Orthonormal directions of a layer's matrix, as columns: of its outputs (g g) and of its inputs (h h).
Basis = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class EKFAC(Solver):
    """Gauss-Newton influence with each layer's curvature diagonal in a Kronecker basis (George et al. 2018).

    As Grosse et al. (2023) use it on language models, but with the Fisher information summed over all classes in place
    of drawn labels, and weight decay in the curvature. `residual` is measured with the true Gauss-Newton curvature:
    it says how much is lost between layers and between directions, and it is not small. Exact for one layer with one
    output, and where all points give a layer the same.

    Attributes:
        damping: added to every eigenvalue.
        relative_damping: this share of the mean eigenvalue of each layer's losses is added too; Grosse et al. take
            0.1. `Estimate.damping` is then the mean over all parameters, and `dampings` gives each layer's.
    """

    damping: float = 0.0
    relative_damping: float = 0.0

    def __post_init__(self) -> None:
        check_recipe("gauss_newton", self.damping)
        if not 0 <= self.relative_damping < float("inf"):
            raise InvalidParameter(f"relative_damping is {self.relative_damping}, expected a finite number ≥ 0.")

    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """Factorise each layer, or reuse the factors of the fit.

        Raises:
            InvalidParameter: the task is not made of layers.
        """
        layers = blocks(fit)
        parts = gradients.split([block.losses.numel() for block in layers], dim=1)
        solved, added = [], []
        for block, damping, part in zip(layers, self.dampings(fit), parts, strict=True):
            solved.append(block.inverse_products(part, damping=damping))
            added.append(torch.full_like(part[0], damping))
        each, values = torch.cat(added), torch.cat(solved, dim=1)
        left = (Curvature(fit, kind="gauss_newton") @ values.T).T + each * values - gradients
        return Solution(values=values.T, residual=left.norm(dim=1) / lengths(gradients)), float(each.mean())

    def dampings(self, fit: Fit) -> list[float]:
        """The damping added to every eigenvalue of each layer, first layer first."""
        return [self.damping + self.relative_damping * float(block.losses.mean()) for block in blocks(fit)]


@dataclass(frozen=True, eq=False)
class Block:
    """The curvature of one layer as a diagonal in its basis; without damping.

    Attributes:
        basis: each output direction with each input direction.
        losses: the Gauss-Newton curvature of the losses along each pair of directions, in nats per squared unit of
            parameter.
        penalty: the curvature of the penalty along each: weight decay where it acts on the whole layer.
    """

    basis: Basis
    losses: Float[Tensor, "g h"]
    penalty: Float[Tensor, "g h"]

    def inverse_products(self, vectors: Float[Tensor, "k q"], *, damping: float) -> Float[Tensor, "k q"]:
        """(block + damping I)⁺ times each row: directions of no curvature are left out."""
        outputs, inputs = self.basis
        values = self.losses + self.penalty + damping
        null = values <= values.numel() * torch.finfo(values.dtype).eps * values.max()
        turned = outputs.T @ vectors.unflatten(1, values.shape) @ inputs
        solved = (turned / values).where(~null, 0.0)
        return (outputs @ solved @ inputs.T).flatten(1)


BLOCKS_OF: WeakKeyDictionary[Fit, list[Block]] = WeakKeyDictionary()


def blocks(fit: Fit) -> list[Block]:
    """One block a layer (George et al. 2018), computed once a fit, whatever damping is added later.

    The bases are the eigenvectors of the second moments of inputs and of output slopes, over points and positions
    (Martens & Grosse 2015; Grosse & Martens 2016, whose scales play no part here); the curvature along them is measured
    by a second pass over the points, with the curvature of the outputs taken over all classes, and no label drawn.
    """
    if fit not in BLOCKS_OF:
        bases = [
            (torch.linalg.eigh(one).eigenvectors, torch.linalg.eigh(two).eigenvectors) for one, two in moments(fit)
        ]
        stiffness = fit.task.penalty(fit.data, fit.theta).stiffness
        parts = stiffness.split([len(outputs) * len(inputs) for outputs, inputs in bases])
        BLOCKS_OF[fit] = [
            # What the penalty's curvature has between directions is left out.
            Block((outputs, inputs), losses, outputs.square().T @ part.unflatten(0, losses.shape) @ inputs.square())
            for (outputs, inputs), losses, part in zip(bases, curvatures(fit, bases), parts, strict=True)
        ]
    return BLOCKS_OF[fit]


def moments(fit: Fit) -> list[tuple[Tensor, Tensor]]:
    """Second moments Σᵢ wᵢ Σ_t of root slopes and of inputs, of each layer."""
    totals: list[tuple[Tensor, Tensor]] = []
    for layers, weights in passes(fit):
        part = [
            (
                second_moment((layer.root_slopes * weights).transpose(0, 1), layer.root_slopes.transpose(0, 1)),
                second_moment(layer.inputs * weights, layer.inputs),
            )
            for layer in layers
        ]
        pairs = zip(totals, part, strict=True) if totals else ()
        totals = [(one[0] + two[0], one[1] + two[1]) for one, two in pairs] or part
    return totals


def second_moment(weighted: Float[Tensor, " g *some"], values: Float[Tensor, " g *some"]) -> Float[Tensor, "g g"]:
    """The sum of products of each pair of rows, as one product of matrices."""
    return weighted.flatten(1) @ values.flatten(1).T


def curvatures(fit: Fit, bases: list[Basis]) -> list[Float[Tensor, "g h"]]:
    """Σᵢ wᵢ Σ_e (uᵀ D_e v)² for each pair of directions u, v of each layer: Gauss-Newton along u ⊗ v."""
    totals = [outputs.new_zeros(len(outputs), len(inputs)) for outputs, inputs in bases]
    for layers, weights in passes(fit):
        for total, (outputs, inputs), layer in zip(totals, bases, layers, strict=True):
            turned = torch.einsum("hi,htb->itb", inputs, layer.inputs)
            slopes = torch.einsum("gf,cgtb->cftb", outputs, layer.root_slopes)
            total += layer_curvature.curvatures(LayerFactors(turned, slopes), weights)
    return totals


def passes(fit: Fit) -> Iterator[tuple[list[LayerFactors], N]]:
    """Chunks of training points: inputs and root slopes of their layers, and their weights."""
    return layer_curvature.passes(fit.task, fit.data, fit.theta, fit.weights)
