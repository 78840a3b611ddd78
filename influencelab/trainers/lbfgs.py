"""Limited-memory BFGS: few passes over the data, no Hessian; for convex models of any size."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab import derivatives
from influencelab.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.line_search import LineSearch, search
from influencelab.task import Task
from influencelab.trainer import Trained, Trainer, check_finite

# Refused steps in a row after which a direction is given up.
TRIALS = 30
# A pair whose curvature is below this share of its lengths is rounding, and is not remembered.
CURVATURE = 1e-12

# What a curvature known beforehand makes of each row: a first guess of H⁻¹ times it.
Guess = Callable[[Float[Tensor, "k p"]], Float[Tensor, "k p"]]


@dataclass(frozen=True)
class LBFGS(Trainer):
    """Each model has its own memory and its own line search; every pass serves all that are still on their way.

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

    def train(self, task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]) -> Trained:
        """Train each model from its row of theta under its row of weights."""
        return self.train_with(None, task, data, theta, weights)

    def train_with(
        self,
        guess: Guess | None,
        task: Task,
        data: Dataset,
        theta: Float[Tensor, "k p"],
        weights: Float[Tensor, "k n"],
    ) -> Trained:
        """The same with a first guess of the inverse curvature, symmetric and positive, to which memories add.

        Where the guess is that of a model near by, as without one of its points, most models need a few passes.
        """
        values, gradients = derivatives.objectives_and_gradients(task, data, theta, weights)
        end, norms, steps = theta.clone(), gradients.norm(dim=-1), 0
        check_finite(values + norms, what="J or its gradient", when="at the start")
        moving = norms > self.tolerance
        index = moving.nonzero().squeeze(1)
        travel = set_out(
            theta[moving], weights[moving], values[moving], gradients[moving], memory=self.memory, guess=guess
        )
        while len(index) and steps < self.max_steps:
            steps += 1
            stuck = travel.advance(task, data, when=f"at step {steps}")
            end[index], norms[index] = travel.theta, travel.gradient.norm(dim=-1)
            moving = (norms[index] > self.tolerance) & ~stuck
            if not moving.all():
                travel, index = travel.take(moving), index[moving]
        return Trained(theta=end, grad_norm=norms, converged=norms <= self.tolerance, steps=steps)


@dataclass(eq=False)
class Memory:
    """What each model learnt of its curvature, in a ring of entries written in place: the largest thing here.

    Attributes:
        moves: past steps.
        bends: how ∇J changed over each of them.
        curvatures: moves · bends; infinite where nothing is remembered, which makes an entry harmless.
        count: how many pairs each model has remembered.
        guess: of the inverse curvature before anything was remembered; None for a number learnt from the last pair.
    """

    moves: Float[Tensor, "k memory p"]
    bends: Float[Tensor, "k memory p"]
    curvatures: Float[Tensor, "k memory"]
    count: Int[Tensor, " k"]
    guess: Guess | None

    def remember(self, rows: Int[Tensor, " b"], moved: Float[Tensor, "b p"], bent: Float[Tensor, "b p"]) -> None:
        """Keep one more pair of these models, in place of their oldest, where its curvature is not rounding."""
        curvature = torch.linalg.vecdot(moved, bent)
        real = curvature > CURVATURE * moved.norm(dim=-1) * bent.norm(dim=-1)
        rows = rows[real]
        at = self.count[rows] % self.moves.shape[1]
        self.moves[rows, at], self.bends[rows, at] = moved[real], bent[real]
        self.curvatures[rows, at] = curvature[real]
        self.count[rows] += 1

    def forget(self, rows: Bool[Tensor, " k"]) -> None:
        """Let these models start afresh."""
        self.curvatures[rows] = float("inf")
        self.count[rows] = 0

    def directions(self, rows: Int[Tensor, " b"], gradient: Float[Tensor, "b p"]) -> Float[Tensor, "b p"]:
        """Minus the inverse curvature times ∇J (Nocedal & Wright 2006, algorithm 7.4)."""
        result, shares = -gradient, []
        count, size = self.count[rows], self.moves.shape[1]
        depth = min(size, int(count.max()))
        for back in range(1, depth + 1):
            at = (count - back) % size
            shares.append(torch.linalg.vecdot(self.moves[rows, at], result) / self.curvatures[rows, at])
            result -= shares[-1][:, None] * self.bends[rows, at]
        result = self.scales(rows, gradient)[:, None] * result if self.guess is None else self.guess(result)
        for back in range(depth, 0, -1):
            at = (count - back) % size
            share = torch.linalg.vecdot(self.bends[rows, at], result) / self.curvatures[rows, at]
            result += (shares[back - 1] - share)[:, None] * self.moves[rows, at]
        return result

    def scales(self, rows: Int[Tensor, " b"], gradient: Float[Tensor, "b p"]) -> Float[Tensor, " b"]:
        """One number for the inverse curvature: from the last pair, or such that a first step has length ≤ 1."""
        at = (self.count[rows] - 1) % self.moves.shape[1]
        learnt = self.curvatures[rows, at] / self.bends[rows, at].square().sum(-1)
        return learnt.where(self.count[rows] > 0, 1 / gradient.norm(dim=-1).clamp(min=1))

    def take(self, rows: Bool[Tensor, " k"]) -> "Memory":
        """What some of the models learnt."""
        return Memory(self.moves[rows], self.bends[rows], self.curvatures[rows], self.count[rows], self.guess)


@dataclass(eq=False)
class Travel:
    """The models still on their way, updated in place.

    Attributes:
        theta: where each is.
        weights: of its training points.
        value: J there.
        gradient: ∇J there.
        direction: where it tries to go.
        search: how far it tries to go.
        memory: what it knows of its curvature.
    """

    theta: Float[Tensor, "k p"]
    weights: Float[Tensor, "k n"]
    value: Float[Tensor, " k"]
    gradient: Float[Tensor, "k p"]
    direction: Float[Tensor, "k p"]
    search: LineSearch
    memory: Memory

    def advance(self, task: Task, data: Dataset, *, when: str) -> Bool[Tensor, " k"]:
        """Try one step of every model; says which can go no further.

        Raises:
            NotFinite: however short a model's step, J or ∇J was NaN or infinite.
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
        rows = accepted.nonzero().squeeze(1)
        self.memory.forget(lost)
        self.memory.remember(rows, (theta - self.theta)[rows], (gradient - self.gradient)[rows])
        self.theta, self.value = theta.where(accepted[:, None], self.theta), value.where(accepted, self.value)
        self.gradient = gradient.where(accepted[:, None], self.gradient)
        self.turn(accepted | lost)
        return stuck

    def turn(self, turning: Bool[Tensor, " k"]) -> None:
        """Give some models a new direction and a new search; downhill, whatever rounding did to the memory."""
        rows = turning.nonzero().squeeze(1)
        if not len(rows):
            return
        gradient = self.gradient[rows]
        direction = self.memory.directions(rows, gradient)
        uphill = torch.linalg.vecdot(gradient, direction) >= 0
        direction[uphill] = -gradient[uphill]
        self.direction[rows] = direction
        slope = torch.linalg.vecdot(self.gradient, self.direction)
        self.search = self.search.but(search(self.value, slope), rows=turning)

    def take(self, rows: Bool[Tensor, " k"]) -> "Travel":
        """Some of the models."""
        return Travel(
            theta=self.theta[rows],
            weights=self.weights[rows],
            value=self.value[rows],
            gradient=self.gradient[rows],
            direction=self.direction[rows],
            search=self.search.take(rows),
            memory=self.memory.take(rows),
        )


def set_out(
    theta: Float[Tensor, "k p"],
    weights: Float[Tensor, "k n"],
    value: Float[Tensor, " k"],
    gradient: Float[Tensor, "k p"],
    *,
    memory: int,
    guess: Guess | None,
) -> Travel:
    """Models that have learnt nothing yet, whose first direction is the steepest, or the guess's."""
    models, parameters = theta.shape
    none = torch.zeros_like(value)
    learnt = Memory(
        moves=theta.new_zeros(models, memory, parameters),
        bends=theta.new_zeros(models, memory, parameters),
        curvatures=theta.new_full((models, memory), float("inf")),
        count=none.long(),
        guess=guess,
    )
    travel = Travel(theta, weights, value, gradient, torch.zeros_like(theta), search(none, none), learnt)
    travel.turn(none == 0)
    return travel
