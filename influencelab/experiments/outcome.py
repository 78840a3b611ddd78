"""Predicted and actual loss changes of one trial, the parameters of its fit, and their storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.removals import Removals
from influencelab.errors import UnknownName
from influencelab.experiments.comparison import array, labels_of
from influencelab.experiments.store import Entry
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimator import Estimate
from influencelab.influence.leverage import CHEAP, effective_parameters, leverage_shares
from influencelab.influence.retrainer import Retrained
from influencelab.statistics.comparison import Comparison
from influencelab.training.fit import Fit
from influencelab.training.trainer import Memory

__all__ = ["Outcome"]

# An eigenvalue below minus this share of the largest is negative beyond rounding.
NEGATIVE = 1e-10


@dataclass(frozen=True, eq=False)
class Outcome:
    """Predicted and actual loss changes of one trial, with everything needed to judge them.

    Attributes:
        predicted: predicted[name][r, j], the rise in the loss of test point j that the estimator expects, in nats.
        chosen: chosen[name][r, j], whether a selection takes that pair in.
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
        theta: the parameters of the fit, from which `Trial.fit_of` makes it again without training; None in an outcome
            that was put together from numbers alone.
        memory: what a first-order trainer remembered at the fit's last step; None for others.
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
    theta: Float[Tensor, " p"] | None = None
    memory: Memory | None = None

    def comparison(self, selection: str, estimator: str, target: str = "warm") -> Comparison:
        """One estimator against one target on one selection; retrained models that are not valid do not count."""
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
        arrays = {name: part for name, part in vars(self).items() if isinstance(part, Tensor)}
        families = {name: part for name, part in vars(self).items() if isinstance(part, dict) and name != "facts"}
        if self.memory is not None:
            arrays["memory"] = torch.tensor(self.memory.steps)
            families["memory"] = dict(enumerate(self.memory.buffers))
        arrays |= {f"{name}/{key}": part for name, family in families.items() for key, part in family.items()}
        return Entry(arrays=arrays, facts=self.facts)


def outcome_of(entry: Entry) -> Outcome:
    """The outcome that was stored."""
    # What has no name within its family is an array of its own.
    families: dict[str, dict[str, Tensor]] = {}
    for name, part in entry.arrays.items():
        family, _, key = name.partition("/")
        families.setdefault(family, {})[key] = part
    held = families.pop("memory", {})
    memory = Memory(int(held.pop("")), tuple(held.values())) if held else None
    parts: dict[str, Any] = {name: family.get("", family) for name, family in families.items()}
    return Outcome(**parts, facts=entry.facts, memory=memory)


def outcome_from(
    fitted: Fit,
    *,
    removals: Removals,
    chosen: dict[str, Bool[Tensor, "r m"]],
    predicted: dict[str, Float[Tensor, "r m"]],
    truths: Mapping[str, Retrained],
    facts: dict[str, Any],
) -> Outcome:
    """The outcome of removals that were predicted and retrained, on the CPU."""
    data, memory = fitted.data, fitted.memory
    train_ids, train_labels = labels_of(data, removals)
    return Outcome(
        predicted=predicted,
        chosen=chosen,
        actual={name: truth.values.cpu() for name, truth in truths.items()},
        trusted={name: truth.trusted.cpu() for name, truth in truths.items()},
        converged={name: truth.converged.cpu() for name, truth in truths.items()},
        control={name: truth.control.cpu() for name, truth in truths.items()},
        train_ids=train_ids.cpu(),
        train_labels=train_labels.cpu(),
        test_ids=data.test_ids.cpu(),
        test_labels=data.y_test.cpu(),
        facts=facts,
        theta=fitted.theta.cpu(),
        memory=memory and Memory(memory.steps, tuple(part.cpu() for part in memory.buffers)),
    )


def facts_of(
    fitted: Fit,
    estimates: Mapping[str, Estimate],
    truths: Mapping[str, Retrained],
    *,
    removals: Removals,
    fit_seconds: float,
) -> dict[str, Any]:
    """Sizes, losses, gradient norms, residuals and seconds: what a reader needs to trust the numbers."""
    data = fitted.data
    train_accuracy, test_accuracy = fitted.accuracy()
    return {
        "data": data.name,
        "data_hash": data.content_hash(),
        **{name: getattr(data, name) for name in ("n", "m", "classes")},
        "p": len(fitted.theta),
        "single": removals.single,
        "removals": removals.count,
        **{f"fit_{name}": getattr(fitted, name) for name in ("loss", "grad_norm", "converged", "steps")},
        "fit_seconds": fit_seconds,
        "train_loss": train_loss(fitted),
        "train_accuracy": train_accuracy,
        "test_accuracy": test_accuracy,
        **curvature_facts(fitted),
        "targets": {name: target_facts(truth) for name, truth in truths.items()},
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


def train_loss(fitted: Fit) -> float:
    """Σᵢ wᵢ ℓᵢ: the mean loss of the training points, without the penalty, in the unit of the loss."""
    data = fitted.data
    return float(fitted.weights @ fitted.task.losses(fitted.theta, data.x_train, data.y_train))


def target_facts(truth: Retrained) -> dict[str, Any]:
    """Of how many retrained models the truth is made, and how well they were trained."""
    return {
        "converged": int(truth.converged.sum()),
        "same_basin": int(truth.same_basin.sum()),
        "trusted": int(truth.trusted.sum()),
        "largest_grad_norm": float(truth.grad_norm.max()),
        "largest_control": float(truth.control.abs().max()),
        "seconds": truth.seconds,
    }


def curvature_facts(fitted: Fit) -> dict[str, Any]:
    """The effective number of parameters; of a network the ends of its spectrum too, and what is negative in it.

    Where they cost a moment, the effective dimension and the largest leverage too.
    """
    curvature = Curvature(fitted)
    if fitted.task.linear:
        return {"effective_parameters": effective_parameters(curvature)}
    # First, so that the effective number is read off it too.
    values = curvature.spectrum().values
    size = fitted.data.n * fitted.task.output_loss.size(fitted.data) * len(values) ** 2
    return {
        "effective_parameters": effective_parameters(curvature),
        **(leverage_facts(fitted) if size <= CHEAP else {}),
        "largest_curvature": float(values[-1]),
        "smallest_curvature": float(values[0]),
        "negative_curvatures": int((values < -NEGATIVE * values[-1]).sum()),
    }


def leverage_facts(fitted: Fit) -> dict[str, float]:
    """The effective dimension Σ μ / (μ + λ), μ of the Gauss-Newton curvature, and the largest leverage in that sum.

    A loss of a network has negative curvature too, and where that is nearly −λ its own sum can be any number; this one
    lies between 0 and p, and a leverage between 0 and 1.
    """
    shares = leverage_shares(Curvature(fitted, kind="gauss_newton"))
    return {"effective_dimension": float(shares.sum()), "largest_leverage": float(shares.max())}
