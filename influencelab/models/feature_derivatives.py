"""Mixed derivatives ∇ₓ∇_θ ℓᵢ: how a point's gradient changes when its features move."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import jvp

from influencelab.data.dataset import Dataset
from influencelab.models.shapes import KP, P
from influencelab.models.task import Task


def point_slope_changes(
    task: Task, data: Dataset, theta: P, moves: Float[Tensor, " n *shape"], directions: KP
) -> Float[Tensor, "n k"]:
    """(∇ₓ∇_θ ℓᵢ · δᵢ)ᵀ dₖ: how fast ∇ℓᵢᵀ dₖ changes when the features of training point i move along δᵢ."""
    parts = []
    for rows in task.derivatives(data).chunks(len(directions)):

        def slopes(x: Tensor, rows: slice = rows) -> Tensor:
            gradients = task.output_loss.gradients(task.outputs(theta, x), data.y_train[rows])
            return (task.output_slopes(theta, x, directions) * gradients).sum(-2).T

        parts.append(jvp(slopes, (data.x_train[rows],), (moves[rows],))[1])
    return torch.cat(parts)
