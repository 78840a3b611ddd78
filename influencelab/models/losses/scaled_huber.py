"""Huber's loss of one real output, in units of a scale that is estimated with it."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss import OutputLoss, other_labels
from influencelab.models.shapes import CB, KB, KCB, Y


@dataclass(frozen=True)
class ScaledHuber(OutputLoss):
    """ℓ = σ + σ H((y − z) / σ) of two outputs, the prediction z and the scale σ > 0; convex in both together.

    H(u) = u² up to |u| = epsilon, and 2 epsilon |u| − epsilon² beyond (Huber 1981, as in scikit-learn).

    Attributes:
        epsilon: residuals in units of σ from which on the loss grows in proportion; at least 1.
    """

    epsilon: float = 1.35

    def __post_init__(self) -> None:
        if not 1 <= self.epsilon < float("inf"):
            raise InvalidParameter(f"epsilon is {self.epsilon}, expected a finite number of at least 1.")

    @property
    def unit(self) -> str:
        """Of the targets."""
        return "units of y"

    @property
    def width(self) -> float:
        """Curvature ends at once where a residual is cut."""
        return 0.0

    def size(self, data: Dataset) -> int:
        """The prediction and the scale."""
        if data.classes != 0:
            raise other_labels(data, "Huber's loss needs real targets: give y as floats, or classes=0.")
        return 2

    def values(self, z: KCB, y: Y) -> KB:
        """Infinite where there is no scale."""
        far, scale = (y - z[..., 0, :]).abs(), z[..., 1, :]
        near = far <= self.epsilon * scale
        beyond = 2 * self.epsilon * far - self.epsilon**2 * scale
        return (scale + (far.square() / scale).where(near, beyond)).where(scale > 0, torch.inf)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """In units of σ the residual is cut at epsilon: −2 cut, and 1 − cut²."""
        cut = ((y - z[..., 0, :]) / z[..., 1, :]).clamp(-self.epsilon, self.epsilon)
        return torch.stack([-2 * cut, 1 - cut.square()], dim=-2)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """(2 / σ) (1, u)(1, u)ᵀ v of the points that are not cut, u the residual in units of σ."""
        scaled = (y - z[0]) / z[1]
        inside = (scaled.abs() <= self.epsilon).to(z.dtype)
        along = 2 / z[1] * inside * (v[..., 0, :] + scaled * v[..., 1, :])
        return torch.stack([along, scaled * along], dim=-2)
