"""One cell of a study: fit, estimate, retrain, and keep predicted beside actual."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.comparison import Comparison
from influencelab.curvature import Curvature
from influencelab.dataset import Dataset, Source
from influencelab.errors import InvalidParameter, UnknownName
from influencelab.estimator import Estimate, Estimator
from influencelab.fitting import Fit, fit
from influencelab.leverage import effective_parameters
from influencelab.noun import Noun, kind_name
from influencelab.removals import leave_one_out
from influencelab.retrain import Retrained, Retrainer
from influencelab.selection import Selection, removed_rows
from influencelab.store import Entry
from influencelab.task import Task
from influencelab.trainer import Trainer

# Shares of a trial's time, for the progress bar: fitting, estimating, retraining.
SHARES = (0.15, 0.35, 0.5)


@dataclass(frozen=True)
class Trial(Noun):
    """A recipe for one comparison of predictions with truth.

    Attributes:
        source: the data.
        task: the model and its objective.
        trainer: how it is fitted.
        estimators: who predicts; the first one's values decide what `top` selections remove.
        selections: which removals are looked at; all of their points are retrained once.
        retrainer: how the truth is found.
        convention: `drop` or `renormalise`, for predictions and truth alike.
        seed: of the start.
    """

    source: Source
    task: Task
    trainer: Trainer
    estimators: tuple[Estimator, ...]
    selections: tuple[Selection, ...]
    retrainer: Retrainer = field(default_factory=Retrainer)
    convention: str = "drop"
    seed: int = 0

    def __post_init__(self) -> None:
        for what, kinds in (("estimators", self.estimators), ("selections", self.selections)):
            labels = [kind_name(kind) for kind in kinds]
            if not labels or len(set(labels)) != len(labels):
                raise InvalidParameter(f"{what} are {labels}; expected at least one, and each kind once.")

    def run(self, *, device: str = "cpu", progress: Callable[[float], None] | None = None) -> "Outcome":
        """Do the work.

        Args:
            device: where the tensors live.
            progress: called with the share done, 0 … 1.
        """
        tell = progress or (lambda share: None)
        started = time.perf_counter()
        data = self.source.load().to(device)
        fitted = fit(self.task, data, self.trainer, seed=self.seed)
        fit_seconds = time.perf_counter() - started
        tell(SHARES[0])
        estimates = {}
        for count, estimator in enumerate(self.estimators, start=1):
            estimates[kind_name(estimator)] = estimator.estimate(fitted)
            tell(SHARES[0] + SHARES[1] * count / len(self.estimators))
        first = next(iter(estimates.values()))
        chosen = {kind_name(selection): selection.pairs(first) for selection in self.selections}
        points = removed_rows(torch.stack(list(chosen.values())).any(0))
        removals = leave_one_out(data.n, rows=points, convention=self.convention)
        # Before the long part, so that an estimator that does not speak of this convention is refused at once.
        predicted = {name: estimate.predict(removals).cpu() for name, estimate in estimates.items()}
        truth = self.retrainer.retrain(
            fitted, removals, progress=lambda done, total: tell(sum(SHARES[:2]) + SHARES[2] * done / total)
        )
        return Outcome(
            predicted=predicted,
            chosen={name: pairs[points].cpu() for name, pairs in chosen.items()},
            actual=truth.values.cpu(),
            trusted=truth.trusted.cpu(),
            train_ids=data.train_ids[points].cpu(),
            train_labels=data.y_train[points].cpu(),
            test_ids=data.test_ids.cpu(),
            test_labels=data.y_test.cpu(),
            facts=facts_of(data, fitted, estimates, truth, fit_seconds),
        )


@dataclass(frozen=True, eq=False)
class Outcome(Noun):
    """Predicted and actual loss changes of one trial, with everything needed to judge them.

    Attributes:
        predicted: predicted[name][r, j], the rise in the loss of test point j that the estimator expects, in nats.
        chosen: chosen[name][r, j], whether a selection looks at that pair.
        actual: what retraining gave, in nats, the control already subtracted.
        trusted: whether each retrained model converged, in the fit's own basin: the rest is no truth.
        train_ids: where the removed training points stand in the source.
        train_labels: their classes or targets.
        test_ids: where the test points stand in the source.
        test_labels: their classes or targets.
        facts: of the fit, the estimates and the retraining: sizes, losses, gradient norms, residuals, seconds.
    """

    predicted: dict[str, Float[Tensor, "r m"]]
    chosen: dict[str, Bool[Tensor, "r m"]]
    actual: Float[Tensor, "r m"]
    trusted: Bool[Tensor, " r"]
    train_ids: Int[Tensor, " r"]
    train_labels: Tensor
    test_ids: Int[Tensor, " m"]
    test_labels: Tensor
    facts: dict[str, Any]

    def comparison(self, selection: str, estimator: str) -> Comparison:
        """One estimator held against the truth on one selection; models that are no truth do not count.

        Raises:
            UnknownName: no such selection or estimator in this trial.
        """
        for name, known in ((selection, self.chosen), (estimator, self.predicted)):
            if name not in known:
                raise UnknownName(f"This trial has no '{name}'. It has: {', '.join(known)}.")
        return Comparison(
            estimator=estimator,
            unit=self.facts["estimates"][estimator]["unit"],
            predicted=self.predicted[estimator],
            actual=self.actual,
            counted=self.chosen[selection] & self.trusted[:, None],
            train_ids=self.train_ids,
            train_labels=self.train_labels,
            test_ids=self.test_ids,
            test_labels=self.test_labels,
            classes=self.facts["classes"],
        )

    def entry(self) -> Entry:
        """The same as named tensors and plain facts, for the store."""
        plain = {name: getattr(self, name) for name in TENSORS}
        predicted = {f"predicted/{name}": tensor for name, tensor in self.predicted.items()}
        chosen = {f"chosen/{name}": tensor for name, tensor in self.chosen.items()}
        return Entry(arrays=plain | predicted | chosen, facts=self.facts)


TENSORS = ("actual", "trusted", "train_ids", "train_labels", "test_ids", "test_labels")


def outcome_of(entry: Entry) -> Outcome:
    """The outcome that was stored."""
    families: dict[str, Any] = {
        family: {
            name.partition("/")[2]: tensor for name, tensor in entry.arrays.items() if name.startswith(f"{family}/")
        }
        for family in ("predicted", "chosen")
    }
    plain: dict[str, Any] = {name: entry.arrays[name] for name in TENSORS}
    return Outcome(**plain, **families, facts=entry.facts)


def facts_of(
    data: Dataset, fitted: Fit, estimates: dict[str, Estimate], truth: Retrained, fit_seconds: float
) -> dict[str, Any]:
    """What a reader must know to trust the numbers."""
    train_accuracy, test_accuracy = fitted.accuracy()
    return {
        "data": data.name,
        "data_hash": data.content_hash(),
        "n": data.n,
        "m": data.m,
        "classes": data.classes,
        "p": len(fitted.theta),
        "effective_parameters": effective_parameters(Curvature(fitted)),
        "fit_loss": fitted.loss,
        "fit_grad_norm": fitted.grad_norm,
        "fit_converged": fitted.converged,
        "fit_seconds": fit_seconds,
        "train_accuracy": train_accuracy,
        "test_accuracy": test_accuracy,
        "removals": len(truth.converged),
        "removals_converged": int(truth.converged.sum()),
        "removals_same_basin": int(truth.same_basin.sum()),
        "largest_grad_norm": float(truth.grad_norm.max()),
        "largest_control": float(truth.control.abs().max()),
        "retrain_seconds": truth.seconds,
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


def vary(trial: Trial, setting: str, values: Sequence[Any]) -> list[Trial]:
    """The same trial once for each value of one setting, such as `task.weight_decay` or `seed`.

    Raises:
        InvalidParameter: the trial has no such setting.
    """
    return [altered(trial, setting, value) for value in values]


def altered(recipe: Any, setting: str, value: Any) -> Any:
    """A copy of a recipe with one setting, perhaps of a recipe inside it, changed."""
    name, _, rest = setting.partition(".")
    if name not in getattr(recipe, "__dataclass_fields__", {}):
        raise InvalidParameter(f"{kind_name(recipe)} has no setting '{name}'.")
    return replace(recipe, **{name: altered(getattr(recipe, name), rest, value) if rest else value})
