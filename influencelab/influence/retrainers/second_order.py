"""Retraining to the minimum by chord Newton from the fit, many models at once, each with a certificate."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from jaxtyping import Bool
from torch import Tensor

from influencelab.data.perturbation import Perturbation
from influencelab.data.perturbations.removals import Removals
from influencelab.errors import InvalidParameter
from influencelab.influence.chord_newton import ConvergenceTest, NewtonResult, chord_of, descend
from influencelab.influence.curvature import Curvature, check_recipe
from influencelab.influence.factors import FACTORS_OF
from influencelab.influence.preconditioned_lbfgs import minimise_from_fit
from influencelab.influence.retrainer import Part, Problem, Retrainer, penalised_by
from influencelab.models import derivatives
from influencelab.models.proximal import proximal, proximal_bregman_response
from influencelab.models.shapes import KN, KP
from influencelab.training.fit import Fit
from influencelab.training.minimum import DENSE, LEFT, POLISHED, polish
from influencelab.training.separation import held_by_classes, unbounded
from influencelab.training.trainer import Trainer, small_gradient
from influencelab.training.trainers.newton import Newton

# Models in one batch at most, and numbers up to which the outputs of more are still in the cache.
MODELS, CACHED = 256, 2**19
# Shares of its own tolerance that the safeguarded trainer is asked for, one after the other, until a model passes.
TIGHTER = (1.0, 1e-2, 1e-4, 1e-6)
# Residuals that conjugate gradients may leave: of a chord step, which the next one mends, and of what is judged by.
NEARLY, JUDGED = 1e-4, 1e-6
# Points on the line from the fit to the retrained model at which a barrier is looked for.
LINE = 9
# A share of a test loss in place of the changes predicted for it, where they are all 0.
UNCHANGED = 1e-6
# What is minimised: the objective itself, the same held to the fit's θ, or the proximal Bregman response.
TARGETS = ("loss", "proximal", "pbrf")


@dataclass(frozen=True)
class SecondOrder(Retrainer):
    """Warm, to the minimum: chord Newton from the fit, then safeguarded steps for what did not contract.

    Networks that did not contract take L-BFGS steps in the metric of the fit's curvature, and one of Newton's that
    looks for negative curvature too; the trainer goes on with those that this leaves at no minimum.

    A model has converged when ‖∇J‖ ≤ tolerance and what is left cannot matter: for every test point j,
    |s_jᵀ∇J| ≤ max(relative · |ΔL_j|, floor · RMS(ΔL_j)), with s_j = C⁻¹∇L_j, after at least one step, and the next
    chord step changes no test loss by more; where it went far, that step must also still contract. Models of the
    safeguarded trainer must also stay where they are, by the same measure, when it is asked for a gradient 100 times
    smaller: a loss without a minimum (an unpenalised intercept whose class lost its last point) goes on falling. The
    control must converge too.

    Attributes:
        trainer: takes over where chord steps do not contract: from the fit, and for networks what is left after L-BFGS.
        tolerance: largest ‖∇J‖ of a converged model.
        relative: what may still be missing, as a share of the loss change itself.
        floor: the same as a share of the RMS predicted change over all removals.
        max_steps: chord steps at most.
        passes: of L-BFGS at most, for networks that did not contract; 0 hands them to the trainer at once.
        damping: added to the preconditioner's curvature only; the truth does not depend on it.
        basin_factor: a step more than this many times the predicted one has left the basin.
        target: which objective is minimised (`proximal.py` has the formulas). `loss`: J itself. `proximal`: J plus
            (target_damping / 2) ‖θ − θˢ‖², with θˢ the fit. `pbrf`: the proximal Bregman response, whose answer to a
            removal is Gauss-Newton influence with that damping, to first order, even where the fit did not converge.
        target_damping: how strongly the target, not the preconditioner, holds on to θˢ; 0 for `loss`.
    """

    trainer: Trainer = field(default_factory=Newton)
    tolerance: float = 1e-8
    relative: float = 1e-5
    floor: float = 1e-6
    max_steps: int = 30
    passes: int = 80
    damping: float = 0.0
    basin_factor: float = 10.0
    target: str = "loss"
    target_damping: float = 0.0

    def __post_init__(self) -> None:
        check_recipe("hessian", self.damping)
        if self.target not in TARGETS:
            raise InvalidParameter(f"target is '{self.target}', expected one of {', '.join(TARGETS)}.")
        if not 0 <= self.target_damping < float("inf"):
            raise InvalidParameter(f"target_damping is {self.target_damping}, expected a finite number ≥ 0.")
        if self.target == "loss" and self.target_damping:
            raise InvalidParameter("target 'loss' holds on to nothing: use 'proximal' with that target_damping.")
        if min(self.tolerance, self.floor, self.max_steps, self.basin_factor) <= 0 or self.relative < 0:
            raise InvalidParameter("tolerance, floor, max_steps and basin_factor must be > 0, and relative ≥ 0.")
        if self.passes < 0:
            raise InvalidParameter(f"passes is {self.passes}, expected a number ≥ 0.")

    def batch_limits(self, fit: Fit) -> tuple[int, int]:
        """256 models, of linear tasks with few points more; each has weights, residuals, parameters and steps."""
        few = CACHED // (fit.data.n * fit.task.output_loss.size(fit.data)) if fit.task.linear else 0
        return max(MODELS, few), 2 * fit.data.n + 4 * len(fit.theta)

    def batch_trainer(self, fit: Fit, perturbation: Perturbation) -> Callable[[Problem], Part]:
        """Every batch to the minimum of the target, under one convergence test."""
        aim = self.aim(fit)
        # What is missing is judged by the curvature itself: damping would make it look smaller than it is.
        curvature = Curvature(aim, tolerance=JUDGED)
        test = self.convergence_test(curvature, perturbation)
        if aim.task.convex:
            curvature.check_rounding()
        return partial(self.part, fit, aim, test)

    def aim(self, fit: Fit) -> Fit:
        """The same model seen as a fit of the target: what to start from, and how far from its minimum that is."""
        if self.target == "loss":
            return fit
        if self.target == "proximal":
            task = proximal(fit.task, fit.theta, damping=self.target_damping)
        else:
            task = proximal_bregman_response(fit.task, fit.data, fit.theta, fit.weights, damping=self.target_damping)
        return replace(fit, task=task, loss=math.nan)

    def convergence_test(self, curvature: Curvature, perturbation: Perturbation) -> ConvergenceTest:
        """The test that every model must pass, from the first-order effect of the experiments themselves."""
        fit = curvature.fit
        gradients = fit.measure_gradients()
        if fit.task.convex and fit.converged:
            # A test loss with a slope where nothing curves J has many truths: this refuses it.
            sensitivity = curvature.solve(gradients.T).values
        else:
            sensitivity = curvature.inverse_products(gradients.T)
        if isinstance(perturbation, Removals):
            # Renormalising moves all experiments alike, which is no measure of what one of them does.
            perturbation = replace(perturbation, convention="drop")
        scale = perturbation.change_along(fit, sensitivity.T).square().mean(0).sqrt()
        # Where nothing is predicted to change, as where nothing is removed, a share of the loss is the measure.
        scale = scale.where(scale > 0, UNCHANGED * fit.measures().abs())
        # Where training goes on, every change holds its progress too: a share of that is no share of the removal.
        relative = self.relative if fit.converged else 0.0
        tolerance = small_gradient(self.tolerance, fit.task, fit.data, fit.weights[None])
        return ConvergenceTest(sensitivity, scale, tolerance, relative, self.floor)

    def part(self, fit: Fit, aim: Fit, test: ConvergenceTest, problem: Problem) -> Part:
        """Chord steps, then the safeguarded trainer for the rest, then the tests."""
        seen = aim if problem.fit is fit else self.aim(problem.fit)
        # The same θ and the same curvature: what is computed of one serves the other.
        FACTORS_OF[seen] = FACTORS_OF.setdefault(aim, {})
        curvature = Curvature(penalised_by(seen, problem.weight_decay), damping=self.damping, tolerance=NEARLY)
        seen, weights, chord = curvature.fit, problem.weights, chord_of(curvature, problem)
        descent = descend(chord, problem, test, max_steps=self.max_steps)
        theta, gradient, passed = descent.theta, descent.gradient, descent.passed
        endless = torch.zeros_like(passed)
        # Without a minimum every further step is one of many, and on its tail the fit's own models pass any test.
        doubtful = (~passed | (not seen.converged)).nonzero()[:, 0]
        for row in doubtful[~held_by_classes(seen.task, seen.data, weights[doubtful])].tolist():
            if unbounded(seen.task, seen.data, weights[row], theta=seen.theta):
                endless[row], passed[row] = True, False
        rest = (~passed & ~endless).nonzero()[:, 0]
        if len(rest) and self.passes and not seen.task.convex:
            found = minimise_from_fit(curvature, weights[rest], test, passes=self.passes)
            theta[rest], gradient[rest], passed[rest] = found
            rest = rest[~passed[rest]]
        if len(rest):
            go_on = self.polished if seen.task.convex and len(seen.theta) <= DENSE else self.safeguarded
            theta[rest], gradient[rest], passed[rest] = go_on(seen, theta[rest], weights[rest], test)
        return Part(
            models=problem.models,
            change=seen.measures_at(theta) - seen.measures(),
            grad_norm=gradient.norm(dim=1),
            converged=passed & chord.amplification.isfinite(),
            same_basin=self.same_basin(seen, problem, theta, descent),
            steps=descent.steps,
        )

    def safeguarded(self, fit: Fit, start: KP, weights: KN, test: ConvergenceTest) -> tuple[KP, KP, Bool[Tensor, " k"]]:
        """θ of each model after the trainer, ∇J there, and whether it passed the test and stays."""
        theta, before = start.clone(), fit.measures()
        gradient, change = torch.zeros_like(theta), before.new_zeros(len(weights), len(before))
        passed, rest = torch.zeros_like(weights[:, 0]).bool(), torch.arange(len(weights), device=weights.device)
        for tighter in TIGHTER:
            trainer = replace(self.trainer, tolerance=tighter * self.trainer.tolerance)
            trained = trainer.train(fit.task, fit.data, theta[rest], weights[rest])
            theta[rest], earlier = trained.theta, change[rest]
            gradient[rest] = derivatives.gradients(fit.task, fit.data, trained.theta, weights[rest])
            change[rest] = fit.measures_at(trained.theta) - before
            if tighter < 1:
                stays = ((change[rest] - earlier).abs() <= test.allowed(change[rest])).all(1)
                passed[rest] = stays & test.passed(gradient[rest], change[rest])
            rest = rest[~passed[rest] & trained.converged]
            if not len(rest):
                break
        return theta, gradient, passed

    def polished(self, fit: Fit, start: KP, weights: KN, test: ConvergenceTest) -> tuple[KP, KP, Bool[Tensor, " k"]]:
        """The same for convex tasks of few parameters: Newton's own steps, while they shrink.

        Where they do not arrive, the trainer goes before them; and where a small gradient proves nothing, as far along
        a tail, they lead nowhere until it is smaller still.
        """
        theta, before = start.clone(), fit.measures()
        passed, rest = torch.zeros_like(weights[:, 0]).bool(), torch.arange(len(weights), device=weights.device)
        for tighter in (None, *TIGHTER):
            if tighter is not None and len(rest):
                trainer = replace(self.trainer, tolerance=tighter * self.trainer.tolerance)
                trained = trainer.train(fit.task, fit.data, theta[rest], weights[rest])
                theta[rest], rest = trained.theta, rest[trained.converged]
            if not len(rest):
                break
            enough = 0.0 if tighter else POLISHED
            there, step, left = polish(fit.task, fit.data, theta[rest], weights[rest], enough=enough)
            change, next_change = (fit.measures_at(each) - before for each in (there, there + step))
            stays = ((next_change - change).abs() <= test.allowed(change)).all(1)
            theta[rest], passed[rest] = there, stays & (left <= LEFT)
            rest = rest[~passed[rest]]
        return theta, derivatives.gradients(fit.task, fit.data, theta, weights), passed

    def same_basin(self, fit: Fit, problem: Problem, theta: KP, descent: NewtonResult) -> Bool[Tensor, " k"]:
        """No barrier in J on the straight line from the fit, and no step far beyond the predicted one.

        A fit that is no minimum has no basin yet: the minimum that its control went on to then stands in its place.
        """
        if fit.task.convex:
            return torch.ones_like(descent.passed)
        if not fit.converged and 0 not in problem.models:
            # The control under another objective is not known.
            return torch.zeros_like(descent.passed)
        origin = fit.theta if fit.converged else theta[0]
        moved = theta - origin
        places = [origin + share * moved for share in torch.linspace(0, 1, LINE).tolist()]
        heights = torch.stack([derivatives.objectives(fit.task, fit.data, each, problem.weights) for each in places])
        slack = 1e-12 * heights[0].abs()
        near = moved.norm(dim=1) <= self.basin_factor * descent.first_step + 1e-9 * fit.theta.norm()
        return near & (heights <= heights[0] + slack).all(0)
