"""The curvature of a fit as an operator: products, dense matrix, spectrum, solves, one meaning of damping."""

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.sparse_rows import row_size
from influencelab.errors import InvalidParameter
from influencelab.influence import by_products as known_by
from influencelab.influence import confirmed
from influencelab.influence.factors import FACTORS_OF as FACTORS_OF
from influencelab.influence.factors import Factors, Spectrum, positive_factor
from influencelab.influence.rounding import check_mass, check_system, flat
from influencelab.influence.solution import Solution as Solution
from influencelab.models import derivatives
from influencelab.models.shapes import P
from influencelab.models.shifts import Shifts, shifts_of
from influencelab.training import cholesky
from influencelab.training.fit import Fit, door
from influencelab.training.trainers.newton import FACTORISED, UNEVEN, by_products

__all__ = ["Curvature"]

# Dampings that get a factorisation of their own; from the next one on, one spectrum serves all.
DAMPINGS = 2
# Random vectors, and steps of power iteration, by which the condition is found.
PROBES, POWERS = 4, 4
# Columns up to which products are found one by one, whatever is at hand.
FEW = 4


class Curvature:
    """C + damping · I of a fit: ∂²J/∂θ² (`hessian`) or its Gauss-Newton part, weight decay included.

    An operator that remembers its factors, and so the one noun that is neither recipe nor result. Two curvatures of
    one fit share what they have computed, whatever their damping. Of convex linear tasks of more than 10,000 parameters
    nothing is factorised: conjugate gradients solve each system to the tolerance.

    Args:
        fit: where the curvature is taken.
        kind: `hessian` or `gauss_newton`; the same for linear tasks.
        damping: added to every eigenvalue, in nats per squared unit of parameter; never rescaled.
        tolerance: of the residual of each system that conjugate gradients solve, as a share of its right-hand side.

    Raises:
        InvalidParameter: an unknown kind, or damping < 0 or not finite.
    """

    def __init__(self, fit: Fit, *, kind: str = "hessian", damping: float = 0.0, tolerance: float = 1e-10) -> None:
        check_recipe(kind, damping)
        self.fit, self.kind, self.damping, self.tolerance = fit, kind, damping, tolerance
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
        """C itself, without damping; computed once. Do not change it in place.

        Raises:
            InvalidParameter: it is known by products alone.
        """
        if self._factors.dense is None:
            self._factors.dense = self.computed()
        return self._factors.dense

    def computed(self) -> Float[Tensor, "p p"]:
        """The same, computed anew."""
        fit, count = self.fit, len(self.fit.theta)
        if self.by_products:
            raise InvalidParameter(
                f"A curvature of {count:,} parameters is not written out, as of more than {FACTORISED:,} of a linear "
                "task. Take 'conjugate_gradient', or fewer features."
            )
        return derivatives.hessians(fit.task, fit.data, fit.theta[None], fit.weights[None], kind=self.kind)[0]

    def writable(self) -> Float[Tensor, "p p"]:
        """The same, to be written over: a copy, or where it is large and not remembered, the only one there is."""
        if self._factors.dense is None and len(self.fit.theta) ** 2 >= cholesky.LARGE:
            return self.computed()
        return self.dense().clone()

    @door
    def spectrum(self) -> Spectrum:
        """All eigenvalues and directions of C, without damping; computed once, it serves every damping."""
        if self._factors.spectrum is None:
            self._factors.spectrum = Spectrum(*torch.linalg.eigh(self.dense()))
        return self._factors.spectrum

    @door
    def diagonal(self) -> P:
        """The diagonal of the Gauss-Newton curvature plus damping: positive, and cheap where there are layers."""
        fit = self.fit
        if self._factors.diagonal is None:
            self._factors.diagonal = derivatives.diagonal(fit.task, fit.data, fit.theta, fit.weights)
        return self._factors.diagonal + self.damping

    def applied(self, vectors: Float[Tensor, "p k"]) -> Float[Tensor, "p k"]:
        """The same as `self @ vectors`: of many columns by the dense matrix, where that is at hand and less work."""
        dense, x, (p, k) = self._factors.dense, self.fit.data.x_train, vectors.shape
        if dense is None or k <= FEW or p * p > 2 * len(x) * row_size(x, dense=p):
            return self @ vectors
        return confirmed.products(self.__matmul__, dense, vectors, damping=self.damping)

    def to(self, *, tolerance: float) -> "Curvature":
        """The same, solved to another tolerance where conjugate gradients solve."""
        return Curvature(self.fit, kind=self.kind, damping=self.damping, tolerance=tolerance)

    @property
    def by_products(self) -> bool:
        """Whether there is no factor, and conjugate gradients solve."""
        return by_products(self.fit.task, self.fit.theta)

    @door
    def cholesky(self) -> Float[Tensor, "p p"] | None:
        """The lower factor of C + damping I; None where that is not positive definite to working precision.

        None too where so many dampings were factorised already that the spectrum, which serves them all, is cheaper.
        """
        known = self._factors.cholesky
        if self.damping not in known and len(known) >= DAMPINGS:
            return None
        if self.damping not in known and not self.damping and shifts_of(self.fit.task, self.fit.data) is not None:
            known[self.damping] = None
        if self.damping not in known:
            matrix = self.writable()
            matrix.diagonal().add_(self.damping)
            known[self.damping] = positive_factor(matrix)
        return known[self.damping]

    def lifted(self) -> tuple[Float[Tensor, "p p"], Shifts, float] | None:
        """The lower factor of C with its shifts lifted to its mean curvature, the shifts, and that curvature.

        None where there are none, or still a null direction.
        """
        if self.damping or (shifts := shifts_of(self.fit.task, self.fit.data)) is None:
            return None
        if self._factors.lifted is None:
            matrix = self.writable()
            size = float(matrix.diagonal().mean())
            shifts.add(matrix, size)
            self._factors.lifted = positive_factor(matrix), shifts, size
        factor, shifts, size = self._factors.lifted
        return None if factor is None else (factor, shifts, size)

    def decomposition(self) -> tuple[Spectrum, P]:
        """The spectrum of D (C + damping I) D, and the diagonal of D.

        D is I unless J is convex, C looks singular and its diagonal is uneven: what looks null may be a feature in
        small units, and so each parameter is then taken in the unit in which its own curvature is 1.
        """
        known, damping = self._factors.scaled, self.damping
        size = (self.dense().diagonal() + damping).clamp_min(0)
        even = not self.fit.task.convex or bool(size.min() > UNEVEN * size.max())
        if even or (self._factors.cholesky.get(damping, size) is not None and not self.spectrum().null(damping).any()):
            spectrum = self.spectrum()
            return Spectrum(spectrum.values + damping, spectrum.vectors), torch.ones_like(spectrum.values)
        if damping not in known:
            units = (1 / size.sqrt()).where(size > 0, 1.0)
            matrix = self.dense().clone()
            matrix.diagonal().add_(damping)
            known[damping] = Spectrum(*torch.linalg.eigh(matrix.mul_(units[:, None]).mul_(units))), units
        return known[damping]

    def factorised(self) -> bool:
        """Whether a factor or a spectrum is at hand, so that a solve is cheap."""
        known = self._factors
        return known.spectrum is not None or self.damping in known.cholesky

    @door
    def inverse_products(self, vectors: Float[Tensor, "p k"]) -> Float[Tensor, "p k"]:
        """(C + damping I)⁺ times each column: the inverse, or one that leaves null directions alone."""
        if self.by_products:
            if not self.damping and (shifts := shifts_of(self.fit.task, self.fit.data)) is not None:
                vectors = vectors - shifts.part(vectors)
            return known_by.solved(self.__matmul__, vectors, diagonal=self.diagonal(), tolerance=self.tolerance).values
        known = self._factors.spectrum
        if known is None or known.null(self.damping).any():
            factor, lifted = self.cholesky(), self.lifted()
            if factor is not None:
                return cholesky.solve(factor, vectors)
            if lifted is not None:
                factor, shifts, _ = lifted
                solved = cholesky.solve(factor, vectors - shifts.part(vectors))
                return solved - shifts.part(solved)
        spectrum, units = self.decomposition()
        turned = spectrum.vectors.T @ (units[:, None] * vectors)
        return units[:, None] * (spectrum.vectors @ (spectrum.inverse()[:, None] * turned))

    def rounding(self) -> float:
        """The share of the largest value that rounding may have changed: its unit times the condition of D (C + …) D.

        D is here what makes each parameter's own curvature 1, and power iteration finds the condition from a factor.
        Where there is none, the residual that conjugate gradients were asked for is more than rounding.
        """
        if self.by_products:
            return 0.0
        epsilon, factor = torch.finfo(self.fit.theta.dtype).eps, self._factors.cholesky.get(self.damping)
        if factor is None and (lifted := self.lifted()) is not None:
            factor = lifted[0]
        if factor is None:
            spectrum = self.decomposition()[0]
            null = spectrum.null(0.0)
            if null.any() and self.fit.task.linear and self.fit.task.plain:
                exact = 0 if self.damping else flat(self.fit)
                if exact is not None and int(null.sum()) > exact:
                    return 1.0
            values = spectrum.values.abs()[~null]
            return epsilon * float(values.max() / values.min()) if len(values) else 0.0
        size, generator = factor.norm(dim=1, keepdim=True), torch.Generator().manual_seed(0)
        vectors = torch.randn(len(factor), PROBES, generator=generator, dtype=torch.float64).to(factor)
        for _ in range(POWERS):
            vectors = size * cholesky.solve(factor, size * torch.nn.functional.normalize(vectors, dim=0))
        return epsilon * float(vectors.norm(dim=0).max())

    def check_rounding(self, *, amplified: float = 1.0) -> None:
        """Warn, by LostDigits, where rounding may have changed values that this curvature gives, times `amplified`."""
        own = None if self._factors.dense is None else self._factors.dense.diagonal()
        check_system(self.fit, own, self.rounding, damping=self.damping, amplified=amplified)

    @door
    def inverse(self) -> Float[Tensor, "p p"]:
        """(C + damping I)⁺ as a dense matrix; computed once a damping. Do not change it in place."""
        known = self._factors.inverse
        if self.damping not in known:
            factor, lifted = (self.cholesky(), self.lifted()) if self._factors.spectrum is None else (None, None)
            if factor is not None:
                known[self.damping] = torch.cholesky_inverse(factor)
            elif lifted is not None:
                factor, shifts, size = lifted
                known[self.damping] = torch.cholesky_inverse(factor)
                shifts.add(known[self.damping], -1 / size)
            else:
                eye = torch.eye(len(self.fit.theta), dtype=self.fit.theta.dtype, device=self.fit.theta.device)
                known[self.damping] = self.inverse_products(eye)
        return known[self.damping]

    def keep(self, solution: Solution) -> Solution:
        """The same, remembered for whoever asks for it again."""
        self._factors.solved = solution.values
        return solution

    @door
    def solve(self, vectors: Float[Tensor, "p k"]) -> Solution:
        """Solve (C + damping I) x = v for each column v.

        Raises:
            NullSpaceMass: C + damping I has null directions and some v does not vanish there.
        """
        if self.by_products:
            known = self._factors.solved
            if known is not None and known.shape == vectors.shape:
                solution = checked(self, vectors.T, known.T)
                if bool((solution.residual <= self.tolerance).all()):
                    return solution
            return known_by.solved(self.__matmul__, vectors, diagonal=self.diagonal(), tolerance=self.tolerance)
        solution = checked(self, vectors.T, self.inverse_products(vectors).T)
        if self._factors.cholesky.get(self.damping) is not None:
            return solution
        if (lifted := self.lifted()) is not None:
            check_mass(
                float((lifted[1].part(vectors) / lengths(vectors.T)).norm(dim=0).max()), lifted[1].count, vectors
            )
            return solution
        spectrum, units = self.decomposition()
        if not (null := spectrum.null(0.0)).any():
            return solution
        scaled = units[:, None] * vectors
        worst = float((spectrum.vectors[:, null].T @ (scaled / lengths(scaled.T))).norm(dim=0).max())
        if self.fit.task.convex and vectors[self.dense().diagonal() + self.damping == 0].any():
            # A parameter on which no training point bears has no rounding either, and no unit: any slope is too much.
            worst = 1.0
        check_mass(worst, int(null.sum()), vectors)
        return solution


def check_recipe(kind: str, damping: float) -> None:
    """Refuse, by InvalidParameter, an unknown kind and a damping that is negative, NaN or infinite."""
    derivatives.check_kind(kind)
    if not 0 <= damping < float("inf"):
        raise InvalidParameter(f"damping is {damping}, expected a finite number ≥ 0.")


def checked(curvature: Curvature, gradients: Float[Tensor, "m p"], solved: Float[Tensor, "m p"]) -> Solution:
    """A solution a row, with the residual that one true product leaves of each gradient."""
    residual = (curvature.applied(solved.T).T - gradients).norm(dim=1)
    return Solution(values=solved.T, residual=residual / lengths(gradients))


def lengths(gradients: Float[Tensor, "m p"]) -> Float[Tensor, " m"]:
    """‖g‖ of each gradient, never 0."""
    return gradients.norm(dim=-1).clamp_min(torch.finfo(gradients.dtype).tiny)
