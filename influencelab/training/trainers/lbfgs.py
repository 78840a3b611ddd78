"""Limited-memory BFGS: few passes over the data, no Hessian; for convex models of any size."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP, K
from influencelab.models.task import Task
from influencelab.training.deadline import out_of_time
from influencelab.training.line_search import LineSearch, search
from influencelab.training.trainer import Batched, Trained, Trainer, check_finite

# Refused steps in a row after which a direction is given up.
TRIALS = 30
# A pair whose curvature is below this share of its lengths is rounding, and is not remembered.
CURVATURE = 1e-12

# What a curvature known beforehand makes of each row: a first guess of H⁻¹ times it.
Guess = Callable[[KP], KP]


@dataclass(frozen=True)
class LBFGS(Trainer):
    """Each model has its own memory and its own line search; every pass serves all that have not converged.

    A step is one pass over the data for J and ∇J, whether the line search accepts it or not. A model whose search
    fails even along its gradient (its tolerance asks for more than rounding allows) stops unconverged.

    Attributes:
        memory: how many past moves the curvature is learnt from.
        max_steps: passes over the data at most.
    """

    memory: int = 20
    max_steps: int = 2000

    def __post_init__(self) -> None:
        if self.memory < 1 or self.max_steps < 0 or not self.tolerance > 0:
            raise InvalidParameter(
                f"memory is {self.memory}, max_steps {self.max_steps} and tolerance {self.tolerance}; "
                "expected memory ≥ 1, max_steps ≥ 0 and tolerance > 0."
            )

    def train(self, task: Task, data: Dataset, theta: KP, weights: KN, *, guess: Guess | None = None) -> Trained:
        """Train each model from its row of theta under its row of weights.

        Args:
            guess: of the inverse curvature, symmetric and positive, to which memories add. Where it is that of a model
                near by, as without one of its points, most models need a few passes.
        """
        values, gradients = derivatives.objectives_and_gradients(task, data, theta, weights)
        end, norms, steps = theta.clone(), gradients.norm(dim=-1), 0
        check_finite(values + norms, what="J or its gradient", when="at the start")
        tolerance = self.tolerance_of(task, data, weights)
        moving = norms > tolerance
        index = moving.nonzero().squeeze(1)
        iterates = start(theta[index], weights[index], values[index], gradients[index], memory=self.memory, guess=guess)
        while len(index) and steps < self.max_steps and not out_of_time():
            steps += 1
            stuck = iterates.advance(task, data, when=f"at step {steps}")
            end[index], norms[index] = iterates.theta, iterates.gradient.norm(dim=-1)
            moving = (norms[index] > tolerance) & ~stuck
            if not moving.all():
                iterates, index = iterates.take(moving), index[moving]
        return Trained(theta=end, grad_norm=norms, converged=norms <= tolerance, steps=steps)


@dataclass(eq=False)
class InverseCurvature(Batched):
    """The inverse curvature that each model learnt, from a ring of entries written in place: the largest thing here.

    Attributes:
        moves: past steps.
        changes: of ∇J over each of them.
        curvatures: moves · changes.
        inverse: R⁻¹, with R[i, j] = moves i · changes j where i is no younger than j, else 0. A row and a column of
            zeros make an entry count for nothing.
        count: how many pairs each model has remembered.
        guess: of the inverse curvature before anything was remembered; None for a number learnt from the last pair.
    """

    moves: Float[Tensor, "k memory p"]
    changes: Float[Tensor, "k memory p"]
    curvatures: Float[Tensor, "k memory"]
    inverse: Float[Tensor, "k memory memory"]
    count: Int[Tensor, " k"]
    guess: Guess | None

    def remember(self, moved: KP, changed: KP, *, where: Bool[Tensor, " k"]) -> None:
        """Keep one more pair of some models, in place of their oldest, where its curvature is not rounding."""
        curvature = torch.linalg.vecdot(moved, changed)
        real = where & (curvature > CURVATURE * moved.norm(dim=-1) * changed.norm(dim=-1))
        rows = real.nonzero().squeeze(1)
        at = self.count[rows] % self.moves.shape[1]
        self.moves[rows, at], self.changes[rows, at] = moved[rows], changed[rows]
        self.curvatures[rows, at] = curvature[rows]
        self.count[rows] += 1
        # The oldest leaves R with its first row and column, the youngest joins it with a last column: so does R⁻¹.
        self.inverse[rows, at], self.inverse[rows, :, at] = 0.0, 0.0
        column = -times(times(changed, self.moves.mT), self.inverse.mT)[rows] / curvature[rows, None]
        column[torch.arange(len(rows), device=rows.device), at] = 1 / curvature[rows]
        self.inverse[rows, :, at] = column

    def forget(self, rows: Bool[Tensor, " k"]) -> None:
        """Let these models start afresh."""
        self.inverse[rows] = 0.0
        self.count[rows] = 0

    def directions(self, gradient: KP) -> KP:
        """Minus the inverse curvature times ∇J.

        The two loops of Nocedal & Wright (2006), algorithm 7.4, each as one triangular solve, so that moves and changes
        are read twice: (1 − S R⁻ᵀ Yᵀ) H₀ (1 − Y R⁻¹ Sᵀ) + S R⁻ᵀ D R⁻¹ Sᵀ, with D the curvatures.
        """
        shares = times(times(-gradient, self.moves.mT), self.inverse.mT)
        rest = -gradient - times(shares, self.changes)
        rest = self.scales(gradient)[:, None] * rest if self.guess is None else self.guess(rest)
        back = times(self.curvatures * shares - times(rest, self.changes.mT), self.inverse)
        return rest + times(back, self.moves)

    def scales(self, gradient: KP) -> K:
        """One number for the inverse curvature: from the last pair, or such that a first step has length ≤ 1."""
        every = torch.arange(len(gradient), device=gradient.device)
        at = (self.count - 1) % self.moves.shape[1]
        learnt = self.curvatures[every, at] / self.changes[every, at].square().sum(-1)
        return learnt.where(self.count > 0, 1 / gradient.norm(dim=-1).clamp(min=1))


def times(vectors: Float[Tensor, "k g"], matrices: Float[Tensor, "k g h"]) -> Float[Tensor, "k h"]:
    """Each vector times its own matrix; a row from the left, which is five times as fast as a column from the right."""
    return torch.bmm(vectors[:, None], matrices).squeeze(1)


@dataclass(eq=False)
class Iterates(Batched):
    """The models that have not converged yet, updated in place: J and ∇J at θ, line search and inverse curvature."""

    theta: KP
    weights: KN
    value: K
    gradient: KP
    direction: KP
    search: LineSearch
    memory: InverseCurvature

    def advance(self, task: Task, data: Dataset, *, when: str) -> Bool[Tensor, " k"]:
        """Try one step of every model; gives which can go no further.

        Raises NotFinite where J or ∇J was NaN or infinite however short a model's step.
        """
        theta = self.theta + self.search.step[:, None] * self.direction
        value, gradient = derivatives.objectives_and_gradients(task, data, theta, self.weights)
        slope = torch.linalg.vecdot(gradient, self.direction)
        descended = self.search.descends(value, slope) & slope.isfinite()
        accepted = descended & self.search.flattens(slope)
        self.search = self.search.refused(slope, too_long=~descended)
        lost = ~accepted & (self.search.trials > TRIALS)
        stuck = lost & (self.memory.count == 0)
        check_finite((value + slope)[stuck], what="J or its gradient", when=when)
        self.memory.forget(lost)
        self.memory.remember(theta - self.theta, gradient - self.gradient, where=accepted)
        self.theta, self.value = theta.where(accepted[:, None], self.theta), value.where(accepted, self.value)
        self.gradient = gradient.where(accepted[:, None], self.gradient)
        self.turn(accepted | lost)
        return stuck

    def turn(self, turning: Bool[Tensor, " k"]) -> None:
        """Give some models a new direction and a new search; downhill, whatever rounding did to the memory."""
        rows = turning.nonzero().squeeze(1)
        if not len(rows):
            return
        direction = self.memory.directions(self.gradient)
        uphill = torch.linalg.vecdot(self.gradient, direction) >= 0
        direction = direction.where(~uphill[:, None], -self.gradient)
        self.direction = direction.where(turning[:, None], self.direction)
        slope = torch.linalg.vecdot(self.gradient, self.direction)
        self.search = self.search.put(rows, search(self.value[rows], slope[rows]))


def start(theta: KP, weights: KN, value: K, gradient: KP, *, memory: int, guess: Guess | None) -> Iterates:
    """Models that have learnt nothing yet, whose first direction is the steepest, or the guess's."""
    models, parameters = theta.shape
    none = torch.zeros_like(value)
    learnt = InverseCurvature(
        moves=theta.new_zeros(models, memory, parameters),
        changes=theta.new_zeros(models, memory, parameters),
        curvatures=theta.new_zeros(models, memory),
        inverse=theta.new_zeros(models, memory, memory),
        count=none.long(),
        guess=guess,
    )
    iterates = Iterates(theta, weights, value, gradient, torch.zeros_like(theta), search(none, none), learnt)
    iterates.turn(none == 0)
    return iterates
