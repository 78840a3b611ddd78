"""Inputs and output slopes of a network's layers: the samples from which Kronecker factors are made."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Num
from torch import Tensor

from influencelab.models.loss import OutputLoss
from influencelab.models.shapes import P

# A layer's matrix (W | bias) and its units give W units + bias.
Layer = Callable[[Tensor, Tensor], Tensor]


class LayerFactors(NamedTuple):
    """One layer at the t positions of each of b points.

    Attributes:
        inputs: of the layer, the constant of its bias last.
        root_slopes: slope of each of c roots of the outputs' curvature in the layer's pre-activations. Σ_e D_e D_eᵀ,
            with D_e = Σ_t root_slopes[e, :, t] ⊗ inputs[:, t] as a column, is the layer's Gauss-Newton curvature at
            the point.
    """

    inputs: Float[Tensor, "h t b"]
    root_slopes: Float[Tensor, "c g t b"]


def linear_factors(
    features: Float[Tensor, "b d"], outputs: Float[Tensor, "c b"], y: Num[Tensor, " b"], loss: OutputLoss
) -> list[LayerFactors]:
    """Factors of a model that is one linear layer."""
    roots = output_roots(loss.hessians(outputs, y))
    return [LayerFactors(features.T.unsqueeze(1), roots.unsqueeze(2))]


def recorded_factors(
    forward: Callable[[Tensor, Tensor, Layer], Tensor],
    theta: P,
    x: Float[Tensor, " b *shape"],
    y: Num[Tensor, " b"],
    loss: OutputLoss,
) -> list[LayerFactors]:
    """Factors of every layer of a network, recorded as its forward pass asks for the layers' products."""
    inputs: list[Tensor] = []
    pre_activations: list[Tensor] = []

    def record(matrix: Tensor, units: Tensor) -> Tensor:
        inputs.append(units.detach())
        pre_activations.append(affine(matrix, units))
        return pre_activations[-1]

    outputs = forward(theta.detach().requires_grad_(), x, record)
    roots = output_roots(loss.hessians(outputs.detach(), y))
    slopes = torch.autograd.grad(outputs, pre_activations, roots, is_grads_batched=True)
    return [by_position(units, slope, points=len(x)) for units, slope in zip(inputs, slopes, strict=True)]


def by_position(inputs: Tensor, slopes: Tensor, *, points: int) -> LayerFactors:
    """Positions and points on axes of their own, and the constant that the bias multiplies put last."""
    constant = torch.cat([inputs.flatten(0, -2), torch.ones_like(inputs.flatten(0, -2)[:1])])
    return LayerFactors(constant.unflatten(-1, (-1, points)), slopes.flatten(1, -2).unflatten(-1, (-1, points)))


def output_roots(curvature: Float[Tensor, "c c b"]) -> Float[Tensor, "c c b"]:
    """roots[e, :, i] for each point, with Σ_e of their outer products the given curvature of the outputs."""
    values, vectors = torch.linalg.eigh(curvature.permute(2, 0, 1))
    return (vectors * values.clamp_min(0).sqrt().unsqueeze(1)).permute(2, 1, 0)


def affine(matrix: Float[Tensor, "*k g h"], units: Float[Tensor, "*_ i b"]) -> Float[Tensor, "*k g b"]:
    """W units + bias, where the matrix holds (W | bias): h = i + 1."""
    return matrix[..., :-1] @ units + matrix[..., -1:]
