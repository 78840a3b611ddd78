"""Chord Newton steps: many slightly different objectives minimised with the curvature of one fit.

Removing a point moves the minimum a little, so the factorised curvature at the fit is a superb preconditioner: each
step costs one gradient, and the error shrinks by the same small factor every time. Where the task is linear in θ the
curvature that leaves with the point is taken out exactly (matrix inversion lemma), and most removals need two steps.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.sparse_rows import written_out
from influencelab.influence.curvature import Curvature
from influencelab.influence.leverage import amplification, pulls
from influencelab.influence.retrainer import Problem
from influencelab.influence.rounding import ROUNDED, lengths
from influencelab.models import derivatives
from influencelab.models.shapes import KP, K
from influencelab.training.fit import Fit
from influencelab.training.trainer import Batched

# A step that leaves more than this share of the gradient is not contracting: the model is handed on.
CONTRACTION = 0.5
# So few products as these in the Hessians of all models that are left, and Newton's own steps cost no more than these,
# of which each leaves the square of what the last one did; after so many of these, which most models need.
FEW, USUAL = 2**24, 2


@dataclass(frozen=True, eq=False)
class ConvergenceTest:
    """The test that a retrained model must pass to count as truth.

    Attributes:
        sensitivity: s_j = C⁻¹ ∇L_j of each test point, one a column: |s_jᵀ ∇J| is the part of the loss change of j that
            is still missing.
        scale: the RMS predicted change of each test loss over all the removals asked for.
        tolerance: the largest ‖∇J‖.
        relative: the part that may be missing, as a share of the change so far …
        floor: … or as a share of `scale`, whichever is larger.
    """

    sensitivity: Float[Tensor, "p m"]
    scale: Float[Tensor, " m"]
    tolerance: float
    relative: float
    floor: float

    def passed(self, gradient: KP, change: Float[Tensor, "k m"], amplification: K | None = None) -> Bool[Tensor, " k"]:
        """Whether each model's gradient is small and cannot matter to any test point.

        Args:
            amplification: factor by which each model moves farther than the fit's curvature predicts; 1 by default.
        """
        missing = (gradient @ self.sensitivity).abs()
        missing = missing if amplification is None else amplification[:, None] * missing
        return (gradient.norm(dim=1) <= self.tolerance) & (missing <= self.allowed(change)).all(1)

    def allowed(self, change: Float[Tensor, "k m"]) -> Float[Tensor, "k m"]:
        """The part that may be missing from each change of a test loss, in nats."""
        return torch.maximum(self.relative * change.abs(), self.floor * self.scale)


@dataclass(frozen=True, eq=False)
class Chord(Batched):
    """The step θ ← θ − (C − what left)⁻¹ ∇J for each model of a batch.

    Attributes:
        curvature: of the fit.
        correction: (I − wAG)⁻¹ wA of each model's removed point, 0 where there is none: the part that left.
        features: the removed point's features; with the correction, None where the task is not linear.
        amplification: factor by which a gradient moves a model without its point farther than with it; infinite for a
            point that the fit cannot spare.
        pulled: C⁻¹ Jᵢᵀ of the removed point, solved for once, of one output or if nothing is factorised.
    """

    curvature: Curvature
    correction: Float[Tensor, "k c c"] | None
    features: Float[Tensor, "k d"] | None
    amplification: K
    pulled: Float[Tensor, "k c p"] | None = None

    def step(self, gradient: KP) -> KP:
        """(C − wᵢ JᵢᵀAᵢJᵢ)⁻¹ gradient, for each model its own i."""
        moved = self.curvature.inverse_products(gradient.T).T
        if self.correction is None or self.features is None:
            return moved
        outputs = torch.einsum("kcd,kd->kc", moved.unflatten(1, (-1, self.features.shape[1])), self.features)
        slopes = torch.einsum("kce,ke->kc", self.correction, outputs)
        if self.pulled is not None:
            return moved + torch.einsum("kc,kcp->kp", slopes, self.pulled)
        gained = torch.einsum("kc,kd->kcd", slopes, self.features).flatten(1)
        return moved + self.curvature.inverse_products(gained.T).T


def chord_of(curvature: Curvature, problem: Problem) -> Chord:
    """The step for each model, with the curvature of its removed point taken out where the task is linear."""
    fit, alone = curvature.fit, problem.removed >= 0
    if not (fit.task.linear and fit.task.plain):
        return Chord(curvature, None, None, torch.ones_like(problem.weights[:, 0]))
    rows = problem.removed.clamp_min(0)
    features, pulled, spread = written_out(fit.task.features(fit.data.x_train[rows])), None, None
    if curvature.by_products or features.shape[1] == len(fit.theta):
        pulled = pulls(curvature, features)
        spread = torch.einsum("kead,kd->kae", pulled.unflatten(2, (pulled.shape[1], -1)), features)
    amplified, curved, _ = amplification(curvature, rows, spread)
    spared = amplified.isfinite().all(-1).all(-1)
    amplified = amplified.where(spared[:, None, None], 0.0)
    correction = amplified @ curved.where(alone[:, None, None], 0.0)
    factor = torch.linalg.matrix_norm(amplified, ord=2).where(spared, torch.inf).where(alone, 1.0)
    return Chord(curvature, correction, features, factor, pulled)


def first_gradients(fit: Fit, problem: Problem) -> KP:
    """∇J of each model at the fit; for single removals without a pass over the data."""
    alone = problem.removed >= 0
    if int((~alone).sum()) > 1:
        start = fit.theta.expand(len(alone), -1)
        return derivatives.gradients(fit.task, fit.data, start, problem.weights)
    penalty = derivatives.penalty_gradient(fit.task, fit.data, fit.theta)
    everything = derivatives.gradients(fit.task, fit.data, fit.theta[None], fit.weights[None])[0] - penalty
    rows = problem.removed.clamp_min(0)
    weight = torch.where(alone, fit.weights[rows], 0.0)
    left = everything - weight[:, None] * derivatives.point_gradients(fit.task, fit.data, fit.theta, rows)
    rescaled = problem.weights.sum(1) / (fit.weights.sum() - weight)
    return rescaled[:, None] * left + penalty


@dataclass(frozen=True, eq=False)
class NewtonResult:
    """Models after chord steps; those that did not contract are back at the fit, and a few may be on their way.

    `first_step` is the length of the first one, the distance that the fit's curvature predicts.
    """

    theta: KP
    gradient: KP
    passed: Bool[Tensor, " k"]
    first_step: K
    steps: Int[Tensor, " k"]


def descend(chord: Chord, problem: Problem, test: ConvergenceTest, *, max_steps: int) -> NewtonResult:
    """Chord steps for every model until it passes the test or stops contracting, or few are left and Hessians small."""
    fit = chord.curvature.fit
    products = fit.data.n * len(fit.theta) ** 2 if fit.task.linear and fit.task.convex else math.inf
    gradient = first_gradients(fit, problem)
    before = fit.measures()
    theta = fit.theta.repeat(len(gradient), 1)
    first_step = torch.zeros_like(gradient[:, 0])
    passed = torch.zeros(len(gradient), dtype=torch.bool, device=theta.device)
    steps = torch.zeros(len(gradient), dtype=torch.int64, device=theta.device)
    active, norm, few = torch.arange(len(gradient), device=theta.device), gradient.norm(dim=1), False
    for count in range(1, max_steps + 1):
        move = chord.take(active).step(gradient[active])
        if count == 1:
            first_step = move.norm(dim=1)
        theta[active] -= move
        weights = problem.weights if len(active) == len(theta) else problem.weights[active]
        gradient[active] = derivatives.gradients(fit.task, fit.data, theta[active], weights)
        change = fit.measures_at(theta[active]) - before
        good = test.passed(gradient[active], change, chord.amplification[active])
        if len(rows := active[good]):
            some = chord.take(rows), test, theta[rows], problem.weights, rows, gradient[rows]
            passed[rows] = held(*some, before=before, there=before + change[good])
        steps[active] = count
        shrunk = gradient[active].norm(dim=1) <= CONTRACTION * norm[active]
        norm[active] = gradient[active].norm(dim=1)
        active = active[~passed[active] & shrunk]
        few = count >= USUAL and len(active) * products <= FEW
        if few or not len(active):
            break
    given_up = ~passed
    given_up[active] = not few
    theta[given_up] = fit.theta
    return NewtonResult(theta=theta, gradient=gradient, passed=passed, first_step=first_step, steps=steps)


def held(
    chord: Chord,
    test: ConvergenceTest,
    theta: KP,
    weights: Float[Tensor, "all n"],
    models: Int[Tensor, " k"],
    gradient: KP,
    *,
    before: Float[Tensor, " m"],
    there: Float[Tensor, "k m"],
) -> Bool[Tensor, " k"]:
    """Whether models that pass the test stay where they are by their own curvature, which need not be the fit's.

    The next step must change no test loss. Where outputs went so far that curvature may have changed, it must leave
    less of the gradient, too: on a tail each step is as long as the one before, however small.

    Args:
        weights: of all models.
        models: whose of these weights each has.
        before: test losses of the fit.
        there: those of each model.
    """
    fit, step = chord.curvature.fit, chord.step(gradient)
    ahead = fit.measures_at(theta - step)
    rounding = ROUNDED * torch.finfo(theta.dtype).eps * there.abs()
    stays = ((ahead - there).abs() <= test.allowed(ahead - before) + rounding).all(1)
    rows = (stays & may_be_far(fit, theta)).nonzero()[:, 0]
    rows = rows[farthest(fit, theta[rows]) > 1]
    if len(rows):
        chord, gradient, step = chord.take(rows), gradient[rows], step[rows]
        left = derivatives.gradients(fit.task, fit.data, theta[rows] - step, weights[models[rows]])
        shrinks = torch.linalg.vecdot(left, chord.step(left)) <= CONTRACTION**2 * torch.linalg.vecdot(gradient, step)
        stays[rows] = shrinks
    return stays


def may_be_far(fit: Fit, theta: KP) -> Bool[Tensor, " k"]:
    """Whether `farthest` may be above 1 for each model, by Cauchy and Schwarz."""
    width = fit.task.output_loss.width
    if not fit.task.linear or width == torch.inf:
        return torch.zeros_like(theta[:, 0]).bool()
    moved = (theta - fit.theta).unflatten(1, (fit.task.output_loss.size(fit.data), -1))
    return moved.norm(dim=2).amax(1) * lengths(fit).amax() > width


def farthest(fit: Fit, theta: KP) -> K:
    """The largest change of an output of each model since the fit, over training points, in units of the loss's width.

    Where outputs are linear in θ, curvature stays within a factor e to this power; 0 where it says nothing of it.
    """
    worst, width = torch.zeros_like(theta[:, 0]), fit.task.output_loss.width
    if not fit.task.linear or width == torch.inf:
        return worst
    for rows in fit.task.derivatives(fit.data).chunks(len(theta)):
        change = fit.task.output_slopes(fit.theta, fit.data.x_train[rows], theta - fit.theta)
        worst = worst.maximum(change.abs().amax((1, 2)) / width)
    return worst
