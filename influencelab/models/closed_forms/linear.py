"""Closed forms for outputs that are linear in θ: matrix products instead of automatic differentiation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.sparse_rows import SparseRows
from influencelab.models.loss_derivatives import LossDerivatives, slices
from influencelab.models.shapes import KN, KP, KPP, RKP, K, N, P, Rows

# Rows of x whose weighted copy fits the cache beside the block of the Hessian it adds to.
ROWS = 8192


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearDerivatives(LossDerivatives):
    """Outputs z = Θ φ(x) (+ offset), with Θ of c rows flattened row by row.

    Attributes:
        features: φ, one row a point.
        offsets: a fixed part of every output, one number a point; None where there is none.
    """

    features: Callable[[Tensor], Tensor]
    offsets: Callable[[Tensor], Tensor] | None = None

    def shifted(self, outputs: Tensor, rows: Rows) -> Tensor:
        """Θ φ(x) of these points with their offsets, where there are any."""
        return outputs if self.offsets is None else outputs + self.offsets(self.data.x_train[rows])

    def gradients(self, theta: KP, weights: KN, rows: Rows) -> KP:
        """Residuals times features; by automatic differentiation where each model has its own points."""
        if isinstance(rows, Tensor) and rows.dim() == 2:
            return super().gradients(theta, weights, rows)
        x = self.features(self.data.x_train[rows])
        outputs = self.shifted((theta.reshape(-1, x.shape[1]) @ x.T).view(len(theta), -1, len(x)), rows)
        residuals = self.task.output_loss.gradients(outputs, self.data.y_train[rows])
        residuals *= weights[:, None, rows]
        return (residuals.flatten(0, 1) @ x).view(theta.shape)

    def losses_and_gradients(self, theta: KP, weights: KN, rows: Rows) -> tuple[K, KP]:
        """Both from one pass over the features."""
        x, y = self.features(self.data.x_train[rows]), self.data.y_train[rows]
        outputs = self.shifted((theta.reshape(-1, x.shape[1]) @ x.T).view(len(theta), -1, len(x)), rows)
        values = (self.task.output_loss.values(outputs, y) * weights[:, rows]).sum(-1)
        residuals = self.task.output_loss.gradients(outputs, y) * weights[:, None, rows]
        return values, (residuals.flatten(0, 1) @ x).view(theta.shape)

    def products(self, theta: P, weights: N, vectors: KP, rows: Rows, *, kind: str = "hessian") -> KP:
        """Σ wᵢ ∇²ℓᵢ v over some points; Gauss-Newton, of whichever kind, is the Hessian."""
        x = self.features(self.data.x_train[rows])
        outputs = self.shifted(theta.view(-1, x.shape[1]) @ x.T, rows)
        moved = (vectors.reshape(-1, x.shape[1]) @ x.T).view(len(vectors), -1, len(x))
        curved = self.task.output_loss.products(outputs, self.data.y_train[rows], moved) * weights[rows]
        return (curved.flatten(0, 1) @ x).view(vectors.shape)

    def model_products(self, theta: KP, weights: KN, vectors: KP, rows: slice) -> KP:
        """The same of each model, at its own θ and weights, times its own vector: two products for all of them."""
        x, y, loss = self.features(self.data.x_train[rows]), self.data.y_train[rows], self.task.output_loss
        both = torch.cat([theta, vectors]).view(-1, x.shape[1]) @ x.T
        outputs, moved = both.view(2, len(theta), -1, len(x))
        each = zip(self.shifted(outputs, rows), moved, strict=True)
        curved = torch.stack([loss.products(at, y, change[None])[0] for at, change in each]) * weights[:, None, rows]
        return (curved.flatten(0, 1) @ x).view(vectors.shape)

    def hessians(self, theta: KP, weights: KN, *, kind: str) -> KPP:
        """Σ wᵢ (∂²ℓᵢ/∂z²) ⊗ xᵢ xᵢᵀ for each model, from the upper half of its symmetric blocks."""
        size, loss = self.task.output_loss.size(self.data), self.task.output_loss
        width = theta.shape[1] // size
        total = theta.new_zeros(len(theta), size, width, size, width)
        # Of sparse features a weighted copy is small, however many rows it has.
        for rows in slices(self.data.n, self.data.n if isinstance(self.data.x_train, SparseRows) else ROWS):
            x = self.features(self.data.x_train[rows])
            for model in range(len(theta)):
                outputs = self.shifted(theta[model].view(size, width) @ x.T, rows)
                curved = loss.hessians(outputs, self.data.y_train[rows]) * weights[model, rows]
                # Few points have curvature under a hinge: the others need not be multiplied by 0.
                some = curved.flatten(0, 1).any(0)
                add_blocks(total[model], *((curved, x) if some.all() else (curved[:, :, some], x[some])))
        for a in range(size - 1):
            # Each block is symmetric; and no copy of half of all of them is made on the way.
            total[:, a + 1 :, :, a] = total[:, a, :, a + 1 :].transpose(1, 2)
        return total.view(len(theta), size * width, size * width)

    def sample_products(self, theta: P, weights: N, vectors: RKP, *, samples: Int[Tensor, "r b"], kind: str) -> RKP:
        """Two batched matrix products over the samples; sample by sample where features are sparse."""
        if isinstance(self.data.x_train, SparseRows):
            scale = self.data.n / samples.shape[1]
            each = zip(vectors, samples, strict=True)
            return scale * torch.stack([self.products(theta, weights, some, rows) for some, rows in each])
        rows, (count, k) = samples.flatten(), vectors.shape[:2]
        features = self.features(self.data.x_train[rows])
        outputs = self.shifted(theta.view(-1, features.shape[1]) @ features.T, rows)
        size = len(outputs)
        grouped = features.view(count, -1, features.shape[1])
        moved = vectors.reshape(count, k * size, -1) @ grouped.mT
        # Output losses keep points on the last axis: the samples are laid side by side there, and apart again after.
        moved = moved.view(count, k, size, -1).permute(1, 2, 0, 3).reshape(k, size, -1)
        weight = weights[rows] * (self.data.n / samples.shape[1])
        curved = self.task.output_loss.products(outputs, self.data.y_train[rows], moved) * weight
        curved = curved.view(k, size, count, -1).permute(2, 0, 1, 3).reshape(count, k * size, -1)
        return (curved @ grouped).view(vectors.shape)


def add_blocks(total: Float[Tensor, "c d c d"], curved: Float[Tensor, "c c b"], x: Float[Tensor, "b d"]) -> None:
    """Add xᵀ diag(curved[a, e]) x to each block a ≤ e in place.

    Each block is symmetric: strips of columns are filled from their diagonal downwards, and mirrored.
    """
    size, width = total.shape[:2]
    step = max(128, -(-width // 4))
    for a in range(size):
        for e in range(a, size):
            if a != e and not curved[a, e].any():
                continue  # Machines of their own have no curvature in common.
            weighted = curved[a, e, :, None] * x
            for first in range(0, width, step):
                strip = slice(first, first + step)
                part = x[:, first:].T @ weighted[:, strip]
                total[a, first:, e, strip] += part
                total[a, strip, e, first + step :] += part[step:].T
