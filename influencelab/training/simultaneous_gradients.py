"""Conjugate gradients for many systems side by side, each with a matrix of its own; and Newton's steps by them."""

from collections.abc import Callable

import torch
from jaxtyping import Bool
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP
from influencelab.models.shifts import shifts_of
from influencelab.models.task import Task

# What a step of Newton's may leave of ∇J, and products that it takes at most.
REMAINDER, PRODUCTS = 1e-4, 2000


def newton_directions(
    task: Task,
    data: Dataset,
    theta: KP,
    weights: KN,
    gradient: KP,
    *,
    remainder: float = REMAINDER,
    products: int = PRODUCTS,
) -> tuple[KP, Bool[Tensor, " k"]]:
    """−H⁻¹ ∇J of models of a convex task that are near each other, nearly, without any p × p table; which were found.

    Args:
        remainder: the share of ∇J that may be left, in the metric of the diagonal.
        products: with each Hessian, at most.
    """
    diagonal = derivatives.diagonal(task, data, theta[0], weights[0])
    units = (1 / diagonal).where(diagonal > torch.finfo(diagonal.dtype).eps * diagonal.max(), 1.0)
    found, solved = simultaneous_conjugate_gradients(
        lambda rows, vectors: derivatives.model_products(task, data, theta[rows], weights[rows], vectors),
        -gradient,
        precondition=lambda vectors: units * vectors,
        tolerance=remainder,
        max_iterations=products,
    )
    if (shifts := shifts_of(task, data)) is not None:
        # In units of the diagonal a step has a part along them, which changes nothing: null directions are left alone.
        found = found - shifts.part(found.T).T
    return found, solved


def simultaneous_conjugate_gradients(
    multiply: Callable[[Tensor, Tensor], Tensor],
    vectors: KP,
    *,
    precondition: Callable[[Tensor], Tensor],
    tolerance: float,
    max_iterations: int,
    flat: float = 0.0,
) -> tuple[KP, Bool[Tensor, " k"]]:
    """Solve A_k x_k = v_k for each row; gives the solutions, and which were found without meeting a flat direction.

    Args:
        multiply: the matrices of the systems with these numbers, each times its own row.
        precondition: M⁺ times each row, M positive semidefinite.
        tolerance: of the residual in the metric of M⁺, as a share of the right-hand side.
        flat: a system whose curvature along some direction is below this share of M's is given up as flat.
    """
    found, solved = torch.zeros_like(vectors), (vectors == 0).all(-1)
    active, residual = (~solved).nonzero().squeeze(1), vectors[~solved]
    ahead = precondition(residual)
    # M times the direction, by the same recursion as the direction itself: the scale on which a curvature is flat.
    metric, size = residual, torch.linalg.vecdot(residual, ahead)
    end = tolerance**2 * size
    for _ in range(max_iterations):
        if not len(active):
            break
        products = multiply(active, ahead)
        curvature = torch.linalg.vecdot(ahead, products)
        length = size / curvature
        found[active] += length[:, None] * ahead
        residual = residual - length[:, None] * products
        eased = precondition(residual)
        before, size = size, torch.linalg.vecdot(residual, eased)
        up = curvature > flat * torch.linalg.vecdot(ahead, metric)
        solved[active] = up & (size <= end)
        share = (size / before)[:, None]
        ahead, metric = eased + share * ahead, residual + share * metric
        on = up & (size > end)
        active, ahead, metric, residual, size, end = (each[on] for each in (active, ahead, metric, residual, size, end))
    return found, solved
