"""One Newton step on the objective without the point: influence corrected for the point's own leverage."""

import time
from dataclasses import dataclass

import numpy
import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.perturbations.removals import CONVENTIONS, check_convention
from influencelab.errors import InvalidParameter, NotFinite, whole
from influencelab.influence.curvature import Curvature, check_recipe
from influencelab.influence.drawn_leverage import FEWEST, Draws, draws_of
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.influence.leverage import amplification
from influencelab.influence.rounding import check_sums
from influencelab.models import derivatives
from influencelab.models.shapes import P
from influencelab.training.fit import Fit, require_converged


@dataclass(frozen=True)
class NewtonStep(Estimator):
    """∇L_jᵀ δᵢ for the step δᵢ = wᵢ (C − wᵢ JᵢᵀAᵢJᵢ)⁻¹ bᵢ that removing point i calls for.

    Plain influence takes the curvature with the point still in it, and so falls short by the factor (1 − leverage):
    much where weight decay is small and p / n large. This is the rescaled influence of Rubinstein & Hopkins (2025),
    with the whole c × c leverage block. It predicts one convention: bᵢ = ∇ℓᵢ for `drop`, ∇ℓᵢ + weight_decay Pθ / Σw
    for `renormalise`. Of more than 10,000 parameters of a linear task each point is solved for, which is meant for few.
    Networks take the Gauss-Newton part Aᵢ for the curvature that leaves with the point.

    Attributes:
        convention: `drop` or `renormalise`.
        curvature: `hessian` or `gauss_newton`.
        damping: added to every eigenvalue.
        draws: random ones, of a linear task, that stand in for the leverage of each point; None to find it exactly.
        seed: of the draws.
    """

    convention: str = "drop"
    curvature: str = "hessian"
    damping: float = 0.0
    draws: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_recipe(self.curvature, self.damping)
        if self.convention not in CONVENTIONS:
            raise InvalidParameter(f"convention is '{self.convention}', expected one of {', '.join(CONVENTIONS)}.")
        if self.draws is not None and whole(self.draws, what="draws") < FEWEST:
            raise InvalidParameter(f"draws is {self.draws}, expected None or at least {FEWEST}.")

    def estimate(self, fit: Fit) -> Estimate:
        """One factorisation, one c × c block a point."""
        require_converged(fit, allow_unconverged=self.allow_unconverged)
        check_convention(fit, self.convention, cure="il.NewtonStep(convention=model.convention)")
        started = time.perf_counter()
        curvature = Curvature(fit, kind=self.curvature, damping=self.damping)
        gradients = fit.measure_gradients()
        solution = curvature.solve(gradients.T)
        common = torch.zeros_like(fit.theta)
        if self.convention == "renormalise":
            common = derivatives.penalty_gradient(fit.task, fit.data, fit.theta) / fit.weights.sum()
        drawn = draws_of(curvature, count=self.draws, seed=self.seed)
        values = removal_steps(curvature, solution.values.T, common, drawn)
        check_sums(fit, values, solution.values.T)
        return estimate_of(
            self,
            fit,
            values,
            convention=self.convention,
            residual=solution.residual,
            damping=self.damping,
            started=started,
        )


def removal_steps(
    curvature: Curvature, solved: Float[Tensor, "m p"], common: P, drawn: Draws | None = None
) -> Float[Tensor, "n m"]:
    """∇L_jᵀ δᵢ of every point by the matrix inversion lemma: wᵢ (Jᵢ s_j)ᵀ (I − wᵢAᵢGᵢ)⁻¹ rᵢ + what `common` adds.

    `common` is the part of bᵢ that all points share; its effect is amplified by the same block.
    """
    fit, task = curvature.fit, curvature.fit.task
    common_step = curvature.inverse_products(common[:, None]).T
    values, largest, every = [], 1.0, torch.arange(fit.data.n, device=fit.theta.device)
    beside = 1 if drawn is None else 1 + 2 * len(drawn.solved)
    for rows in derivatives.chunks(fit.data.n, width=task.output_loss.size(fit.data) * (len(solved) + beside)):
        x, y = fit.data.x_train[rows], fit.data.y_train[rows]
        outputs = task.outputs(fit.theta, x)
        amplified, _, grown = (
            amplification(curvature, every[rows]) if drawn is None else drawn.amplification(every[rows])
        )
        check_spared(amplified, fit.data.shown_ids("train")[rows])
        weight, largest = fit.weights[rows], max(largest, grown)
        shared = task.output_slopes(fit.theta, x, common_step)[0]
        change = weight * task.output_loss.products(outputs, y, shared)
        slopes = torch.einsum("bae,eb->ab", amplified, task.output_loss.gradients(outputs, y) + change)
        moved = derivatives.pulled_along(task, fit.theta, x, slopes, solved)
        values.append(weight[:, None] * (moved + solved @ common))
    curvature.check_rounding(amplified=largest)
    return torch.cat(values)


def check_spared(amplified: Float[Tensor, "b c c"], ids: numpy.ndarray) -> None:
    """Refuse, by a NotFinite that names the first, points without which some direction has no curvature left."""
    lost = ids[~amplified.isfinite().all(-1).all(-1).cpu().numpy()]
    if len(lost):
        raise NotFinite(
            f"{len(lost)} training points, the first with id {lost[0]}, are the only ones with curvature "
            "along some direction (leverage 1, to working precision): what is left without them cannot be told from "
            "none. Add weight decay or damping, or bring features to one scale."
        )
