"""Closed forms for tasks that are linear in θ: matrix products instead of automatic differentiation."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.task import LinearTask

# Rows of x whose weighted copy fits the cache beside the block of the Hessian it adds to.
ROWS = 8192


def losses_and_gradients(
    task: LinearTask, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"], rows: slice
) -> tuple[Float[Tensor, " k"], Float[Tensor, "k p"]]:
    """Σ wᵢ ℓᵢ and Σ wᵢ ∇ℓᵢ over some rows, for k models, from one look at the features."""
    x, y = task.features(data.x_train[rows]), data.y_train[rows]
    outputs = (theta.reshape(-1, x.shape[1]) @ x.T).view(len(theta), -1, len(x))
    values = (task.output_loss.values(outputs, y) * weights[:, rows]).sum(-1)
    residuals = task.output_loss.gradients(outputs, y) * weights[:, None, rows]
    return values, (residuals.flatten(0, 1) @ x).view(theta.shape)


def loss_gradients(
    task: LinearTask,
    data: Dataset,
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    rows: slice | Int[Tensor, " b"],
) -> Float[Tensor, "k p"]:
    """Σ wᵢ ∇ℓᵢ over some rows, for k models: residuals times features."""
    x = task.features(data.x_train[rows])
    outputs = (theta.reshape(-1, x.shape[1]) @ x.T).view(len(theta), -1, len(x))
    residuals = task.output_loss.gradients(outputs, data.y_train[rows])
    residuals *= weights[:, None, rows]
    return (residuals.flatten(0, 1) @ x).view(theta.shape)


def products(
    task: LinearTask,
    data: Dataset,
    theta: Float[Tensor, " p"],
    weights: Float[Tensor, " n"],
    vectors: Float[Tensor, "k p"],
    rows: slice,
) -> Float[Tensor, "k p"]:
    """Σ wᵢ ∇²ℓᵢ v over some rows."""
    x = task.features(data.x_train[rows])
    outputs = theta.view(-1, x.shape[1]) @ x.T
    moved = (vectors.reshape(-1, x.shape[1]) @ x.T).view(len(vectors), -1, len(x))
    bent = task.output_loss.products(outputs, data.y_train[rows], moved) * weights[rows]
    return (bent.flatten(0, 1) @ x).view(vectors.shape)


def hessians(
    task: LinearTask, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]
) -> Float[Tensor, "k p p"]:
    """Σ wᵢ (∂²ℓᵢ/∂z²) ⊗ xᵢ xᵢᵀ for each model, from the upper half of its symmetric blocks."""
    size = task.output_loss.size(data)
    width = task.width(data)
    total = theta.new_zeros(len(theta), size, width, size, width)
    for first in range(0, data.n, ROWS):
        rows = slice(first, min(first + ROWS, data.n))
        x = task.features(data.x_train[rows])
        for model in range(len(theta)):
            outputs = theta[model].view(size, width) @ x.T
            bends = task.output_loss.hessians(outputs, data.y_train[rows]) * weights[model, rows]
            # A hinge bends few points: the others need not be multiplied by 0.
            bent = bends.flatten(0, 1).any(0)
            add_blocks(total[model], *((bends, x) if bent.all() else (bends[:, :, bent], x[bent])))
    upper, lower = torch.triu_indices(size, size, 1)
    total[:, lower, :, upper] = total[:, upper, :, lower]
    return total.view(len(theta), size * width, size * width)


def add_blocks(total: Float[Tensor, "c d c d"], bends: Float[Tensor, "c c b"], x: Float[Tensor, "b d"]) -> None:
    """Add xᵀ diag(bends[a, e]) x to each block a ≤ e in place.

    Each block is symmetric: strips of columns are filled from their diagonal downwards, and mirrored.
    """
    size, width = total.shape[:2]
    step = max(128, -(-width // 4))
    for a in range(size):
        for e in range(a, size):
            weighted = bends[a, e, :, None] * x
            for first in range(0, width, step):
                strip = slice(first, first + step)
                part = x[:, first:].T @ weighted[:, strip]
                total[a, first:, e, strip] += part
                total[a, strip, e, first + step :] += part[step:].T
