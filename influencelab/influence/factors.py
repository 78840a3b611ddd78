"""What is computed of a curvature once: its dense matrix, its spectrum, its Cholesky factors."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.models.shapes import P
from influencelab.models.shifts import Shifts
from influencelab.training.cholesky import factor_in_place
from influencelab.training.fit import Fit

# A Cholesky pivot this small beside the largest and beside its own diagonal means that the matrix is singular to
# working precision; in float32, one of 100 times its rounding.
PIVOT = 1e-13


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues in ascending order, in nats per squared unit of parameter, without damping, and a column for each."""

    values: P
    vectors: Float[Tensor, "p p"]

    def inverse(self) -> P:
        """1 / eigenvalue, and 0 along null directions."""
        return (1 / self.values).where(~self.null(0.0), 0.0)

    def null(self, damping: float) -> Tensor:
        """Mask of the directions that have no curvature to working precision after damping."""
        shifted = (self.values + damping).abs()
        return shifted <= len(shifted) * torch.finfo(shifted.dtype).eps * shifted.max()


@dataclass
class Factors:
    """Factors computed once for every damping: shared by all curvatures of one fit and kind.

    Beside a lifted factor its shifts, and the curvature that they were lifted to. A large matrix is not remembered
    unless it was asked for itself: its factor lies where it was written.
    """

    dense: Tensor | None = None
    spectrum: Spectrum | None = None
    cholesky: dict[float, Tensor | None] = field(default_factory=dict)
    lifted: tuple[Tensor | None, Shifts, float] | None = None
    scaled: dict[float, tuple[Spectrum, P]] = field(default_factory=dict)
    inverse: dict[float, Tensor] = field(default_factory=dict)
    diagonal: Tensor | None = None
    solved: Tensor | None = None
    # By damping, count and seed: what random draws were solved to, and their noise.
    drawn: dict[tuple[float, int, int], tuple[Tensor, Tensor]] = field(default_factory=dict)


FACTORS_OF: WeakKeyDictionary[Fit, dict[str, Factors]] = WeakKeyDictionary()


def positive_factor(matrix: Float[Tensor, "p p"]) -> Float[Tensor, "p p"] | None:
    """The lower Cholesky factor, over the matrix; None where that is not positive definite to working precision."""
    own = matrix.diagonal().clone()
    factor, failed = factor_in_place(matrix)
    pivots = factor.diagonal().square()
    # A feature in small units has a small pivot, which is rounding only if it is small beside its own diagonal.
    largest = torch.minimum(pivots.max(), own)
    least = max(PIVOT, 100 * torch.finfo(pivots.dtype).eps) * largest
    return None if failed or bool((pivots <= least).any()) else factor
