"""What first order leaves out, to second order: how the path of minima bends as weights change."""

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.perturbation import WeightChange
from influencelab.influence.curvature import Curvature
from influencelab.models import derivatives

# The share of the change at which the bend is measured: its error is this share squared, and rounding's its inverse.
SHARE = 1e-3
# Experiments whose weights are written out at once.
TOGETHER = 256


@torch.inference_mode(mode=False)
def second_order_effects(curvature: Curvature, perturbation: WeightChange) -> Float[Tensor, "r m"]:
    """½ d²L_j/dε² where weights change by ε Δw: test loss j rises by ε a + ε² b, a being influence and b this.

    The path of minima starts along d = −C⁻¹ Σ Δwᵢ∇ℓᵢ. A little further, at θ ± td, ∇J is left with t²/2 times what
    bends the path: the change of the curvature along d, and the curvature that leaves with the weights. Three gradients
    an experiment find it, and the factors that solved for influence; nothing is trained. Where |b| is not small beside
    |a|, influence is no guide to ε = 1. In the unit of the loss.
    """
    found = []
    for first in range(0, perturbation.count, TOGETHER):
        found.append(some_effects(curvature, perturbation, slice(first, first + TOGETHER)))
    return torch.cat(found)


def some_effects(curvature: Curvature, perturbation: WeightChange, rows: slice) -> Float[Tensor, "b m"]:
    """The same of some experiments."""
    fit = curvature.fit
    away = perturbation.weights(fit.weights, rows) - fit.weights

    def gradients(steps: Float[Tensor, "b p"], share: float) -> Float[Tensor, "b p"]:
        """∇J away from the fit, with so much of the change of weights made."""
        return derivatives.gradients(fit.task, fit.data, fit.theta + steps, fit.weights + share * away)

    at_fit = gradients(torch.zeros_like(fit.theta).repeat(len(away), 1), 0.0)
    step = -curvature.inverse_products((gradients(torch.zeros_like(at_fit), 1.0) - at_fit).T).T
    there, back = (gradients(share * step, share) for share in (SHARE, -SHARE))
    bend = -curvature.inverse_products(((there + back) / 2 - at_fit).T).T
    there, back = (fit.measures_at(fit.theta + share * step + bend) for share in (SHARE, -SHARE))
    return ((there + back) / 2 - fit.measures()) / SHARE**2
