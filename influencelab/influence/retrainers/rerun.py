"""Published protocols: training run again on what a perturbation leaves, for a stated number of steps."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from influencelab.data.perturbation import Perturbation
from influencelab.errors import InvalidParameter
from influencelab.influence.retrainer import Part, Problem, Retrainer, in_place, joined, penalised_by
from influencelab.training.first_order import FirstOrder
from influencelab.training.fit import Fit
from influencelab.training.trainer import Memory, Trainer

STARTS = ("warm", "cold")
# Experiments of one batch, at most: each batch trains a control of its own, and reports progress. All flowers of
# Iris are one batch.
MODELS = 160


@dataclass(frozen=True)
class Rerun(Retrainer):
    """The trainer again, from the fit or from the fit's own start, and wherever it then stops.

    The control, trained on all points in the same way, is subtracted: `values` is what the removal did, not what the
    extra training did. It is a row of every batch. Where the trainer draws batches, they are the same for all models
    and a removed point keeps its place with weight 0, unless the trainer has `paired=False`: then each model draws its
    own, the control of every batch being the same. The same recipe with another `seed` of its trainer is another,
    independent draw of the same truth.

    Attributes:
        trainer: how the models are trained; None is the fit's own trainer, all of its steps.
        start: `warm` goes on from the fit, `cold` starts again from the parameters that the fit started from.
        restore: whether a warm start also takes up the fit's running means, number of steps and place in its batches,
            as loading a whole checkpoint does. If not, these start afresh.
        last_layer: whether only the last layer of a network is trained, on what the fit's other layers make of the
            points (Epifano et al. 2023). ‖∇J‖ is then of the last layer.
        require_converged: whether a model, and its control, must pass the trainer's own test of a minimum to count as
            converged. Published protocols stop after a stated number of steps, so by default a finite result will do,
            and `converged` means nothing more.
    """

    trainer: Trainer | None = None
    start: str = "warm"
    restore: bool = False
    last_layer: bool = False
    require_converged: bool = False

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise InvalidParameter(f"start is '{self.start}', expected one of {', '.join(STARTS)}.")
        if self.restore and self.start == "cold":
            raise InvalidParameter("restore=True takes up the fit's running means: it needs start='warm'.")

    def batch_limits(self, fit: Fit) -> tuple[int, int]:
        """160 models; each has weights and parameters."""
        return MODELS, fit.data.n + len(fit.theta)

    def batch_trainer(self, fit: Fit, perturbation: Perturbation) -> Callable[[Problem], Part]:
        """All models of a batch from the same start, each trained on what its experiment leaves."""
        trainer = self.trainer or fit.trainer

        def train(problem: Problem) -> Part:
            # A point of no weight would still take its turn in batches, and in trainers that go from point to point.
            appended = isinstance(trainer, FirstOrder) and trainer.batches.full(problem.fit.data.n)
            return joined([self.part(each, trainer) for each in ([problem] if appended else in_place(problem))])

        return train

    def part(self, problem: Problem, trainer: Trainer) -> Part:
        """Each model from its start, under its own weights, and how far it moved the test losses."""
        fit, weights = penalised_by(problem.fit, problem.weight_decay), problem.weights
        fit = last_layer(fit) if self.last_layer else fit
        theta = (fit.theta if self.start == "warm" else fit.start).repeat(len(weights), 1)
        memory = self.memory(fit, trainer, count=len(weights))
        if isinstance(trainer, FirstOrder):
            # The control is always model 0, so that it is the same in every batch whatever the models draw.
            trained = trainer.train(fit.task, fit.data, theta, weights, memory=memory, models=problem.models)
        else:
            trained = trainer.train(fit.task, fit.data, theta, weights)
        change = fit.measures_at(trained.theta) - fit.measures()
        finite = change.isfinite().all(1)
        converged = trained.converged if self.require_converged else finite
        steps = torch.full_like(finite, trained.steps, dtype=torch.int64)
        return Part(problem.models, change, trained.grad_norm, converged & finite, torch.ones_like(finite), steps)

    def memory(self, fit: Fit, trainer: Trainer, *, count: int) -> Memory | None:
        """The memory of the fit's trainer, for each of the models; None where it is not asked for."""
        if not self.restore:
            return None
        if fit.memory is None or not isinstance(trainer, FirstOrder):
            raise InvalidParameter(
                f"restore=True needs a fit and a retraining with running means (adam, sgd, gradient_descent); the fit "
                f"is by {type(fit.trainer).__name__} and the retraining by {type(trainer).__name__}."
            )
        return fit.memory.each(lambda part: part.repeat(count, 1))


def last_layer(fit: Fit) -> Fit:
    """The fit's last layer alone: a linear model of the last hidden activations of each point."""
    task, data = fit.task.last_layer(fit.data, fit.theta)
    last = slice(-fit.task.last_layer_size(fit.data), None)
    memory = fit.memory and fit.memory.each(lambda part: part[:, last])
    return replace(fit, task=task, data=data, start=fit.start[last], theta=fit.theta[last], memory=memory)
