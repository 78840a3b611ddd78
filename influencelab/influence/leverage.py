"""Leverage: how much of a point's own curvature the fit rests on."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.sparse_rows import SparseRows, row_size, written_out
from influencelab.influence.by_products import TOGETHER, WIDE
from influencelab.influence.curvature import Curvature
from influencelab.influence.drawn_leverage import Draws
from influencelab.models import derivatives
from influencelab.models.closed_forms import pairs
from influencelab.models.loss_derivatives import slices
from influencelab.training.fit import Fit

# An amplification above this means that the curvature without the point is singular to working precision.
LARGEST = 1e12

# Strips of columns in which a block of the inverse is taken, and columns that one has at least.
STRIPS, STRIP = 8, 128

# Products that leverages may cost when they are shown beside other results.
CHEAP = 10**10


def output_spread(curvature: Curvature, rows: Int[Tensor, " b"]) -> Float[Tensor, "b c c"]:
    """Gᵢ = Jᵢ (C + damping I)⁻¹ Jᵢᵀ: how far each point's outputs move per unit of gradient in them.

    wᵢ Aᵢ Gᵢ is the point's leverage block (Aᵢ = ∂²ℓᵢ/∂z²): its eigenvalues lie in 0 … 1 for a convex task, and
    removing the point makes its own outputs move (I − wᵢ Aᵢ Gᵢ)⁻¹ times as far as the slope predicts.
    """
    fit = curvature.fit
    if fit.task.linear:
        return linear_spread(curvature, fit.task.features(fit.data.x_train[rows]))
    spread = []
    for part in derivatives.chunks(len(rows), width=len(fit.theta) * fit.task.output_loss.size(fit.data)):
        jacobians = derivatives.output_jacobians(fit.task, fit.data.x_train[rows[part]], fit.theta)
        moved = curvature.inverse_products(jacobians.flatten(0, 1).T).T.view(jacobians.shape)
        spread.append(jacobians @ moved.mT)
    return torch.cat(spread)


def linear_spread(curvature: Curvature, x: Float[Tensor, "b d"]) -> Float[Tensor, "b c c"]:
    """The same for linear tasks: xᵀ (C⁻¹)[a, e] x for each pair of classes."""
    if curvature.by_products:
        return solved_spread(curvature, x)
    inverse, width = curvature.inverse(), x.shape[1]
    size = len(inverse) // width
    blocks = inverse.view(size, width, size, width)
    spread = x.new_zeros(len(x), size, size)
    if pairs.worth(size * (size + 1) // 2, width) and not isinstance(x, SparseRows):
        a, e = torch.triu_indices(size, size, device=x.device)
        spread[:, a, e] = spread[:, e, a] = pairs.forms(blocks[a, :, e], x)
        return spread
    for a in range(size):
        for strip in slices(width, width if isinstance(x, SparseRows) else max(STRIP, -(-width // STRIPS))):
            # xᵀ M x is that of M + Mᵀ above the diagonal, with nothing below it.
            above = blocks[a, : strip.start, a:, strip] + blocks[a, strip, a:, : strip.start].permute(2, 1, 0)
            row = torch.cat([above, blocks[a, strip, a:, strip]]).flatten(1)
            for rows in slices(len(x), max(1, TOGETHER // row.shape[1])):
                moved = (x[rows, : strip.stop] @ row).unflatten(1, (size - a, -1))
                spread[rows, a, a:] += torch.einsum("bed,bd->be", moved, written_out(x[rows, strip]))
        spread[:, a + 1 :, a] = spread[:, a, a + 1 :]
    return spread


def solved_spread(curvature: Curvature, x: Float[Tensor, "b d"]) -> Float[Tensor, "b c c"]:
    """The same where C⁻¹ is known by solving alone: once for each point and class.

    What a residual leaves of xᵀ C⁻¹ x is of the order of its own square, so that its root will do.
    """
    curvature = curvature.to(tolerance=curvature.tolerance**0.5)
    size, spread = len(curvature.fit.theta) // x.shape[1], []
    for rows in slices(len(x), max(1, min(WIDE, TOGETHER // len(curvature.fit.theta)) // size)):
        some = written_out(x[rows])
        spread.append(torch.einsum("bead,bd->bae", pulls(curvature, some).unflatten(2, (size, -1)), some))
    return torch.cat(spread)


def pulls(curvature: Curvature, x: Float[Tensor, "b d"]) -> Float[Tensor, "b c p"]:
    """C⁻¹ Jᵢᵀ of points of a linear task: where θ goes per unit of gradient in each output of each."""
    size = len(curvature.fit.theta) // x.shape[1]
    sides = torch.einsum("ea,bd->bead", torch.eye(size).to(x), x).flatten(2)
    return curvature.inverse_products(sides.flatten(0, 1).T).T.unflatten(0, (len(x), size))


def amplification(
    curvature: Curvature, rows: Int[Tensor, " b"], spread: Float[Tensor, "b c c"] | None = None
) -> tuple[Float[Tensor, "b c c"], Tensor, float]:
    """(I − wᵢ Aᵢ Gᵢ)⁻¹ of each point, about 1 + its leverage, infinite where the fit cannot spare it; and wᵢ Aᵢ.

    Last, by how much rounding of Gᵢ grows in the first: shifts of all outputs cancel in wᵢ Aᵢ Gᵢ, however large.
    """
    fit = curvature.fit
    outputs = fit.task.outputs(fit.theta, fit.data.x_train[rows])
    curved = fit.task.output_loss.hessians(outputs, fit.data.y_train[rows]).permute(2, 0, 1)
    weighted = fit.weights[rows, None, None] * curved
    spread = output_spread(curvature, rows) if spread is None else spread
    block, summed = weighted @ spread, weighted.abs() @ spread.abs()
    eye = torch.eye(block.shape[-1], dtype=block.dtype, device=block.device)
    inverse, fault = torch.linalg.inv_ex(eye - block)
    largest = min(LARGEST, 0.1 / torch.finfo(block.dtype).eps)
    spared = (fault == 0) & (inverse.abs().amax((1, 2)) <= largest)
    grown = float((inverse.abs().amax((1, 2)) * (1 + summed.amax((1, 2)))).max()) if len(rows) else 1.0
    return inverse.where(spared[:, None, None], torch.inf), weighted, grown


def leverage_shares(curvature: Curvature) -> Float[Tensor, "n c"]:
    """Eigenvalues of each point's leverage block wᵢ Aᵢ Gᵢ, ascending: of one output the leverage itself.

    The largest, h, says that without the point its outputs move up to 1 / (1 − h) times as far as the slope predicts.
    Their sum over points is `effective_parameters` of the Gauss-Newton curvature.
    """
    fit = curvature.fit
    outputs = fit.task.outputs(fit.theta, fit.data.x_train)
    curved = fit.task.output_loss.hessians(outputs, fit.data.y_train).permute(2, 0, 1)
    spread = output_spread(curvature, torch.arange(fit.data.n, device=fit.theta.device))
    # Aᵢ has no negative curvature, so the product's eigenvalues are real, as those of its symmetric form.
    return torch.linalg.eigvals(fit.weights[:, None, None] * curved @ spread).real.sort(dim=1).values


def cheap_leverages(fit: Fit, *, damping: float) -> Float[Tensor, " n"] | None:
    """Leverage of each training point, the trace of wᵢ Aᵢ Gᵢ: for ridge hᵢᵢ, and in all `effective_parameters`.

    None where that costs more than a moment: for networks, large data, and curvatures without a factor at hand.
    """
    curvature = Curvature(fit, damping=damping)
    costs = fit.data.n * row_size(fit.data.x_train, dense=len(fit.theta)) * len(fit.theta)
    if not (fit.task.linear and costs <= CHEAP and curvature.factorised()):
        return None
    outputs = fit.task.outputs(fit.theta, fit.data.x_train)
    curved = fit.task.output_loss.hessians(outputs, fit.data.y_train).permute(2, 0, 1)
    spread = output_spread(curvature, torch.arange(fit.data.n, device=fit.theta.device))
    return fit.weights * (curved * spread).sum((1, 2))


def most_leverages(fit: Fit, *, damping: float) -> Float[Tensor, " n"] | None:
    """About the most that each leverage of a linear task can be: as if the penalty alone held its features.

    Where these are many and rare, as words are, it is near the leverage. None of several outputs, or without a penalty.
    """
    stiffness = fit.task.penalty(fit.data, fit.theta).stiffness + damping
    loss, free = fit.task.output_loss, stiffness == 0
    if loss.size(fit.data) > 1 or int(free.sum()) > 1:
        return None
    found, constant = [], torch.zeros_like(fit.weights)
    for rows in derivatives.chunks(fit.data.n, width=row_size(fit.data.x_train)):
        x = fit.data.x_train[rows]
        curved = loss.hessians(fit.task.outputs(fit.theta, x), fit.data.y_train[rows])[0, 0] * fit.weights[rows]
        squares = fit.task.features(x).square()
        found.append(curved * (squares @ (1 / stiffness).where(~free, 0.0)))
        constant[rows] = curved * (squares @ free.to(squares))
    # A free intercept has its share of all that it sees; by Cauchy and Schwarz, roots of both parts add up.
    apart, share = torch.cat(found), constant / constant.sum().clamp_min(torch.finfo(constant.dtype).tiny)
    return ((apart / (1 + apart)).sqrt() + share.sqrt()).square()


def self_influences(
    curvature: Curvature, *, corrected: bool, convention: str, rows: Int[Tensor, " t"], drawn: Draws | None = None
) -> Float[Tensor, " t"]:
    """wᵢ gᵢᵀ Gᵢ gᵢ, the predicted rise of these points' own loss without them, gᵢ the slopes of it in their outputs.

    `corrected` for the leverage that leaves with the point, as a Newton step is; infinite where the fit cannot spare
    the point. Under `renormalise` ∇R / Σw leaves with ∇ℓᵢ, and what is not corrected grows by Σw / (Σw − wᵢ).
    """
    fit, found, weights = curvature.fit, [], curvature.fit.weights
    common = torch.zeros_like(fit.theta)
    if convention == "renormalise":
        common = derivatives.penalty_gradient(fit.task, fit.data, fit.theta) / weights.sum()
        weights = weights if corrected else weights / (1 - weights / weights.sum())
    step = curvature.inverse_products(common[:, None]).T
    size = fit.task.output_loss.size(fit.data)
    every = rows
    for part in derivatives.chunks(len(every), width=size * row_size(fit.data.x_train, dense=len(fit.theta))):
        rows = every[part]
        x, y = fit.data.x_train[rows], fit.data.y_train[rows]
        slopes = fit.task.output_loss.gradients(fit.task.outputs(fit.theta, x), y).T[..., None]
        shared = fit.task.output_slopes(fit.theta, x, step)[0].T[..., None]
        spread = output_spread(curvature, rows) if drawn is None else drawn.spread(rows)
        moved, beside = spread @ slopes, (slopes * shared).sum((1, 2))
        if corrected:
            found_by = amplification(curvature, rows, spread) if drawn is None else drawn.amplification(rows)
            amplified, curved, _ = found_by
            slopes = amplified @ (slopes + curved @ shared)
        found.append(weights[rows] * ((moved * slopes).sum((1, 2)) + beside))
    return torch.cat(found)


def effective_parameters(curvature: Curvature) -> float:
    """The sum of all leverages, tr(C_loss (C + damping I)⁺): how many parameters the data, not the penalty, decide.

    Divided by n it is the average leverage; plain influence falls short of the truth by about that share.
    """
    fit = curvature.fit
    penalty = fit.task.penalty(fit.data, fit.theta).stiffness + curvature.damping
    inverse = curvature.inverse()
    whole = len(inverse)
    if (lifted := curvature.lifted()) is not None:
        whole -= lifted[1].count
    elif curvature.cholesky() is None:
        whole -= int(curvature.decomposition()[0].null(0.0).sum())
    return whole - float((penalty * inverse.diagonal()).sum())
