"""Which coefficients are 0, and the signs of others: whether a minimum has them, and which removals change them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.sparse_rows import written_out
from influencelab.errors import NotConverged
from influencelab.models import derivatives
from influencelab.training.fit import Fit

# How far beyond l1, as a share of it, rounding may bring the slope of a coefficient of 0.
EXACT = 1e-6


@dataclass(frozen=True, eq=False)
class Pattern:
    """Coefficients of 0, and the signs of the others.

    Attributes:
        idle: the features whose coefficients are 0, a row a point.
        l1: the slope that holds them there.
    """

    idle: Float[Tensor, "n q"]
    l1: float

    def check(self, fit: Fit, *, name: str) -> None:
        """Refuse, by NotConverged, signs that are not those of the minimum, or a slope that no penalty holds at 0."""
        signs = torch.tensor(fit.task.signs, dtype=fit.theta.dtype)  # pyright: ignore[reportAttributeAccessIssue]
        turned = int(((fit.theta * signs <= 0) & (signs != 0)).sum())
        beyond = self.slopes(fit).abs().max().item() / self.l1 - 1 if self.idle.shape[1] else 0.0
        if turned or beyond > EXACT:
            raise NotConverged(
                f"At the minimum that {name} leads to on this data {turned} coefficients have other signs, and one of "
                f"0 has a slope {max(0.0, beyond):.1%} beyond its penalty. Give the weights and data of the fit, or "
                "fit again with a smaller tol and a larger max_iter."
            )

    def slopes(self, fit: Fit) -> torch.Tensor:
        """Σ wᵢ ∂ℓᵢ / ∂θ of the coefficients of 0."""
        outputs = fit.task.outputs(fit.theta, fit.data.x_train)
        slopes = fit.weights * fit.task.output_loss.gradients(outputs, fit.data.y_train)[0]
        return self.idle.T @ slopes

    def changed(self, fit: Fit, convention: str) -> int:
        """How many points would change the pattern by leaving, as one Newton step of each has it."""
        task, data, weights = fit.task, fit.data, fit.weights
        x = written_out(task.features(data.x_train))
        outputs = task.outputs(fit.theta, data.x_train)
        slope = task.output_loss.gradients(outputs, data.y_train)[0]
        bend = weights * task.output_loss.hessians(outputs, data.y_train)[0, 0]
        hessian = derivatives.hessians(task, data, fit.theta[None], weights[None])[0]
        inverse = torch.linalg.pinv(hessian, hermitian=True)
        kept = torch.ones_like(weights)
        right = slope[:, None] * x
        if convention == "renormalise":
            kept = 1 - weights / weights.sum()
            right = right + derivatives.penalty_gradient(task, data, fit.theta) / weights.sum()
        moved, own = right @ inverse, x @ inverse
        leverage = bend * (own * x).sum(1)
        along = bend * (moved * x).sum(1) / (1 - leverage)
        steps = weights[:, None] * (moved + along[:, None] * own)
        signs = torch.tensor(task.signs, dtype=x.dtype)  # pyright: ignore[reportAttributeAccessIssue]
        turned = (((fit.theta + steps) * signs <= 0) & (signs != 0)).any(1)
        # To first order, as the step itself: exact for squares.
        held, left = self.slopes(fit), weights * slope + bend * (x * steps).sum(1)
        for some in derivatives.chunks(self.idle.shape[1], width=data.n):
            idle = written_out(self.idle[:, some])
            across = (bend[:, None] * idle).T @ x
            slopes = held[some] + steps @ across.T - left[:, None] * idle
            turned |= (slopes.abs() > self.l1 * kept[:, None]).any(1)
        return int(turned.sum())

    def described(self, fit: Fit, convention: str) -> str:
        """What of the pattern removals hold, and how many would not."""
        count = self.changed(fit, convention)
        return (
            f"which coefficients are 0 and the others' signs, which {count} of {fit.data.n:,} points change by leaving"
        )
