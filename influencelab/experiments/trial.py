"""Recipe of one comparison: fit, estimate, retrain, and compare predicted with actual loss changes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbations.removals import Removals
from influencelab.data.removals import Groups, leave_one_out
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter, MissingData, require
from influencelab.experiments.outcome import Outcome, facts_of, outcome_from
from influencelab.experiments.selection import Selection, removed_rows
from influencelab.experiments.selections.everything import Everything
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.task import Task
from influencelab.recipe import Progress, Recipe, kind_name, stage, unheard
from influencelab.training.fit import Fit, fit, fit_from
from influencelab.training.trainer import Memory, Trained, Trainer

__all__ = ["Trial"]

# Shares of a trial's time, for the progress bar: fitting, estimating, retraining.
SHARES = (0.15, 0.35, 0.5)


@dataclass(frozen=True)
class Trial(Recipe):
    """A recipe for one comparison of predictions with truth.

    Attributes:
        source: the data.
        task: the model and its objective.
        trainer: how it is fitted.
        estimators: by the name that their numbers bear; the first one's values decide what `top` removes.
        selections: the pairs of removal and test point that are compared; all of their points are retrained once.
        targets: how each truth is found, by the name that its numbers bear: retraining warm and cold are two targets.
        convention: `drop` or `renormalise`, for predictions and truth alike.
        groups: removes groups of points instead of single ones; the selections then have no say.
        seed: of the start.
    """

    source: Source
    task: Task
    trainer: Trainer
    estimators: Mapping[str, Estimator]
    selections: tuple[Selection, ...] = (Everything(),)
    targets: Mapping[str, Retrainer] = field(default_factory=lambda: {"warm": SecondOrder()})
    convention: str = "drop"
    groups: Groups | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for noun, held in ((Estimator, self.estimators), (Retrainer, self.targets)):
            what = f"{'estimators' if noun is Estimator else 'targets'} of Trial"
            require(held, Mapping, what=what, cure="Give each with a name, such as {'exact': il.Exact()}.")
            for name, kind in held.items():
                require(kind, noun, what=f"{what}, '{name}',")
        labels = [kind_name(kind) for kind in self.selections]
        if not labels or len(set(labels)) != len(labels):
            raise InvalidParameter(f"selections are {labels}; expected at least one, and each kind once.")
        if not self.estimators or not self.targets:
            raise InvalidParameter("a trial needs at least one estimator and one target, each with a name.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Fit, estimate and retrain on a device; `progress` is called with the share done, 0 … 1."""
        report, started = progress or unheard, time.perf_counter()
        data = self.source.load().to(device)
        fitted = fit(self.task, data, self.trainer, seed=self.seed)
        fit_seconds, estimates = time.perf_counter() - started, {}
        for count, (name, estimator) in enumerate(self.estimators.items()):
            report(SHARES[0] + SHARES[1] * count / len(self.estimators))
            estimates[name] = estimator.estimate(fitted)
        removals, chosen = self.experiments(data, next(iter(estimates.values())))
        # Before the long part, so that an estimator that does not speak of this convention is refused at once.
        predicted = {name: estimate.predict(removals).cpu() for name, estimate in estimates.items()}
        long, each, truths = stage(report, sum(SHARES[:2]), 1.0), 1 / len(self.targets), {}
        for count, (name, retrainer) in enumerate(self.targets.items()):
            own = stage(long, count * each, (count + 1) * each)
            truths[name] = retrainer.retrain(fitted, removals, progress=own)
        facts = facts_of(fitted, estimates, truths, removals=removals, fit_seconds=fit_seconds)
        return outcome_from(fitted, removals=removals, chosen=chosen, predicted=predicted, truths=truths, facts=facts)

    def fit_of(self, outcome: Outcome, *, device: str = "cpu") -> Fit:
        """The fit that an outcome of this trial came from, made again from its stored parameters: nothing is trained.

        A MissingData error where it keeps none, or the source now gives other data.
        """
        facts, memory, data = outcome.facts, outcome.memory, self.source.load().to(device)
        if outcome.theta is None:
            raise MissingData("This outcome keeps no parameters of a fit. Run its trial again, which stores them.")
        if data.content_hash() != facts["data_hash"]:
            raise MissingData(
                f"{data.name} is not the data that this outcome was made from: give the outcome's own trial, or run it "
                "again."
            )
        theta = outcome.theta[None].to(device)
        trained = Trained(
            theta=theta,
            grad_norm=theta.new_tensor([facts["fit_grad_norm"]]),
            converged=torch.tensor([facts["fit_converged"]], device=device),
            steps=facts["fit_steps"],
            memory=memory and Memory(memory.steps, tuple(part.to(device) for part in memory.buffers)),
        )
        return fit_from(trained, task=self.task, data=data, trainer=self.trainer, seed=self.seed)

    def removals_of(self, outcome: Outcome, data: Dataset) -> Removals:
        """The removals that the rows of an outcome of this trial stand for."""
        if self.groups is not None:
            return self.groups.removals(data.n, convention=self.convention)
        place = {point: row for row, point in enumerate(data.train_ids.tolist())}
        rows = torch.tensor([place[point] for point in outcome.train_ids.tolist()])
        return leave_one_out(data.n, rows=rows, convention=self.convention)

    def experiments(self, data: Dataset, first: Estimate) -> tuple[Removals, dict[str, Bool[Tensor, "r m"]]]:
        """The removals, and the pairs of removal and test point that each selection takes in."""
        if self.groups is not None:
            removals = self.groups.removals(data.n, convention=self.convention)
            return removals, {"everything": torch.ones(removals.count, data.m, dtype=torch.bool)}
        chosen = {kind_name(selection): selection.pairs(first) for selection in self.selections}
        points = removed_rows(torch.stack(list(chosen.values())).any(0))
        removals = leave_one_out(data.n, rows=points, convention=self.convention)
        return removals, {name: pairs[points].cpu() for name, pairs in chosen.items()}


def trial_in(recipe: Any) -> Any:
    """The trial inside a recipe that adds to its outcome, such as a damping path's; any other recipe is its own."""
    return getattr(recipe, "trial", recipe)
