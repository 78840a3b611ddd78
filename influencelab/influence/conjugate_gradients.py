"""Conjugate gradients for many right-hand sides of one symmetric positive definite matrix, from products alone.

They share one search space: 50 of them take over 20 times fewer products than the simultaneous iteration, and less than
a fifteenth of its time (`tests/benchmarks/bench_conjugate_gradients.py`). That one
(`training/simultaneous_gradients.py`) has a matrix for each right-hand side, where nothing can be shared but the
batched product.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.errors import Diverged, IndefiniteCurvature, NotFinite, NullSpaceMass
from influencelab.influence.solution import Solution
from influencelab.models.shapes import K, P

Multiply = Callable[[Tensor], Tensor]
# The search stops a little below the tolerance, so that rounding does not lift the true residual above it.
MARGIN = 0.9
# A direction this small beside the others means that the block is dependent to working precision.
DEPENDENT = 1e-10
# Rows from which on a block is tall, and the share of the largest pivot below which its columns are nearly dependent.
TALL, UNEVEN = 4096, 1e-5
# A new search from the true residual that leaves more than this part of it cannot help any further.
GAIN = 0.5


def block_conjugate_gradient(
    multiply: Multiply, vectors: Float[Tensor, "p k"], *, diagonal: P, tolerance: float, max_iterations: int
) -> Solution:
    """Solve A x = v for each column v, until ‖A x − v‖ ≤ tolerance ‖v‖ by a true product.

    Args:
        multiply: A times each column of a block of any width.
        diagonal: positive; the search runs in coordinates where A has about 1 on its diagonal if this is A's own.
            Ones for no preconditioning. The tolerance is meant in A's own coordinates.
        max_iterations: the largest number of products with a block.

    Raises:
        Diverged: the tolerance was not reached.
        IndefiniteCurvature: a direction of negative curvature was met.
        NullSpaceMass: a direction of no curvature was met, and a right-hand side lies along it.
        NotFinite: a right-hand side or a product was NaN or infinite.
    """
    check_finite(vectors, "A gradient")
    scale = diagonal.rsqrt()[:, None]

    def scaled(block: Tensor) -> Tensor:
        return scale * multiply(scale * block)

    size = vectors.norm(dim=0)
    unit = size.clamp_min(torch.finfo(vectors.dtype).tiny)
    values, left, steps = torch.zeros_like(vectors), vectors, 0
    residual, usual = size / unit, usual_curvature(scaled, vectors)
    while (unsolved := ~(residual <= tolerance)).any():
        enough = MARGIN * tolerance * unit[unsolved]
        gained, used = search(
            scaled, left[:, unsolved], scale=scale, usual=usual, enough=enough, limit=max_iterations - steps
        )
        values[:, unsolved] += gained
        steps += used
        left = vectors - multiply(values)
        before, residual = residual, left.norm(dim=0) / unit
        worst, stuck = float(residual.max()), not (residual[unsolved] <= GAIN * before[unsolved]).all()
        if not worst <= tolerance and (steps >= max_iterations or stuck):
            raise Diverged(
                f"Conjugate gradients stopped after {steps} products at a relative residual of {worst:.1e}, above the "
                f"tolerance {tolerance:.1e}. Raise max_iterations or the tolerance, add damping or weight decay, or "
                "use the 'exact' estimator."
            )
    return Solution(values=values, residual=residual)


def search(
    scaled: Multiply, vectors: Float[Tensor, "p k"], *, scale: Float[Tensor, "p 1"], usual: float, enough: K, limit: int
) -> tuple[Float[Tensor, "p k"], int]:
    """One run of BCGrQ (Dubrulle 2001) from zero; gives the solutions and the number of products.

    The residual block is kept as an orthonormal basis times a small matrix, so that dependent, equal and early solved
    right-hand sides do no harm. The search directions are orthonormal too, and so the curvatures along them are Ritz
    values: one that is not positive is a fact about A, whatever the right-hand sides.
    """
    start = scale * vectors
    size = start.norm(dim=0)
    # Residuals of all right-hand sides: basis @ share.
    basis, share = orthonormal(start / size)
    ahead, solved, top = basis, torch.zeros_like(start), usual
    for step in range(1, limit + 1):
        products = scaled(ahead)
        check_finite(products, "A product with the curvature")
        # Curvatures along the principal directions of the search, ascending.
        ritz, turn = torch.linalg.eigh(ahead.T @ products)
        top = max(top, float(ritz[-1]))
        kept = positive(ritz, noise=len(scale) * torch.finfo(ritz.dtype).eps * top)
        facing = ahead.T @ basis
        if not kept.all():
            flat = turn[:, ~kept]
            mass = flat.T @ facing @ (share * size) / (scale * (ahead @ flat)).norm(dim=0)[:, None]
            check_null_mass(mass, enough)
        inverse = (turn[:, kept] / ritz[kept]) @ turn[:, kept].T
        move = inverse @ facing
        solved += ahead @ (move @ share)
        basis, turned = orthonormal(basis - products @ move)
        share = turned @ share
        if bool((lengths(basis / scale, share * size) <= enough).all()):
            return scale * solved * size, step
        ahead = basis - ahead @ (inverse @ (products.T @ basis))
        ahead = ahead / ahead.norm() if ahead.shape[1] == 1 else (cholesky_qr(ahead) or torch.linalg.qr(ahead))[0]
    return scale * solved * size, limit


def usual_curvature(multiply: Multiply, vectors: Float[Tensor, "p k"]) -> float:
    """Curvature of A along a random direction: the scale on which a curvature is nothing but rounding."""
    probe = torch.randn(len(vectors), 1, generator=torch.Generator().manual_seed(0), dtype=vectors.dtype)
    return float(multiply((probe / probe.norm()).to(vectors.device)).norm())


def orthonormal(vectors: Float[Tensor, "p k"]) -> tuple[Float[Tensor, "p q"], Float[Tensor, "q k"]]:
    """The columns as an orthonormal basis and their shares of it, without directions that are only rounding."""
    if vectors.shape[1] == 1:
        size = vectors.norm()
        return vectors / size.clamp_min(torch.finfo(size.dtype).tiny), size.reshape(1, 1)
    if (parts := cholesky_qr(vectors)) is not None:
        return parts
    basis, mixed = torch.linalg.qr(vectors)
    turn, sizes, mix = torch.linalg.svd(mixed, full_matrices=False)
    kept = sizes > DEPENDENT
    return basis @ turn[:, kept], sizes[kept, None] * mix[kept]


def cholesky_qr(vectors: Float[Tensor, "p k"]) -> tuple[Float[Tensor, "p k"], Float[Tensor, "k k"]] | None:
    """Orthonormal columns and their shares by two Cholesky factors: of tall blocks, in a tenth of the time.

    The second makes orthonormal to rounding what the first leaves nearly so (Yamamoto et al. 2015). None of blocks that
    are not tall, or whose columns are nearly dependent.
    """
    if len(vectors) < TALL:
        return None
    basis, whole = vectors, torch.eye(vectors.shape[1]).to(vectors)
    for _ in range(2):
        factor, fault = torch.linalg.cholesky_ex(basis.T @ basis)
        pivots = factor.diagonal()
        if fault or not pivots.min() > UNEVEN * pivots.max():
            return None
        basis = torch.linalg.solve_triangular(factor.T, basis, upper=True, left=False)
        whole = factor.T @ whole
    return basis, whole


def check_finite(block: Float[Tensor, "p k"], what: str) -> None:
    """Refuse, by NotFinite, systems that cannot be solved."""
    if not block.isfinite().all():
        raise NotFinite(f"{what} is NaN or infinite. Look for features of very different scale.")


def lengths(vectors: Float[Tensor, "p q"], share: Float[Tensor, "q k"]) -> K:
    """‖vectors @ share‖ of each column, without forming it."""
    return (share * (vectors.T @ vectors @ share)).sum(0).clamp_min(0).sqrt()


def positive(ritz: Float[Tensor, " q"], *, noise: float) -> Bool[Tensor, " q"]:
    """Mask of the directions whose curvature is positive by more than rounding; IndefiniteCurvature if one is below."""
    if ritz[0] < -noise:
        raise IndefiniteCurvature(
            f"The curvature is negative along some direction (eigenvalue ≤ {float(ritz[0]):.1e} where the largest is "
            f"{float(ritz[-1]):.1e}), so this is no minimum and conjugate gradients cannot be used. "
            "Take curvature='gauss_newton', add damping, or train the model to a minimum."
        )
    return ritz > noise


def check_null_mass(mass: Float[Tensor, "z k"], enough: K) -> None:
    """Refuse, by NullSpaceMass, right-hand sides with more than enough length along null directions."""
    worst = float((mass.abs() / enough).max())
    if worst > 1:
        raise NullSpaceMass(
            f"The curvature has {len(mass)} or more null directions and a gradient has {worst:.0e} times as much of "
            "its length there as the tolerance allows, so no finite influence exists. Add damping or weight decay, or "
            "penalise the intercept."
        )
