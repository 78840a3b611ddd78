"""One cell of a study: fit, estimate, retrain, and keep predicted beside actual."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbations.removals import Removals
from influencelab.data.removals import Groups, leave_one_out
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter, UnknownName
from influencelab.experiments.comparison import array
from influencelab.experiments.selection import Selection, removed_rows
from influencelab.experiments.selections.everything import Everything
from influencelab.experiments.store import Entry
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.leverage import effective_parameters
from influencelab.influence.retrainer import Retrained, Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.task import Task
from influencelab.recipe import Progress, Recipe, kind_name, stage, unheard
from influencelab.statistics.comparison import Comparison
from influencelab.training.fit import Fit, fit
from influencelab.training.trainer import Trainer

__all__ = ["Outcome", "Trial", "vary"]

# What a study repeats: a trial, or a recipe around one.
Repeated = TypeVar("Repeated", bound=Recipe)
# Shares of a trial's time, for the progress bar: fitting, estimating, retraining.
SHARES = (0.15, 0.35, 0.5)
# An eigenvalue below minus this share of the largest is negative beyond rounding.
NEGATIVE = 1e-10


@dataclass(frozen=True)
class Trial(Recipe):
    """A recipe for one comparison of predictions with truth.

    Attributes:
        source: the data.
        task: the model and its objective.
        trainer: how it is fitted.
        estimators: who predicts, by the name that its numbers bear; the first one's values decide what `top` removes.
        selections: which removals are looked at; all of their points are retrained once.
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
        labels = [kind_name(kind) for kind in self.selections]
        if not labels or len(set(labels)) != len(labels):
            raise InvalidParameter(f"selections are {labels}; expected at least one, and each kind once.")
        if not self.estimators or not self.targets:
            raise InvalidParameter("a trial needs at least one estimator and one target, each with a name.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> "Outcome":
        """Do the work.

        Args:
            device: where the tensors live.
            progress: called with the share done, 0 … 1.
        """
        report = progress or unheard
        started = time.perf_counter()
        data = self.source.load().to(device)
        fitted = fit(self.task, data, self.trainer, seed=self.seed)
        fit_seconds = time.perf_counter() - started
        report(SHARES[0])
        estimates = {}
        for count, (name, estimator) in enumerate(self.estimators.items(), start=1):
            estimates[name] = estimator.estimate(fitted)
            report(SHARES[0] + SHARES[1] * count / len(self.estimators))
        removals, chosen = self.experiments(data, next(iter(estimates.values())))
        # Before the long part, so that an estimator that does not speak of this convention is refused at once.
        predicted = {name: estimate.predict(removals).cpu() for name, estimate in estimates.items()}
        truths = {}
        long = stage(report, sum(SHARES[:2]), 1.0)
        for count, (name, retrainer) in enumerate(self.targets.items()):
            own = stage(long, count / len(self.targets), (count + 1) / len(self.targets))
            truths[name] = retrainer.retrain(fitted, removals, progress=own)
        return Outcome(
            predicted=predicted,
            chosen=chosen,
            actual={name: truth.values.cpu() for name, truth in truths.items()},
            trusted={name: truth.trusted.cpu() for name, truth in truths.items()},
            converged={name: truth.converged.cpu() for name, truth in truths.items()},
            control={name: truth.control.cpu() for name, truth in truths.items()},
            **labels_of(data, removals),
            test_ids=data.test_ids.cpu(),
            test_labels=data.y_test.cpu(),
            facts=facts_of(fitted, estimates, truths, removals=removals, fit_seconds=fit_seconds),
        )

    def experiments(self, data: Dataset, first: Estimate) -> tuple[Removals, dict[str, Bool[Tensor, "r m"]]]:
        """Who is removed, and which selection looks at which pair of experiment and test point."""
        if self.groups is not None:
            removals = self.groups.removals(data.n, convention=self.convention)
            return removals, {"everything": torch.ones(removals.count, data.m, dtype=torch.bool)}
        chosen = {kind_name(selection): selection.pairs(first) for selection in self.selections}
        points = removed_rows(torch.stack(list(chosen.values())).any(0))
        removals = leave_one_out(data.n, rows=points, convention=self.convention)
        return removals, {name: pairs[points].cpu() for name, pairs in chosen.items()}


def labels_of(data: Dataset, removals: Removals) -> dict[str, Tensor]:
    """The ids and labels of the removed points; a group bears its number, and no label."""
    if removals.single:
        points = removals.points
        return {"train_ids": data.train_ids[points].cpu(), "train_labels": data.y_train[points].cpu()}
    return {"train_ids": torch.arange(removals.count), "train_labels": torch.full((removals.count,), -1)}


@dataclass(frozen=True, eq=False)
class Outcome(Recipe):
    """Predicted and actual loss changes of one trial, with everything needed to judge them.

    Attributes:
        predicted: predicted[name][r, j], the rise in the loss of test point j that the estimator expects, in nats.
        chosen: chosen[name][r, j], whether a selection looks at that pair.
        actual: actual[target][r, j], what retraining gave, in nats, the control already subtracted.
        trusted: trusted[target][r], whether the retrained model passed that target's own test: the rest is no truth.
        control: control[target][j], what the control, from which nothing was removed, added to each test loss, in nats.
        train_ids: where the removed training points stand in the source; the number of each group.
        train_labels: their classes or targets; −1 for groups.
        test_ids: where the test points stand in the source.
        test_labels: their classes or targets.
        facts: of the fit, the estimates and the retraining: sizes, losses, gradient norms, residuals, seconds.
        converged: converged[target][r], whether the retrained model converged, in the fit's basin or in another. Those
            that moved are no accident of measurement: to leave them out is to condition on the outcome.
    """

    predicted: dict[str, Float[Tensor, "r m"]]
    chosen: dict[str, Bool[Tensor, "r m"]]
    actual: dict[str, Float[Tensor, "r m"]]
    trusted: dict[str, Bool[Tensor, " r"]]
    control: dict[str, Float[Tensor, " m"]]
    train_ids: Int[Tensor, " r"]
    train_labels: Tensor
    test_ids: Int[Tensor, " m"]
    test_labels: Tensor
    facts: dict[str, Any]
    converged: dict[str, Bool[Tensor, " r"]] = field(default_factory=dict)

    def comparison(self, selection: str, estimator: str, target: str = "warm") -> Comparison:
        """One estimator held against one truth on one selection; models that are no truth do not count.

        Raises:
            UnknownName: no such selection, estimator or target in this trial.
        """
        for name, known in ((selection, self.chosen), (estimator, self.predicted), (target, self.actual)):
            if name not in known:
                raise UnknownName(f"This trial has no '{name}'. It has: {', '.join(known)}.")
        return Comparison(
            predicted=array(self.predicted[estimator]),
            actual=array(self.actual[target]),
            mask=array(self.chosen[selection] & self.trusted[target][:, None]),
            train_ids=array(self.train_ids),
            train_labels=array(self.train_labels),
            test_ids=array(self.test_ids),
            test_labels=array(self.test_labels),
            classes=self.facts["classes"] if self.facts["single"] else 0,
            estimator=estimator,
            unit=self.facts["estimates"][estimator]["unit"],
        )

    def entry(self) -> Entry:
        """The same as named tensors and plain facts, for the store."""
        plain = {name: getattr(self, name) for name in TENSORS}
        families = {f"{family}/{name}": tensor for family in FAMILIES for name, tensor in getattr(self, family).items()}
        return Entry(arrays=plain | families, facts=self.facts)


TENSORS = ("train_ids", "train_labels", "test_ids", "test_labels")
FAMILIES = ("predicted", "chosen", "actual", "trusted", "control", "converged")


def outcome_of(entry: Entry) -> Outcome:
    """The outcome that was stored."""
    families: dict[str, Any] = {
        family: {
            name.partition("/")[2]: tensor for name, tensor in entry.arrays.items() if name.startswith(f"{family}/")
        }
        for family in FAMILIES
    }
    plain: dict[str, Any] = {name: entry.arrays[name] for name in TENSORS}
    return Outcome(**plain, **families, facts=entry.facts)


def facts_of(
    fitted: Fit,
    estimates: Mapping[str, Estimate],
    truths: Mapping[str, Retrained],
    *,
    removals: Removals,
    fit_seconds: float,
) -> dict[str, Any]:
    """What a reader must know to trust the numbers."""
    data = fitted.data
    train_accuracy, test_accuracy = fitted.accuracy()
    return {
        "data": data.name,
        "data_hash": data.content_hash(),
        "n": data.n,
        "m": data.m,
        "classes": data.classes,
        "p": len(fitted.theta),
        "single": removals.single,
        "removals": removals.count,
        "fit_loss": fitted.loss,
        "fit_grad_norm": fitted.grad_norm,
        "fit_converged": fitted.converged,
        "fit_seconds": fit_seconds,
        "train_accuracy": train_accuracy,
        "test_accuracy": test_accuracy,
        **curvature_facts(fitted),
        "targets": {
            name: {
                "converged": int(truth.converged.sum()),
                "same_basin": int(truth.same_basin.sum()),
                "trusted": int(truth.trusted.sum()),
                "largest_grad_norm": float(truth.grad_norm.max()),
                "largest_control": float(truth.control.abs().max()),
                "seconds": truth.seconds,
            }
            for name, truth in truths.items()
        },
        "estimates": {
            name: {
                "unit": estimate.unit,
                "damping": estimate.damping,
                "largest_residual": float(estimate.residual.max()),
                "seconds": estimate.seconds,
            }
            for name, estimate in estimates.items()
        },
    }


def curvature_facts(fitted: Fit) -> dict[str, Any]:
    """The effective number of parameters; of a network the ends of its spectrum too, and what is negative in it."""
    curvature = Curvature(fitted)
    if fitted.task.linear:
        return {"effective_parameters": effective_parameters(curvature)}
    values = curvature.spectrum().values
    return {
        "effective_parameters": effective_parameters(curvature),
        "largest_curvature": float(values[-1]),
        "smallest_curvature": float(values[0]),
        "negative_curvatures": int((values < -NEGATIVE * values[-1]).sum()),
    }


def vary(trial: Repeated, setting: str, values: Sequence[Any]) -> list[Repeated]:
    """The same trial, or other recipe, once for each value of one setting, such as `task.weight_decay` or `seed`.

    Raises:
        InvalidParameter: the trial has no such setting.
    """
    return [with_setting(trial, setting, value) for value in values]


def with_setting(recipe: Any, setting: str, value: Any) -> Any:
    """A copy of a recipe with one setting, perhaps of a recipe inside it, changed."""
    name, _, rest = setting.partition(".")
    settings = parts_of(recipe)
    if name not in settings:
        raise InvalidParameter(f"{kind_name(recipe)} has no setting '{name}'.")
    change = {name: with_setting(settings[name], rest, value) if rest else value}
    return {**settings, **change} if isinstance(recipe, Mapping) else replace(recipe, **change)


def parts_of(recipe: Any) -> dict[str, Any]:
    """The settings of a recipe, or what a mapping holds, by name; of anything else, nothing."""
    if isinstance(recipe, Mapping):
        return dict(recipe)
    return {name: getattr(recipe, name) for name in getattr(recipe, "__dataclass_fields__", {})}
