"""Closed forms for outputs that are linear in θ: matrix products instead of automatic differentiation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data.sparse_rows import SparseRows
from influencelab.models.closed_forms import pairs
from influencelab.models.loss_derivatives import CHUNK, LossDerivatives, slices
from influencelab.models.shapes import KN, KP, KPP, RKP, K, N, P, Rows, Y

# Rows of x whose weighted copy fits the cache beside the block of the Hessian it adds to.
ROWS = 8192


@dataclass(frozen=True, eq=False)
class Features:
    """φ of b points, one row each; a last constant column of them is known by its number and need not be written out.

    Attributes:
        x: the columns that are written out.
        constant: of the last one, which is not; None where there is no such column.
    """

    x: Float[Tensor, "b e"]
    constant: float | None = None

    @property
    def width(self) -> int:
        """How many columns there are."""
        return self.x.shape[1] + (self.constant is not None)

    def outputs(self, rows: Float[Tensor, "r d"]) -> Float[Tensor, "r b"]:
        """Each row of coefficients times each point."""
        if self.constant is None:
            return rows @ self.x.T
        return torch.addmm(rows[:, -1:], rows[:, :-1], self.x.T, beta=self.constant)

    def pulled(self, slopes: Float[Tensor, "r b"]) -> Float[Tensor, "r d"]:
        """The sum of the points, each times its slope, for each row of slopes."""
        found = slopes @ self.x
        if self.constant is None:
            return found
        return torch.cat([found, self.constant * slopes.sum(1, keepdim=True)], dim=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearDerivatives(LossDerivatives):
    """Outputs z = Θ φ(x) (+ offset), with Θ of c rows flattened row by row.

    Attributes:
        features: φ, one row a point.
        affine: the same without a copy of the points; None where there is no such way.
        offsets: a fixed part of every output, one number a point; None where there is none.
    """

    features: Callable[[Tensor], Tensor]
    affine: Callable[[Tensor], Features] | None = None
    offsets: Callable[[Tensor], Tensor] | None = None

    def shifted(self, outputs: Tensor, rows: Rows) -> Tensor:
        """Θ φ(x) of these points with their offsets, where there are any."""
        return outputs if self.offsets is None else outputs + self.offsets(self.data.x_train[rows])

    def points(self, rows: Rows) -> Features:
        """φ of some points."""
        x = self.data.x_train[rows]
        return Features(self.features(x)) if self.affine is None else self.affine(x)

    def gradients(self, theta: KP, weights: KN, rows: Rows) -> KP:
        """Residuals times features; by automatic differentiation where each model has its own points."""
        if isinstance(rows, Tensor) and rows.dim() == 2:
            return super().gradients(theta, weights, rows)
        points, y = self.points(rows), self.data.y_train[rows]
        residuals = self.task.output_loss.gradients(self.outputs(points, theta, rows), y)
        residuals *= weights[:, None, rows]
        return points.pulled(residuals.flatten(0, 1)).view(theta.shape)

    def losses_and_gradients(self, theta: KP, weights: KN, rows: Rows) -> tuple[K, KP]:
        """Both from one pass over the features."""
        points, y = self.points(rows), self.data.y_train[rows]
        outputs = self.outputs(points, theta, rows)
        values = (self.task.output_loss.values(outputs, y) * weights[:, rows]).sum(-1)
        residuals = self.task.output_loss.gradients(outputs, y) * weights[:, None, rows]
        return values, points.pulled(residuals.flatten(0, 1)).view(theta.shape)

    def products(self, theta: P, weights: N, vectors: KP, rows: Rows, *, kind: str = "hessian") -> KP:
        """Σ wᵢ ∇²ℓᵢ v over some points; Gauss-Newton, of whichever kind, is the Hessian."""
        points, y = self.points(rows), self.data.y_train[rows]
        moved = along(points, vectors, self.size)
        curved = self.task.output_loss.products(self.outputs(points, theta[None], rows)[0], y, moved) * weights[rows]
        return points.pulled(curved.flatten(0, 1)).view(vectors.shape)

    def model_products(self, theta: KP, weights: KN, vectors: KP, rows: slice) -> KP:
        """The same of each model, at its own θ and weights, times its own vector: two products for all of them."""
        points, y, loss = self.points(rows), self.data.y_train[rows], self.task.output_loss
        outputs, moved = along(points, torch.cat([theta, vectors]), self.size).chunk(2)
        curved = loss.products(*side_by_side(self.shifted(outputs, rows), y), side_by_side(moved, y)[0][None])[0]
        curved = curved.unflatten(-1, (len(theta), -1)).movedim(-2, 0) * weights[:, None, rows]
        return points.pulled(curved.flatten(0, 1)).view(vectors.shape)

    @property
    def size(self) -> int:
        """c, the number of outputs."""
        return self.task.output_loss.size(self.data)

    def outputs(self, points: Features, theta: KP, rows: Rows) -> Float[Tensor, "k c b"]:
        """Those of k models for some points."""
        return self.shifted(along(points, theta, self.size), rows)

    def hessians(self, theta: KP, weights: KN, *, kind: str) -> KPP:
        """Σ wᵢ (∂²ℓᵢ/∂z²) ⊗ xᵢ xᵢᵀ for each model, from the upper half of its symmetric blocks."""
        size, loss = self.size, self.task.output_loss
        width = theta.shape[1] // size
        total = theta.new_zeros(len(theta), size, width, size, width)
        sparse = isinstance(self.data.x_train, SparseRows)
        together = len(theta) > 1 and not sparse and pairs.worth(len(theta) * size * (size + 1) // 2, width)
        # Of sparse features a weighted copy is small, however many rows it has.
        step = max(1, CHUNK // (len(theta) * size**2)) if together else self.data.n if sparse else ROWS
        for rows in slices(self.data.n, step):
            points, y = self.points(rows), self.data.y_train[rows]
            if together:
                outputs, labels = side_by_side(self.outputs(points, theta, rows), y)
                curved = loss.hessians(outputs, labels).unflatten(-1, (len(theta), -1)).movedim(-2, 0)
                add_all(total, curved * weights[:, None, None, rows], points)
                continue
            for model in range(len(theta)):
                outputs = self.outputs(points, theta[model : model + 1], rows)[0]
                curved = loss.hessians(outputs, y) * weights[model, rows]
                # Few points have curvature under a hinge: the others need not be multiplied by 0.
                some = curved.flatten(0, 1).any(0)
                curved, x = (curved, points.x) if some.all() else (curved[:, :, some], points.x[some])
                written = slice(x.shape[1])
                add_blocks(total[model][:, written, :, written], curved, x)
                add_edge(total[model], curved, Features(x, points.constant))
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


def along(points: Features, directions: KP, size: int) -> Float[Tensor, "k c b"]:
    """Θ φ(x) of k directions, each of `size` rows."""
    return points.outputs(directions.reshape(len(directions) * size, -1)).unflatten(0, (len(directions), size))


def side_by_side(outputs: Float[Tensor, "k c b"], y: Y) -> tuple[Float[Tensor, "c kb"], Num[Tensor, " kb *target"]]:
    """The outputs of k models as those of k times as many points, and the labels of these."""
    return outputs.transpose(0, 1).flatten(1), torch.cat([y] * len(outputs))


def add_edge(total: Float[Tensor, "*k c d c d"], curved: Float[Tensor, "*k c c b"], points: Features) -> None:
    """Add the last row of each block, and its last column, in place, where there is a constant column."""
    if points.constant is None:
        return
    edge = points.constant * points.pulled(curved.flatten(0, -2)).view(*curved.shape[:-1], -1)
    total[..., -1] += edge.transpose(-2, -1)
    total[..., -1, :, :-1] += edge[..., :-1]


def add_all(total: Float[Tensor, "k c d c d"], curved: Float[Tensor, "k c c b"], points: Features) -> None:
    """Add xᵀ diag(curved[k, a, e]) x to the blocks a ≤ e of all models at once, in place."""
    a, e = torch.triu_indices(*curved.shape[1:3], device=curved.device)
    written = slice(points.x.shape[1])
    found = pairs.sums(curved[:, a, e].flatten(0, 1), points.x).unflatten(0, (len(total), -1))
    total[:, a, written, e, written] += found.transpose(0, 1)
    add_edge(total, curved, points)


def add_blocks(total: Float[Tensor, "c d c d"], curved: Float[Tensor, "c c b"], x: Float[Tensor, "b d"]) -> None:
    """Add xᵀ diag(curved[a, e]) x to each block a ≤ e in place.

    Each block is symmetric: strips of columns are filled from their diagonal downwards, and mirrored.
    """
    size, width = total.shape[:2]
    bends = curved.any(-1).tolist()
    # Machines of their own have no curvature in common.
    blocks = [(a, e) for a in range(size) for e in range(a, size) if a == e or bends[a][e]]
    if pairs.worth(len(blocks), width) and not isinstance(x, SparseRows):
        rows, columns = torch.tensor(blocks, device=x.device).T
        for (a, e), found in zip(blocks, pairs.sums(curved[rows, columns], x), strict=True):
            total[a, :, e] += found
        return
    step = max(128, -(-width // 4))
    for a, e in blocks:
        weighted = curved[a, e, :, None] * x
        for first in range(0, width, step):
            strip = slice(first, first + step)
            part = x[:, first:].T @ weighted[:, strip]
            total[a, first:, e, strip] += part
            total[a, strip, e, first + step :] += part[step:].T
