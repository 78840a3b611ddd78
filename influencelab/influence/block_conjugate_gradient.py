"""Solve many symmetric positive definite systems at once from products alone: the block conjugate gradient method."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.errors import Diverged, IndefiniteCurvature, NotFinite, NullSpaceMass
from influencelab.influence.curvature import Solution
from influencelab.recipe import Recipe

Multiply = Callable[[Tensor], Tensor]
# The search stops a little below the tolerance, so that rounding does not lift the true residual above it.
MARGIN = 0.9
# A direction this small beside the others says that the block is dependent to working precision.
DEPENDENT = 1e-10
# A new search from the true residual that leaves more than this part of it cannot help any further.
GAIN = 0.5


@dataclass(frozen=True, eq=False)
class Block(Recipe):
    """Residuals R = basis @ share: what is not yet solved of every right-hand side.

    Attributes:
        basis: orthonormal directions, as many as the right-hand sides truly have.
        share: what each right-hand side has of each direction.
    """

    basis: Float[Tensor, "p q"]
    share: Float[Tensor, "q k"]


def block_conjugate_gradient(
    multiply: Multiply,
    vectors: Float[Tensor, "p k"],
    *,
    diagonal: Float[Tensor, " p"],
    tolerance: float,
    max_iterations: int,
) -> Solution:
    """Solve A x = v for each column v, until ‖A x − v‖ ≤ tolerance ‖v‖ by a true product.

    Args:
        multiply: A times each column of a block of any width.
        diagonal: positive; the search runs in coordinates where A has about 1 on its diagonal if this is A's own.
            Ones for no preconditioning. The tolerance is meant in A's own coordinates.
        max_iterations: the largest number of products with a block.

    Raises:
        Diverged: the tolerance was not reached.
        IndefiniteCurvature: a direction along which A bends down was met.
        NullSpaceMass: a direction along which A does not bend was met, and a right-hand side lies along it.
        NotFinite: a right-hand side or a product was NaN or infinite.
    """
    check_finite(vectors, "A gradient")
    scale = diagonal.rsqrt()[:, None]

    def scaled(block: Tensor) -> Tensor:
        return scale * multiply(scale * block)

    size = vectors.norm(dim=0)
    unit = size.clamp_min(torch.finfo(vectors.dtype).tiny)
    values, left, steps = torch.zeros_like(vectors), vectors, 0
    residual, usual = size / unit, usual_bend(scaled, vectors)
    while (unsolved := ~(residual <= tolerance)).any():
        goal = MARGIN * tolerance * unit[unsolved]
        gained, used = search(
            scaled, left[:, unsolved], scale=scale, usual=usual, goal=goal, limit=max_iterations - steps
        )
        values[:, unsolved] += gained
        steps += used
        left = vectors - multiply(values)
        before, residual = residual, left.norm(dim=0) / unit
        check_progress(before, residual, unsolved, tolerance=tolerance, steps=steps, limit=max_iterations)
    return Solution(values=values, residual=residual)


def search(
    scaled: Multiply,
    vectors: Float[Tensor, "p k"],
    *,
    scale: Float[Tensor, "p 1"],
    usual: float,
    goal: Float[Tensor, " k"],
    limit: int,
) -> tuple[Float[Tensor, "p k"], int]:
    """One run of BCGrQ (Dubrulle 2001) from zero; gives the solutions and the number of products.

    The residual block is kept as an orthonormal basis times a small matrix, so that dependent, equal and early solved
    right-hand sides do no harm. The search directions are orthonormal too, and so the bends along them are Ritz values:
    a bend that is not positive is a fact about A, whatever the right-hand sides.
    """
    start = scale * vectors
    size = start.norm(dim=0)
    block = orthonormal(start / size)
    ahead, solved, top = block.basis, torch.zeros_like(start), usual
    for step in range(1, limit + 1):
        pushed = scaled(ahead)
        check_finite(pushed, "A product with the curvature")
        bends, turn = eigen(ahead.T @ pushed)
        top = max(top, float(bends[-1]))
        kept = positive(bends, noise=len(scale) * torch.finfo(bends.dtype).eps * top)
        facing = ahead.T @ block.basis
        if not kept.all():
            flat = turn[:, ~kept]
            mass = flat.T @ facing @ (block.share * size) / (scale * (ahead @ flat)).norm(dim=0)[:, None]
            check_null_mass(mass, goal)
        inverse = (turn[:, kept] / bends[kept]) @ turn[:, kept].T
        move = inverse @ facing
        solved += ahead @ (move @ block.share)
        following = orthonormal(block.basis - pushed @ move)
        block = Block(basis=following.basis, share=following.share @ block.share)
        if bool((lengths(block.basis / scale, block.share * size) <= goal).all()):
            return scale * solved * size, step
        ahead = unit_columns(block.basis - ahead @ (inverse @ (pushed.T @ block.basis)))
    return scale * solved * size, limit


def usual_bend(multiply: Multiply, vectors: Float[Tensor, "p k"]) -> float:
    """How much A bends along a random direction: what a bend of nothing but rounding is measured against."""
    probe = torch.randn(len(vectors), 1, generator=torch.Generator().manual_seed(0), dtype=vectors.dtype)
    return float(multiply((probe / probe.norm()).to(vectors.device)).norm())


def orthonormal(vectors: Float[Tensor, "p k"]) -> Block:
    """The columns as an orthonormal basis and their shares of it, without directions that are only rounding."""
    if vectors.shape[1] == 1:
        size = vectors.norm()
        return Block(basis=vectors / size.clamp_min(torch.finfo(size.dtype).tiny), share=size.reshape(1, 1))
    basis, mixed = torch.linalg.qr(vectors)
    turn, sizes, mix = torch.linalg.svd(mixed, full_matrices=False)
    kept = sizes > DEPENDENT
    return Block(basis=basis @ turn[:, kept], share=sizes[kept, None] * mix[kept])


def unit_columns(vectors: Float[Tensor, "p q"]) -> Float[Tensor, "p q"]:
    """An orthonormal basis of independent columns."""
    return vectors / vectors.norm() if vectors.shape[1] == 1 else torch.linalg.qr(vectors)[0]


def eigen(bend: Float[Tensor, "q q"]) -> tuple[Float[Tensor, " q"], Float[Tensor, "q q"]]:
    """Bends along the principal directions of a search, ascending."""
    return (bend[0], torch.ones_like(bend)) if len(bend) == 1 else torch.linalg.eigh(bend)


def check_finite(block: Float[Tensor, "p k"], what: str) -> None:
    """Refuse what cannot be solved.

    Raises:
        NotFinite: some number is NaN or infinite.
    """
    if not block.isfinite().all():
        raise NotFinite(f"{what} is NaN or infinite. Look for features of very different scale.")


def lengths(vectors: Float[Tensor, "p q"], share: Float[Tensor, "q k"]) -> Float[Tensor, " k"]:
    """‖vectors @ share‖ of each column, without forming it."""
    return (share * (vectors.T @ vectors @ share)).sum(0).clamp_min(0).sqrt()


def positive(bends: Float[Tensor, " q"], *, noise: float) -> Bool[Tensor, " q"]:
    """Which directions bend up by more than rounding.

    Raises:
        IndefiniteCurvature: one bends down by more than rounding.
    """
    if bends[0] < -noise:
        raise IndefiniteCurvature(
            f"The curvature bends down along some direction (eigenvalue ≤ {float(bends[0]):.1e} where the largest is "
            f"{float(bends[-1]):.1e}), so this is no minimum and conjugate gradients cannot be used. "
            "Take curvature='gauss_newton', add damping, or train the model to a minimum."
        )
    return bends > noise


def check_null_mass(mass: Float[Tensor, "z k"], goal: Float[Tensor, " k"]) -> None:
    """Refuse right-hand sides that no product can ever match, because they lie where nothing bends.

    Raises:
        NullSpaceMass: some length along a null direction is above what may be left unsolved.
    """
    worst = float((mass.abs() / goal).max())
    if worst > 1:
        raise NullSpaceMass(
            f"The curvature has {len(mass)} or more null directions and a gradient has {worst:.0e} times as much of "
            "its length there as the tolerance allows, so no finite influence exists. Add damping or weight decay, or "
            "penalise the intercept."
        )


def check_progress(
    before: Float[Tensor, " k"],
    residual: Float[Tensor, " k"],
    unsolved: Bool[Tensor, " k"],
    *,
    tolerance: float,
    steps: int,
    limit: int,
) -> None:
    """Refuse to go on where products are used up, or where a new search no longer helps.

    Raises:
        Diverged: some residual is above the tolerance and will stay there.
    """
    worst = float(residual.max())
    stuck = not (residual[unsolved] <= GAIN * before[unsolved]).all()
    if worst <= tolerance or (steps < limit and not stuck):
        return
    raise Diverged(
        f"Conjugate gradients stopped after {steps} products at a relative residual of {worst:.1e}, above the "
        f"tolerance {tolerance:.1e}. Raise max_iterations or the tolerance, add damping or weight decay, or use the "
        "'exact' estimator."
    )
