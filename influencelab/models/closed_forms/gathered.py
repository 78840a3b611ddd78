"""Closed forms for linear outputs of which some coefficients are held at 0: those of all, at the free ones."""

from dataclasses import dataclass

from jaxtyping import Bool, Int
from torch import Tensor

from influencelab.models.closed_forms.linear import LinearDerivatives
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.models.shapes import KN, KP, KPP, RKP, K, N, P, Rows


@dataclass(frozen=True, eq=False, kw_only=True)
class GatheredDerivatives(LossDerivatives):
    """Outputs z = Θ φ(x), where θ is the free entries of Θ, row by row.

    Attributes:
        whole: the derivatives in all of Θ.
        free: which entries of Θ, flattened, are among θ.
    """

    whole: LinearDerivatives
    free: Bool[Tensor, " q"]

    def gradients(self, theta: KP, weights: KN, rows: Rows) -> KP:
        """Of all, at the free ones; by automatic differentiation where each model has its own points."""
        if isinstance(rows, Tensor) and rows.dim() == 2:
            return super().gradients(theta, weights, rows)
        return self.whole.gradients(scattered(theta, self.free), weights, rows)[..., self.free]

    def losses_and_gradients(self, theta: KP, weights: KN, rows: Rows) -> tuple[K, KP]:
        """Both from one pass over the features."""
        values, slopes = self.whole.losses_and_gradients(scattered(theta, self.free), weights, rows)
        return values, slopes[..., self.free]

    def products(self, theta: P, weights: N, vectors: KP, rows: slice, *, kind: str = "hessian") -> KP:
        """Of all, along directions that leave the others at 0."""
        at, along = scattered(theta, self.free), scattered(vectors, self.free)
        return self.whole.products(at, weights, along, rows, kind=kind)[..., self.free]

    def hessians(self, theta: KP, weights: KN, *, kind: str) -> KPP:
        """The block of the free ones."""
        found = self.whole.hessians(scattered(theta, self.free), weights, kind=kind)
        return found[:, self.free][:, :, self.free]

    def sample_products(self, theta: P, weights: N, vectors: RKP, *, samples: Int[Tensor, "r b"], kind: str) -> RKP:
        """Of all, along directions that leave the others at 0."""
        at, along = scattered(theta, self.free), scattered(vectors, self.free)
        return self.whole.sample_products(at, weights, along, samples=samples, kind=kind)[..., self.free]


def scattered(theta: Tensor, free: Bool[Tensor, " q"]) -> Tensor:
    """All entries of Θ, flattened: those of θ where they are free, and 0 elsewhere; of any number of models."""
    places = free.nonzero()[:, 0].expand(theta.shape)
    return theta.new_zeros(*theta.shape[:-1], len(free)).scatter(-1, places, theta)
