"""Proofs on demand: the true effect of removing a few points, retrained when somebody asks."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from influencelab.data.removals import groups
from influencelab.errors import InvalidParameter
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.recipe import Recipe
from influencelab.training.fit import Fit, fit

__all__ = ["LeaveOneOutRetrainer"]


@dataclass(frozen=True)
class RetrainedPair(Recipe):
    """What retraining really did to one test point.

    Attributes:
        value: the rise of its loss, in nats, the control subtracted.
        grad_norm: ‖∇J‖ of the retrained model.
        converged: whether it passed the retrainer's test; if not, the value is no truth.
        seconds: retraining took, without the first fit.
    """

    value: float
    grad_norm: float
    converged: bool
    seconds: float


@dataclass(frozen=True, eq=False)
class LeaveOneOutRetrainer(Recipe):
    """Retrains without the points it is asked about, second order, from a fit that it makes once and remembers.

    Give it to an `Explorer`, whose button then asks it. It is a recipe but for that memory.

    Attributes:
        trials: the recipes of the networks, by key as in `explore`.
        names: what each part of a key is, as in `explore`.
        retrainer: finds the truth.
        fits: those made so far, by key.
    """

    trials: Mapping[tuple[Any, ...], Any]
    names: tuple[str, ...]
    retrainer: Retrainer = field(default_factory=SecondOrder)
    fits: dict[tuple[Any, ...], Fit] = field(default_factory=dict)

    def __call__(self, settings: Mapping[str, Any], train_ids: Sequence[int], test_id: int) -> RetrainedPair:
        """The effect on one test point of removing these training points together.

        Args:
            settings: which network: a value for each of `names`; what else there is does not matter.
            train_ids: where the removed points stand in their source.
            test_id: the same of the test point.

        Raises:
            InvalidParameter: no such network or point, or one whose removals are groups.
        """
        key = tuple(settings[name] for name in self.names)
        if key not in self.trials:
            raise InvalidParameter(f"There is no recipe of the network {dict(zip(self.names, key, strict=True))}.")
        trial = getattr(self.trials[key], "trial", self.trials[key])
        if trial.groups is not None:
            raise InvalidParameter("what is removed here are groups of points, and only points can be proved.")
        if key not in self.fits:
            self.fits[key] = fit(trial.task, trial.source.load(), trial.trainer, seed=trial.seed)
        fitted, started = self.fits[key], time.perf_counter()
        members = places(fitted.data.train_ids, train_ids)
        (test,) = places(fitted.data.test_ids, [test_id])
        removed = groups(fitted.data.n, members=[members], convention=trial.convention)
        found = self.retrainer.retrain(fitted, removed)
        return RetrainedPair(
            value=float(found.values[0, test]),
            grad_norm=float(found.grad_norm[0]),
            converged=bool(found.trusted[0]),
            seconds=time.perf_counter() - started,
        )


def places(ids: torch.Tensor, wanted: Sequence[int]) -> list[int]:
    """Where some points are, by their ids.

    Raises:
        InvalidParameter: one is not there.
    """
    known = {identity: place for place, identity in enumerate(ids.tolist())}
    missing = [each for each in wanted if each not in known]
    if missing:
        raise InvalidParameter(f"Point {missing[0]} is not among the {len(known)} of this network.")
    return [known[each] for each in wanted]
