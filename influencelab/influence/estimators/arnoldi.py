"""Influence in the few directions of largest curvature, from curvature products alone."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature, Solution, check_recipe, checked
from influencelab.influence.estimator import Solver
from influencelab.models.shapes import P
from influencelab.training.fit import Fit

# A new direction shorter than this share of the product it is left of is rounding: the space found is closed.
CLOSED = 1e-10


@dataclass(frozen=True)
class Arnoldi(Solver):
    """(C + damping I)⁻¹ on the `rank` directions of largest |eigenvalue|, and 0 elsewhere (Schioppa et al. 2022).

    The directions are those that a Krylov space of `size` products from a random start shows; C is symmetric, so its
    projection there is too. What a gradient has outside them is lost, and that is where influence is large when
    damping is small: see `Estimate.residual`. With `size` and `rank` of at least p it is `exact`.

    Attributes:
        curvature: `hessian` or `gauss_newton`.
        damping: added to every eigenvalue that is kept.
        size: curvature products, and the dimension of the space they span.
        rank: directions kept of it.
        seed: of the start.
    """

    curvature: str = "hessian"
    damping: float = 0.0
    size: int = 200
    rank: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        check_recipe(self.curvature, self.damping)
        if not 1 <= self.rank <= self.size:
            raise InvalidParameter(f"rank is {self.rank} and size {self.size}; expected 1 ≤ rank ≤ size.")

    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """Find the directions, divide along them, and measure what is left with one product."""
        curvature = Curvature(fit, kind=self.curvature, damping=self.damping)
        values, vectors = self.directions(fit)
        shifted = values + self.damping
        flat = shifted.abs() <= len(fit.theta) * torch.finfo(shifted.dtype).eps * values.abs().max()
        solved = ((gradients @ vectors) / shifted).where(~flat, 0.0) @ vectors.T
        return checked(curvature, gradients, solved), self.damping

    def directions(self, fit: Fit) -> tuple[Float[Tensor, " s"], Float[Tensor, "p s"]]:
        """Eigenvalues of largest size, without damping, largest first, and their directions, one a column."""
        curvature = Curvature(fit, kind=self.curvature)
        values, vectors = ritz(lambda v: (curvature @ v[:, None])[:, 0], fit.theta, size=self.size, seed=self.seed)
        kept = values.abs().argsort(descending=True)[: self.rank]
        return values[kept], vectors[:, kept]


def ritz(
    multiply: Callable[[Tensor], Tensor], like: P, *, size: int, seed: int
) -> tuple[Float[Tensor, " s"], Float[Tensor, "p s"]]:
    """Eigenvalues and directions of a symmetric operator inside a Krylov space of at most `size` dimensions.

    Every direction is made orthogonal to all earlier ones, twice, so that none is found again by rounding. Where the
    space closes before, a new random start opens the next: equal eigenvalues are found as often as they are there.
    All vectors are of the length, dtype and device of `like`.
    """
    generator = torch.Generator().manual_seed(seed)
    basis = like.new_empty(min(size, len(like)), len(like))
    products = torch.empty_like(basis)
    new, scale = fresh(basis[:0], generator), 0.0
    for row in range(len(basis)):
        basis[row] = new / new.norm()
        products[row] = multiply(basis[row])
        scale = max(scale, float(products[row].norm()))
        new = outside(basis[: row + 1], products[row])
        if float(new.norm()) <= CLOSED * scale:
            new = fresh(basis[: row + 1], generator)
    inside = basis @ products.T
    values, turns = torch.linalg.eigh((inside + inside.T) / 2)
    return values, basis.T @ turns


def outside(basis: Float[Tensor, "s p"], vector: P) -> P:
    """The vector without its part in the span of orthonormal rows."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector


def fresh(basis: Float[Tensor, "s p"], generator: torch.Generator) -> P:
    """A random vector, drawn on the CPU so that devices agree, orthogonal to the rows."""
    drawn = torch.randn(basis.shape[1], generator=generator, dtype=torch.float64)
    return outside(basis, drawn.to(basis))
