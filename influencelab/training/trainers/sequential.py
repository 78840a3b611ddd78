"""One trainer after another: the recipe that brings networks from a random start to a true minimum."""

from dataclasses import dataclass, field, replace

from jaxtyping import Bool
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, whole
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP
from influencelab.models.task import Task
from influencelab.training.deadline import out_of_time
from influencelab.training.trainer import Trained, Trainer
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton

# A share of J that a round must lower it by for another one to be worth its time.
FALLEN = 1e-6


@dataclass(frozen=True)
class Sequential(Trainer):
    """Trains with `first`, then hands every model to `then`, which has the last word on what has converged.

    By default L-BFGS goes the long way with gradients alone, and Newton's method goes the last steps, out of saddle
    points too, with dense Hessians: a model then counts as converged only where no curvature is negative. A model that
    Newton's steps leave in a long valley goes round again: gradients alone find the way out of most.

    Attributes:
        first: takes every model as far as its own settings say, converged or not.
        then: takes over from there.
        tolerance: ‖∇J‖ at which `then` stops, whatever its own settings say. It is small because a network of a small
            weight decay has curvatures of 1e-6, along which a gradient of 1e-8 still leaves a step of 0.01.
        rounds: times at most that a model goes through both; again only where J has fallen, and where the objective
            has no kinks, at which minima are none that either could reach.
    """

    first: Trainer = field(default_factory=lambda: LBFGS(tolerance=1e-6, max_steps=8000))
    then: Trainer = field(default_factory=Newton)
    tolerance: float = 1e-11
    rounds: int = 3

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise InvalidParameter(f"tolerance is {self.tolerance}, expected a number > 0.")
        whole(self.rounds, what="rounds", least=1)

    def train(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Train each model from its row of theta under its row of weights."""
        trained = self.once(task, data, theta, weights)
        rest, before = ~trained.converged, derivatives.objectives(task, data, theta, weights)
        for _ in range(1, self.rounds if task.kink is None else 1):
            after = derivatives.objectives(task, data, trained.theta, weights)
            rest, before = rest & (after < (1 - FALLEN) * before), after
            if not rest.any() or out_of_time():
                break
            again = self.once(task, data, trained.theta[rest], weights[rest])
            trained = put(trained, rest, again)
            rest = rest & ~trained.converged
        return trained

    def once(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Both trainers, one after the other."""
        before = self.first.train(task, data, theta, weights)
        trained = replace(self.then, tolerance=self.tolerance).train(task, data, before.theta, weights)
        return replace(trained, steps=before.steps + trained.steps)


def put(trained: Trained, rows: Bool[Tensor, " k"], again: Trained) -> Trained:
    """What some models came to in place of what they were at, all steps counted."""
    theta, norms, converged = trained.theta.clone(), trained.grad_norm.clone(), trained.converged.clone()
    theta[rows], norms[rows], converged[rows] = again.theta, again.grad_norm, again.converged
    return Trained(theta=theta, grad_norm=norms, converged=converged, steps=trained.steps + again.steps)
