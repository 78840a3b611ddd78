"""Leverages from random draws: a few hundred systems solved, where leverages themselves take one for each point."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.influence.factors import FACTORS_OF, Factors
from influencelab.models import derivatives
from influencelab.models.task import output_roots

# What systems may leave of their right-hand sides: a tenth of what so many draws leave open.
TOLERANCE = 1e-3
# Draws beyond the outputs of a point of which fewer say little about its leverage.
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Draws:
    """Targets of pure noise, fitted by the curvature of a linear task: what a point fits of its own is its leverage.

    Give each output of each point a target that is Gaussian noise where the loss bends by 1, do so for the penalty, and
    solve the least squares whose curvature is C. The fit follows the noise of a point in the share of its leverage
    h and leaves 1 − h (Hutchinson 1990; Avron & Toledo 2011). Both are seen in k draws, each to √(2/k) of itself, and
    so is 1 / (1 − h), which is of the right sign however near 1 h is.

    Attributes:
        curvature: C.
        solved: C⁻¹ times the noise, so that covariances of many would be C⁻¹.
        noise: of each output of each point.
    """

    curvature: Curvature
    solved: Float[Tensor, "k p"]
    noise: Float[Tensor, "k c n"]

    def spread(self, rows: Int[Tensor, " b"]) -> Float[Tensor, "b c c"]:
        """Jᵢ C⁻¹ Jᵢᵀ less those shifts, each to √(2/k) of itself: see `leverage.output_spread`."""
        return mean_block(self.moved(rows))

    def amplification(self, rows: Int[Tensor, " b"]) -> tuple[Float[Tensor, "b c c"], Float[Tensor, "b c c"], float]:
        """(I − wᵢ Aᵢ Gᵢ)⁻¹ of each point, as I + L (I − Lᵀ Gᵢ L)⁻¹ Lᵀ Gᵢ of a root L of wᵢ Aᵢ; and wᵢ Aᵢ.

        Last, as in `leverage.amplification`, by how much rounding grows in the first.
        """
        root, moved = roots(self.curvature, rows), self.moved(rows)
        left = self.noise[:, :, rows] - torch.einsum("eab,kab->keb", root, moved)
        # The mean of the inverse of a Wishart matrix is larger than the inverse of its mean, and so its divisor is.
        spared = mean_block(left) * len(left) / (len(left) - left.shape[1] - 1)
        root = root.permute(2, 1, 0)
        grown = root @ torch.linalg.solve(spared, root.mT @ mean_block(moved))
        amplified = torch.eye(grown.shape[-1]).to(grown) + grown
        return amplified, root @ root.mT, float(amplified.abs().max())

    def moved(self, rows: Int[Tensor, " b"]) -> Float[Tensor, "k c b"]:
        """The outputs of points after each draw, less the shifts of all outputs, however large, that change no loss."""
        fit = self.curvature.fit
        outputs = fit.task.output_slopes(fit.theta, fit.data.x_train[rows], self.solved)
        return outputs - outputs.mean(1, keepdim=True) if fit.task.output_loss.shifts else outputs


def mean_block(outputs: Float[Tensor, "k c b"]) -> Float[Tensor, "b c c"]:
    """The mean over draws of each point's outputs times themselves."""
    return torch.einsum("kab,keb->bae", outputs, outputs) / len(outputs)


def draws_of(curvature: Curvature, *, count: int | None, seed: int) -> Draws | None:
    """So many draws, solved for; None of None.

    Raises:
        InvalidParameter: outputs are not linear in the parameters, or are too many for so few draws.
    """
    if count is None:
        return None
    fit = curvature.fit
    if not fit.task.linear:
        raise InvalidParameter("Leverages are drawn of linear tasks, and this one is not. Take draws=None.")
    if count < (least := fit.task.output_loss.size(fit.data) + FEWEST):
        raise InvalidParameter(f"draws is {count}, expected None or at least {least} for as many outputs as there are.")
    known = FACTORS_OF.setdefault(fit, {}).setdefault("hessian", Factors()).drawn
    key = curvature.damping, count, seed
    if key not in known:
        known[key] = solved_noise(curvature, count=count, generator=torch.Generator().manual_seed(seed))
    return Draws(curvature, *known[key])


def solved_noise(
    curvature: Curvature, *, count: int, generator: torch.Generator
) -> tuple[Float[Tensor, "k p"], Float[Tensor, "k c n"]]:
    """Noise of every output of every point, and C⁻¹ times it and that of the penalty."""
    fit = curvature.fit

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=generator, dtype=torch.float64).to(fit.theta)

    stiffness = fit.task.penalty(fit.data, fit.theta).stiffness + curvature.damping
    noise, sides = normal(fit.task.output_loss.size(fit.data), fit.data.n), stiffness.sqrt() * normal(len(fit.theta))
    every = torch.arange(fit.data.n, device=fit.theta.device)
    for part in derivatives.chunks(fit.data.n, width=count * noise.shape[1]):
        pulled = torch.einsum("eab,keb->kab", roots(curvature, every[part]), noise[:, :, part])
        sides += (pulled.flatten(0, 1) @ fit.task.features(fit.data.x_train[part])).view(sides.shape)
    return curvature.to(tolerance=TOLERANCE).inverse_products(sides.T).T, noise


def roots(curvature: Curvature, rows: Int[Tensor, " b"]) -> Float[Tensor, "c c b"]:
    """roots[e, :, i], the columns of L of each point: L Lᵀ = wᵢ ∂²ℓᵢ/∂z²."""
    fit = curvature.fit
    curved = fit.task.output_loss.hessians(fit.task.outputs(fit.theta, fit.data.x_train[rows]), fit.data.y_train[rows])
    return output_roots(curved * fit.weights[rows])
