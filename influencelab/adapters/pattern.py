"""Which coefficients are 0, and the signs of others: those of the minimum, and which removals change them."""

from dataclasses import dataclass

import numpy
import torch
from torch import Tensor

from influencelab.adapters.absolute import Absolute
from influencelab.data.sparse_rows import written_out
from influencelab.errors import NotConverged
from influencelab.models import derivatives
from influencelab.models.shapes import N, P
from influencelab.training.fit import Fit, fit_from
from influencelab.training.minimum import train_to_minimum
from influencelab.training.trainers.newton import Newton

# How far beyond l1, as a share of it, rounding may bring the slope of a coefficient of 0.
EXACT = 1e-6
# So many coefficients may go to 0 or leave it on the way to the minimum.
ROUNDS = 200


@dataclass(frozen=True, eq=False)
class Pattern:
    """Coefficients of 0, and the signs of the others.

    Attributes:
        whole: the objective in all coefficients.
        signs: −1, 0 or 1 of each, a row an output.
    """

    whole: Absolute
    signs: numpy.ndarray

    def excess(self, theta: P, weights: N) -> tuple[float, float, float]:
        """By how much slopes of coefficients of 0 exceed what the penalty holds.

        Returns:
            Twice the fall of J, to first order, if each moved alone; the largest excess; and that as a share of l1.
        """
        whole, held = self.whole.spread(theta, self.signs), torch.from_numpy(self.whole.held(self.signs))
        over = (self.whole.slopes(whole, weights).abs() - self.whole.l1).clamp_min(0)[held]
        curved = self.whole.curvatures(whole, weights)[held].clamp_min(torch.finfo(theta.dtype).tiny)
        if not len(over):
            return 0.0, 0.0, 0.0
        return float((over.square() / curved).sum()), float(over.max()), float(over.max()) / self.whole.l1

    def snapped(self, theta: P, weights: N) -> tuple["Pattern", Tensor, float]:
        """Without the coefficients that a step of their own would bring to 0 or beyond: solvers leave some beside it.

        Returns:
            The pattern, its θ, and by how much J fell.
        """
        whole, signs = self.whole.spread(theta, self.signs), torch.from_numpy(self.signs)
        curved = self.whole.curvatures(whole, weights).clamp_min(torch.finfo(theta.dtype).tiny)
        slopes = self.whole.slopes(whole, weights) + self.whole.decay * whole + self.whole.l1 * signs
        crossing = self.penalised(torch.from_numpy(~self.whole.held(self.signs)))
        crossing &= (whole - slopes / curved) * signs <= 0
        left = torch.from_numpy(~self.whole.held(self.signs)) & ~crossing
        if not crossing.any() or not left[:, : self.whole.data.x_train.shape[1]].any():
            return self, theta, 0.0
        there = whole.masked_fill(crossing, 0.0)
        pattern = Pattern(self.whole, signs.masked_fill(crossing, 0.0).numpy())
        fall = self.whole.value(whole, weights) - self.whole.value(there, weights)
        return pattern, there[torch.from_numpy(~self.whole.held(pattern.signs))], fall

    def settled(self, fit: Fit, theta: P, *, name: str) -> tuple[Fit, "Pattern"]:
        """The minimum in all coefficients, and its pattern, from the minimum on these signs.

        On the way there from θ a coefficient whose sign would turn stops at 0, the first of them first; at a minimum on
        some signs one of 0 is let go, whose slope is the furthest beyond its penalty. J falls at each, so that no
        pattern comes twice.

        Raises:
            NotConverged: it is not reached.
        """
        pattern, at = self, self.whole.spread(theta, self.signs)
        for _ in range(ROUNDS):
            there, signs = self.whole.spread(fit.theta, pattern.signs), torch.from_numpy(pattern.signs)
            free = torch.from_numpy(~self.whole.held(pattern.signs))
            turned = pattern.penalised(free) & (there * signs <= 0)
            if turned.any():
                shares = (at / (at - there)).nan_to_num(0.0).masked_fill(~turned, torch.inf)
                first = int(shares.argmin())
                at = at + float(shares.min()) * (there - at)
                at.view(-1)[first] = 0.0
                pattern = pattern.turned(first, 0.0)
            else:
                slopes = self.whole.slopes(there, fit.weights).masked_fill(free, 0.0)
                first = int(slopes.abs().argmax())
                slope = float(slopes.view(-1)[first])
                if abs(slope) <= (1 + EXACT) * self.whole.l1:
                    return fit, pattern
                at, pattern = there, pattern.turned(first, -numpy.sign(slope))
            fit = pattern.minimum(at, fit.weights)
            if not fit.converged:
                break
        raise NotConverged(
            f"From the coefficients of {name} no signs were found that are those of the minimum. Fit again with a "
            "smaller tol and a larger max_iter."
        )

    def penalised(self, free: Tensor) -> Tensor:
        """Those of free entries that the absolute penalty acts on."""
        on = free & (self.whole.l1 > 0)
        if self.whole.intercept and not self.whole.penalise_intercept:
            on[:, -1] = False
        return on

    def turned(self, place: int, sign: float) -> "Pattern":
        """With another sign of one entry."""
        signs = self.signs.copy()
        signs.ravel()[place] = sign
        return Pattern(self.whole, signs)

    def minimum(self, whole: Tensor, weights: N) -> Fit:
        """The minimum on these signs, from here."""
        self.whole.check_any(self.signs)
        (task, data), trainer = self.whole.piece(self.signs), Newton()
        theta = whole[torch.from_numpy(~self.whole.held(self.signs))]
        trained = train_to_minimum(trainer, task, data, theta, weights, bounded=True)
        return fit_from(trained, task=task, data=data, trainer=trainer, weights=weights)

    def largest_move(self, theta: P, after: "Pattern", there: Tensor) -> float:
        """The largest change of an output of a training or test point, from here to a minimum on other signs."""
        change = after.whole.spread(there, after.signs) - self.whole.spread(theta, self.signs)
        data = self.whole.data
        return max(float((change @ self.whole.columns(x).T).abs().max()) for x in (data.x_train, data.x_test))

    def changed(self, fit: Fit, convention: str) -> int:
        """How many points would change the pattern by leaving, as one Newton step of each has it."""
        whole, weights, loss = self.whole, fit.weights, self.whole.loss
        at, held = whole.spread(fit.theta, self.signs), torch.from_numpy(whole.held(self.signs))
        x, y = whole.columns(whole.data.x_train), whole.data.y_train
        outputs = at @ x.T
        slope, bend = loss.gradients(outputs, y).T, (weights * loss.hessians(outputs, y)).permute(2, 0, 1)
        # Of each free entry: its feature, and which output it is of.
        rows, columns = (~held).nonzero().unbind(1)
        own, of = written_out(x[:, columns]), torch.eye(len(at), dtype=x.dtype)[rows]
        hessian = derivatives.hessians(fit.task, fit.data, fit.theta[None], weights[None])[0]
        inverse = torch.linalg.pinv(hessian, hermitian=True)
        kept, right = torch.ones_like(weights), (slope @ of.T) * own
        if convention == "renormalise":
            kept = 1 - weights / weights.sum()
            right = right + derivatives.penalty_gradient(fit.task, fit.data, fit.theta) / weights.sum()
        moved = right @ inverse
        along = torch.stack([(own * each) @ inverse for each in of.T], dim=1)
        spread = torch.einsum("iaj,ij,jc->iac", along, own, of)
        leverage = torch.eye(len(at), dtype=x.dtype) - bend @ spread
        amplified = torch.linalg.solve(leverage, bend @ ((moved * own) @ of)[..., None])[..., 0]
        steps = weights[:, None] * (moved + torch.einsum("ia,iaj->ij", amplified, along))
        signs = torch.from_numpy(self.signs)[~held]
        on = self.penalised(~held)[~held]
        turned = (((fit.theta + steps) * signs <= 0) & on).any(1)
        # To first order, as the step itself: exact for squares.
        gone = weights[:, None] * slope + (bend @ ((steps * own) @ of)[..., None])[..., 0]
        entries, pulls = held.nonzero(), whole.slopes(at, weights)[held]
        for some in derivatives.chunks(len(entries), width=whole.data.n):
            idle, idle_of = written_out(x[:, entries[some, 1]]), torch.eye(len(at), dtype=x.dtype)[entries[some, 0]]
            across = torch.einsum("ij,iq,iac,ja,qc->jq", own, idle, bend, of, idle_of)
            slopes = pulls[some] + steps @ across - (gone @ idle_of.T) * idle
            turned |= (slopes.abs() > whole.l1 * kept[:, None]).any(1)
        return int(turned.sum())

    def described(self, fit: Fit, convention: str, *, before: "Pattern") -> str:
        """What of the pattern removals hold, how many would not, and what of it was not so where the solver stopped."""
        moved = int((self.signs != before.signs).sum())
        where = "" if not moved else f" ({moved} of them not where its own solver stopped)"
        return (
            f"which coefficients are 0 and the others' signs{where}, which {self.changed(fit, convention)} of "
            f"{fit.data.n:,} points change by leaving"
        )
