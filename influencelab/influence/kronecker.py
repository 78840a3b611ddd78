"""Kronecker-factored curvature: each layer in the basis of what it is given and of how the outputs pull at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, Num
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.models.layered import LayeredTask, affine
from influencelab.models.penalty import stiffness
from influencelab.models.proximal import unanchored
from influencelab.models.task import LinearTask, Task
from influencelab.recipe import Recipe
from influencelab.training.fit import Fit


class Seen(NamedTuple):
    """One layer at the t positions of each of b points.

    Attributes:
        units: what it is given, the constant of its bias last.
        pulls: how each of c roots of the outputs' curvature changes with the layer's drive. Σ_e D_e D_eᵀ, with
            D_e = Σ_t pulls[e, :, t] ⊗ units[:, t] as a column, is the layer's Gauss-Newton curvature at the point.
    """

    units: Float[Tensor, "h t b"]
    pulls: Float[Tensor, "c g t b"]


class Basis(NamedTuple):
    """Orthonormal directions of a layer's matrix, as columns: each drive direction with each unit direction."""

    drives: Float[Tensor, "g g"]
    units: Float[Tensor, "h h"]


@dataclass(frozen=True, eq=False)
class Block(Recipe):
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
        """(block + damping I)⁺ times each row: what bends to nothing is left out."""
        values = self.losses + self.penalty + damping
        null = values <= values.numel() * torch.finfo(values.dtype).eps * values.max()
        turned = self.basis.drives.T @ vectors.unflatten(1, values.shape) @ self.basis.units
        solved = (turned / values).where(~null, 0.0)
        return (self.basis.drives @ solved @ self.basis.units.T).flatten(1)


BLOCKS_OF: WeakKeyDictionary[Fit, list[Block]] = WeakKeyDictionary()


def blocks(fit: Fit) -> list[Block]:
    """One block a layer (George et al. 2018), computed once a fit, whatever damping is added later.

    The bases are the eigenvectors of the second moments of units and of pulls, over points and positions (Martens &
    Grosse 2015; Grosse & Martens 2016, whose scales play no part here); the curvature along them is measured by a
    second pass over the points, with the curvature of the outputs taken over all classes, and no label drawn.

    Raises:
        InvalidParameter: the task is not made of layers.
    """
    if fit not in BLOCKS_OF:
        bases = [Basis(*(torch.linalg.eigh(moment).eigenvectors for moment in pair)) for pair in moments(fit)]
        found = zip(bases, bends(fit, bases), penalties(fit, bases), strict=True)
        BLOCKS_OF[fit] = [Block(*each) for each in found]
    return BLOCKS_OF[fit]


def moments(fit: Fit) -> list[tuple[Tensor, Tensor]]:
    """Σᵢ wᵢ Σ_t of pulls pullsᵀ and of units unitsᵀ, of each layer."""
    totals: list[tuple[Tensor, Tensor]] = []
    for layers, weights in passes(fit):
        part = [
            (
                torch.einsum("cgtb,cftb,b->gf", layer.pulls, layer.pulls, weights),
                torch.einsum("htb,itb,b->hi", layer.units, layer.units, weights),
            )
            for layer in layers
        ]
        pairs = zip(totals, part, strict=True) if totals else ()
        totals = [(one[0] + two[0], one[1] + two[1]) for one, two in pairs] or part
    return totals


def bends(fit: Fit, bases: list[Basis]) -> list[Float[Tensor, "g h"]]:
    """Σᵢ wᵢ Σ_e (uᵀ D_e v)² for each pair of directions u, v of each layer: Gauss-Newton along u ⊗ v."""
    totals = [basis.drives.new_zeros(len(basis.drives), len(basis.units)) for basis in bases]
    for layers, weights in passes(fit):
        for total, basis, layer in zip(totals, bases, layers, strict=True):
            pulls = torch.einsum("gf,cgtb->cbft", basis.drives, layer.pulls)
            units = torch.einsum("hi,htb->bti", basis.units, layer.units)
            total += torch.einsum("cbfi,b->fi", (pulls @ units).square(), weights)
    return totals


def penalties(fit: Fit, bases: list[Basis]) -> list[Float[Tensor, "g h"]]:
    """The penalty's curvature along each pair of directions; what it has between directions is left out."""
    held = stiffness(fit.task, fit.data, fit.theta)
    sizes = [len(basis.drives) * len(basis.units) for basis in bases]
    return [
        basis.drives.square().T @ part.unflatten(0, (len(basis.drives), -1)) @ basis.units.square()
        for basis, part in zip(bases, held.split(sizes), strict=True)
    ]


def passes(fit: Fit) -> Iterator[tuple[list[Seen], Float[Tensor, " b"]]]:
    """Chunks of training points: what their layers see, and their weights."""
    task, data = unanchored(fit.task), fit.data
    most = task.output_loss.size(data) * max(len(fit.theta), derivatives.numbers(task, data))
    for rows in derivatives.chunks(data.n, width=most):
        yield see(task, fit.theta, data.x_train[rows], data.y_train[rows]), fit.weights[rows]


def see(task: Task, theta: Float[Tensor, " p"], x: Float[Tensor, " b *shape"], y: Num[Tensor, " b"]) -> list[Seen]:
    """What each layer sees of some points.

    Raises:
        InvalidParameter: the task is not made of layers.
    """
    if isinstance(task, LinearTask):
        pulls = roots(task.output_loss.hessians(task.outputs(theta, x), y))
        return [Seen(task.features(x).T.unsqueeze(1), pulls.unsqueeze(2))]
    if not isinstance(task, LayeredTask):
        raise InvalidParameter(
            f"{type(task).__name__} is not made of layers that can be told apart; take a linear task, 'mlp' or "
            "'all_cnn', or an estimator that needs no layers, such as 'conjugate_gradient'."
        )
    given: list[Tensor] = []
    drives: list[Tensor] = []

    def record(matrix: Tensor, units: Tensor) -> Tensor:
        given.append(units.detach())
        drives.append(affine(matrix, units))
        return drives[-1]

    outputs = task.forward(theta.detach().requires_grad_(), x, record)
    pushes = roots(task.output_loss.hessians(outputs.detach(), y))
    pulls = torch.autograd.grad(outputs, drives, pushes, is_grads_batched=True)
    return [seen(units, pull, points=len(x)) for units, pull in zip(given, pulls, strict=True)]


def seen(units: Tensor, pulls: Tensor, *, points: int) -> Seen:
    """Positions and points told apart, and the constant that the bias multiplies put last."""
    constant = torch.cat([units.flatten(0, -2), torch.ones_like(units.flatten(0, -2)[:1])])
    return Seen(constant.unflatten(-1, (-1, points)), pulls.flatten(1, -2).unflatten(-1, (-1, points)))


def roots(bend: Float[Tensor, "c c b"]) -> Float[Tensor, "c c b"]:
    """roots[e, :, i] for each point, with Σ_e of their outer products the given curvature of the outputs."""
    values, vectors = torch.linalg.eigh(bend.permute(2, 0, 1))
    return (vectors * values.clamp_min(0).sqrt().unsqueeze(1)).permute(2, 1, 0)
