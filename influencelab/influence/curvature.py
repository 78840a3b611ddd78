"""The curvature of a fit as an operator: products, dense matrix, spectrum, solves, one meaning of damping."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter, NullSpaceMass
from influencelab.models import derivatives
from influencelab.models.shapes import K, P
from influencelab.training.fit import Fit, door

__all__ = ["Curvature"]

# A Cholesky pivot this small beside the largest and beside its own diagonal means that the matrix is singular to
# working precision; in float32, one of 100 times its rounding.
PIVOT = 1e-13
# Dampings that get a factorisation of their own; from the next one on, one spectrum serves all.
DAMPINGS = 2
# The largest share of a right-hand side that may lie in the null space before a solve is refused; in float32 its own
# rounding, in these units, is larger.
NULL_MASS, ROUNDING = 1e-7, 1e3


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues in ascending order, in nats per squared unit of parameter, without damping, and a column for each."""

    values: P
    vectors: Float[Tensor, "p p"]

    def null(self, damping: float) -> Tensor:
        """Mask of the directions that have no curvature to working precision after damping."""
        shifted = (self.values + damping).abs()
        return shifted <= len(shifted) * torch.finfo(shifted.dtype).eps * shifted.max()


@dataclass(frozen=True, eq=False)
class Solution:
    """Solutions of linear systems in the curvature.

    Attributes:
        values: one solution a column.
        residual: ‖(C + damping I) x − v‖ / ‖v‖ of each column, measured with products, not with the factor.
    """

    values: Float[Tensor, "p k"]
    residual: K


@dataclass
class Factors:
    """Factors computed once for every damping: shared by all curvatures of one fit and kind."""

    dense: Tensor | None = None
    spectrum: Spectrum | None = None
    cholesky: dict[float, Tensor | None] = field(default_factory=dict)
    inverse: dict[float, Tensor] = field(default_factory=dict)


FACTORS_OF: WeakKeyDictionary[Fit, dict[str, Factors]] = WeakKeyDictionary()


class Curvature:
    """C + damping · I of a fit: ∂²J/∂θ² (`hessian`) or its Gauss-Newton part, weight decay included.

    An operator that remembers its factors, and so the one noun that is neither recipe nor result. Two curvatures of
    one fit share what they have computed, whatever their damping.

    Args:
        fit: where the curvature is taken.
        kind: `hessian` or `gauss_newton`; the same for linear tasks.
        damping: added to every eigenvalue, in nats per squared unit of parameter; never rescaled.

    Raises:
        InvalidParameter: an unknown kind, or damping < 0 or not finite.
    """

    def __init__(self, fit: Fit, *, kind: str = "hessian", damping: float = 0.0) -> None:
        check_recipe(kind, damping)
        self.fit, self.kind, self.damping = fit, kind, damping
        shared = "hessian" if fit.task.linear else kind
        self._factors = FACTORS_OF.setdefault(fit, {}).setdefault(shared, Factors())

    @door
    def __matmul__(self, vectors: Float[Tensor, "p k"]) -> Float[Tensor, "p k"]:
        """(C + damping I) times each column."""
        fit = self.fit
        moved = derivatives.products(fit.task, fit.data, fit.theta, fit.weights, vectors.T, kind=self.kind)
        return moved.T + self.damping * vectors

    @door
    def dense(self) -> Float[Tensor, "p p"]:
        """C itself, without damping; computed once. Do not change it in place."""
        if self._factors.dense is None:
            fit = self.fit
            self._factors.dense = derivatives.hessians(
                fit.task, fit.data, fit.theta[None], fit.weights[None], kind=self.kind
            )[0]
        return self._factors.dense

    @door
    def spectrum(self) -> Spectrum:
        """All eigenvalues and directions of C, without damping; computed once, it serves every damping."""
        if self._factors.spectrum is None:
            self._factors.spectrum = Spectrum(*torch.linalg.eigh(self.dense()))
        return self._factors.spectrum

    @door
    def diagonal(self) -> P:
        """The diagonal of the Gauss-Newton curvature plus damping: positive, and cheap for linear tasks."""
        fit = self.fit
        total = fit.task.penalty(fit.data, fit.theta).stiffness + self.damping
        size = fit.task.output_loss.size(fit.data)
        for rows in derivatives.chunks(fit.data.n, width=len(fit.theta)):
            x = fit.data.x_train[rows]
            curved = fit.task.output_loss.hessians(fit.task.outputs(fit.theta, x), fit.data.y_train[rows])
            curved = curved * fit.weights[rows]
            if fit.task.linear:
                total += (curved.diagonal(dim1=0, dim2=1).T @ fit.task.features(x).square()).flatten()
                continue
            jacobians = derivatives.output_jacobians(fit.task, x, fit.theta)
            for a in range(size):
                for e in range(size):
                    total += torch.einsum("bp,b,bp->p", jacobians[:, a], curved[a, e], jacobians[:, e])
        return total

    @door
    def cholesky(self) -> Float[Tensor, "p p"] | None:
        """The lower factor of C + damping I; None where that is not positive definite to working precision.

        None too where so many dampings were factorised already that the spectrum, which serves them all, is cheaper.
        """
        known = self._factors.cholesky
        if self.damping not in known and len(known) >= DAMPINGS:
            return None
        if self.damping not in known:
            matrix = self.dense().clone()
            matrix.diagonal().add_(self.damping)
            factor, failed = torch.linalg.cholesky_ex(matrix)
            pivots = factor.diagonal().square()
            # A feature in small units has a small pivot, which is rounding only if it is small beside its own diagonal.
            largest = torch.minimum(pivots.max(), matrix.diagonal())
            least = max(PIVOT, 100 * torch.finfo(pivots.dtype).eps) * largest
            known[self.damping] = None if failed or bool((pivots <= least).any()) else factor
        return known[self.damping]

    @door
    def inverse_products(self, vectors: Float[Tensor, "p k"]) -> Float[Tensor, "p k"]:
        """(C + damping I)⁺ times each column: the inverse, or the pseudo-inverse where there are null directions."""
        known = self._factors.spectrum
        # What looks null in a spectrum may be a feature in small units, which a factor tells apart.
        if known is None or known.null(self.damping).any():
            factor = self.cholesky()
            if factor is not None:
                return torch.cholesky_solve(vectors, factor)
        spectrum = self.spectrum()
        inverse = torch.where(spectrum.null(self.damping), 0.0, 1 / (spectrum.values + self.damping))
        return spectrum.vectors @ (inverse[:, None] * (spectrum.vectors.T @ vectors))

    @door
    def inverse(self) -> Float[Tensor, "p p"]:
        """(C + damping I)⁺ as a dense matrix; computed once a damping. Do not change it in place."""
        known = self._factors.inverse
        if self.damping not in known:
            factor = self.cholesky() if self._factors.spectrum is None else None
            eye = torch.eye(len(self.fit.theta), dtype=self.fit.theta.dtype, device=self.fit.theta.device)
            known[self.damping] = torch.cholesky_inverse(factor) if factor is not None else self.inverse_products(eye)
        return known[self.damping]

    @door
    def solve(self, vectors: Float[Tensor, "p k"]) -> Solution:
        """Solve (C + damping I) x = v for each column v.

        Raises:
            NullSpaceMass: C + damping I has null directions and some v does not vanish there.
        """
        solution = checked(self, vectors.T, self.inverse_products(vectors).T)
        spectrum = self._factors.spectrum
        if spectrum is None or not (null := spectrum.null(self.damping)).any() or self.cholesky() is not None:
            return solution
        mass = (spectrum.vectors[:, null].T @ (vectors / lengths(vectors.T))).norm(dim=0)
        worst = float(mass.max())
        if worst > max(NULL_MASS, ROUNDING * torch.finfo(vectors.dtype).eps):
            raise NullSpaceMass(
                f"The curvature has {int(null.sum())} null directions and a gradient has {worst:.1e} of its length "
                f"there, so no finite influence exists. Add damping or weight decay, or penalise the intercept."
            )
        return solution


def check_recipe(kind: str, damping: float) -> None:
    """Refuse, by InvalidParameter, an unknown kind and a damping that is negative, NaN or infinite."""
    derivatives.check_kind(kind)
    if not 0 <= damping < float("inf"):
        raise InvalidParameter(f"damping is {damping}, expected a finite number ≥ 0.")


def checked(curvature: Curvature, gradients: Float[Tensor, "m p"], solved: Float[Tensor, "m p"]) -> Solution:
    """A solution a row, with the residual that one true product leaves of each gradient."""
    residual = ((curvature @ solved.T).T - gradients).norm(dim=1)
    return Solution(values=solved.T, residual=residual / lengths(gradients))


def lengths(gradients: Float[Tensor, "m p"]) -> Float[Tensor, " m"]:
    """‖g‖ of each gradient, never 0."""
    return gradients.norm(dim=-1).clamp_min(torch.finfo(gradients.dtype).tiny)
