"""Retraining on demand: the true effect of removing a few points, found when the explorer asks."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from influencelab.data.removals import groups
from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.trial import trial_in
from influencelab.explorer.pairs_table import places
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.training.fit import Fit

__all__ = ["LeaveOneOutRetrainer"]


@dataclass(frozen=True)
class RetrainedPair:
    """Actual change of one test loss after retraining without some training points.

    Attributes:
        value: the rise of its loss, in the unit of the loss, the control subtracted.
        grad_norm: ‖∇J‖ of the retrained model.
        converged: whether it passed the retrainer's test; if not, the value is no truth.
        seconds: retraining took, without the first fit.
    """

    value: float
    grad_norm: float
    converged: bool
    seconds: float


@dataclass(frozen=True, eq=False)
class LeaveOneOutRetrainer:
    """Second-order retraining without some points, from the fit that an outcome holds, for an `Explorer`'s button.

    Attributes:
        outcomes: of the networks, by key as in `explorer_data`.
        trials: the recipe of each outcome.
        names: what each part of a key is, as in `explorer_data`.
        retrainer: finds the truth.
        fits: made from their stored parameters so far, by key: their curvature need not be factorised twice.
    """

    outcomes: Mapping[tuple[Any, ...], Outcome]
    trials: Mapping[tuple[Any, ...], Any]
    names: tuple[str, ...]
    retrainer: Retrainer = field(default_factory=SecondOrder)
    fits: dict[tuple[Any, ...], Fit] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, settings: Mapping[str, Any], train_ids: Sequence[int], test_id: int) -> RetrainedPair:
        """The effect on one test point of removing these training points together.

        Args:
            settings: which network: a value for each of `names`; what else there is does not matter.
            train_ids: where the removed points stand in their source.
            test_id: the same of the test point.

        Raises:
            InvalidParameter: no such network or point, or one whose removals are groups.
            MissingData: its outcome keeps no fit.
        """
        key = tuple(settings[name] for name in self.names)
        if key not in self.trials or key not in self.outcomes:
            raise InvalidParameter(f"There is no recipe of the network {dict(zip(self.names, key, strict=True))}.")
        trial = trial_in(self.trials[key])
        if trial.groups is not None:
            raise InvalidParameter("groups of points are removed here, and only points can be retrained without.")
        if key not in self.fits:
            self.fits[key] = trial.fit_of(self.outcomes[key])
        return retrained_pair(self.fits[key], self.retrainer, train_ids, test_id, convention=trial.convention)


@dataclass(frozen=True, eq=False)
class FitRetrainer:
    """The same for one fit that is at hand.

    Attributes:
        fit: the model.
        retrainer: finds the truth.
        convention: of removals.
    """

    fit: Fit
    retrainer: Retrainer
    convention: str

    def __call__(self, settings: Mapping[str, Any], train_ids: Sequence[int], test_id: int) -> RetrainedPair:
        """The effect on what is watched of one test point of removing these training points together."""
        return retrained_pair(self.fit, self.retrainer, train_ids, test_id, convention=self.convention)


def retrained_pair(
    fitted: Fit, retrainer: Retrainer, train_ids: Sequence[int], test_id: int, *, convention: str
) -> RetrainedPair:
    """One model trained without these points, and what that did to one test point."""
    started = time.perf_counter()
    members = places(fitted.data.train_ids.tolist(), train_ids)
    (test,) = places(fitted.measure.columns(fitted.task, fitted.data).ids.tolist(), [test_id])
    removed = groups(fitted.data.n, members=[members], convention=convention)
    found = retrainer.retrain(fitted, removed)
    return RetrainedPair(
        value=float(found.values[0, test]),
        grad_norm=float(found.grad_norm[0]),
        converged=bool(found.trusted[0]),
        seconds=time.perf_counter() - started,
    )
