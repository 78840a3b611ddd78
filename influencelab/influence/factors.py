"""What is computed of a curvature once: its dense form, factors and spectrum, shared by all that ask about one fit."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.models.shapes import P
from influencelab.training.fit import Fit


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
    """Factors computed once for every damping: shared by all curvatures of one fit and kind."""

    dense: Tensor | None = None
    spectrum: Spectrum | None = None
    cholesky: dict[float, Tensor | None] = field(default_factory=dict)
    scaled: dict[float, tuple[Spectrum, P]] = field(default_factory=dict)
    inverse: dict[float, Tensor] = field(default_factory=dict)
    diagonal: Tensor | None = None
    solved: Tensor | None = None


FACTORS_OF: WeakKeyDictionary[Fit, dict[str, Factors]] = WeakKeyDictionary()
