"""Gauss-Newton curvature of the losses along each parameter of a network's layers, from their inputs and slopes."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss_derivatives import chunks
from influencelab.models.shapes import N, P
from influencelab.models.task import LayerFactors, Task


def layered(task: Task, data: Dataset, theta: P) -> bool:
    """Whether the model is made of layers of the kind that have factors."""
    try:
        return bool(task.layer_factors(theta, data.x_train[:1], data.y_train[:1]))
    except InvalidParameter:
        return False


def passes(task: Task, data: Dataset, theta: P, weights: N) -> Iterator[tuple[list[LayerFactors], N]]:
    """Chunks of training points: inputs and root slopes of their layers, and their weights."""
    first = task.layer_factors(theta, data.x_train[:1], data.y_train[:1])
    for rows in chunks(data.n, width=max(map(numbers, first))):
        yield task.layer_factors(theta, data.x_train[rows], data.y_train[rows]), weights[rows]


def numbers(layer: LayerFactors) -> int:
    """How many numbers one point has in a layer: of its slopes and inputs, and where it has positions of a matrix."""
    (h, t, _), (c, g) = layer.inputs.shape, layer.root_slopes.shape[:2]
    return (c * g + h) * t + (c * g * h if t > 1 else 0)


def curvatures(layer: LayerFactors, weights: Float[Tensor, " b"]) -> Float[Tensor, "g h"]:
    """Σᵢ wᵢ Σ_e (D_e)², entry by entry: the curvature of some points' losses along each entry of the layer's matrix."""
    inputs, slopes = layer
    if inputs.shape[1] == 1:
        # The square of a product of two numbers is that of their squares: no matrix of each point.
        return (slopes[:, :, 0].square().sum(0) * weights) @ inputs[:, 0].square().T
    each = slopes.permute(0, 3, 1, 2) @ inputs.permute(2, 1, 0)
    return torch.einsum("cbgh,b->gh", each.square_(), weights)


def diagonal(task: Task, data: Dataset, theta: P, weights: N) -> P:
    """The diagonal of the Gauss-Newton curvature of a layered task's losses, without the penalty."""
    total = torch.zeros_like(theta)
    for layers, some in passes(task, data, theta, weights):
        total += torch.cat([curvatures(layer, some).flatten() for layer in layers])
    return total
