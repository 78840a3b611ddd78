"""One trainer after another: the recipe that brings networks from a random start to a true minimum."""

from dataclasses import dataclass, field, replace

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.shapes import KN, KP
from influencelab.models.task import Task
from influencelab.training.trainer import Trained, Trainer
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton


@dataclass(frozen=True)
class Sequential(Trainer):
    """Trains with `first`, then hands every model to `then`, which has the last word on what has converged.

    By default L-BFGS goes the long way with gradients alone, and Newton's method goes the last steps, out of saddle
    points too, with dense Hessians: a model then counts as converged only where no curvature is negative.

    Attributes:
        first: takes every model as far as its own settings say, converged or not.
        then: takes over from there.
        tolerance: ‖∇J‖ at which `then` stops, whatever its own settings say. It is small because a network of a small
            weight decay has curvatures of 1e-6, along which a gradient of 1e-8 still leaves a step of 0.01.
    """

    first: Trainer = field(default_factory=lambda: LBFGS(tolerance=1e-6, max_steps=8000))
    then: Trainer = field(default_factory=Newton)
    tolerance: float = 1e-11

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise InvalidParameter(f"tolerance is {self.tolerance}, expected a number > 0.")

    def train(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Train each model from its row of theta under its row of weights."""
        before = self.first.train(task, data, theta, weights)
        trained = replace(self.then, tolerance=self.tolerance).train(task, data, before.theta, weights)
        return replace(trained, steps=before.steps + trained.steps)
