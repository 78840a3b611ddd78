"""One support vector machine, influence through hinges of every width, and what removals really do to it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.removals import Removals, leave_one_out
from influencelab.data.source import Source
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.experiments.outcome import Outcome, facts_of, outcome_from
from influencelab.experiments.selection import removed_rows
from influencelab.experiments.selections.support_vectors import SupportVectors
from influencelab.experiments.selections.top import Top
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.models.losses.hinge import margins
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.recipe import Progress, Recipe, stage, unheard
from influencelab.studies.smooth_hinge.strain import at_weights, effective_curvature_points, margin_shift
from influencelab.training.fit import Fit, fit
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.active_set import ActiveSet
from influencelab.training.trainers.liblinear import Liblinear
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sequential import Sequential

__all__ = ["SmoothingPath"]

ARMS = ("published", "consistent", "newton_step")
TRUTH = "hinge"
# Shares of the time: fits, influence, retraining.
SHARES = (0.1, 0.5, 0.4)


@dataclass(frozen=True)
class SmoothingPath(Recipe):
    """Koh & Liang (2017), Figure 3, at every t: what a smoothed hinge predicts of the true one.

    Three arms. *Published*: influence with the weights that LIBLINEAR found for the true hinge, seen through a hinge of
    width t. *Consistent*: influence with weights trained to convergence at that t. *Newton step*: the same weights,
    and each removal takes its own curvature with it. The truth is one for all: the true hinge without the point, at
    its exact minimum. Removed are, for each test point, those of the largest |influence| at t = 0 in the published
    arm, and support vectors at random. Estimators are named `published/0.001`; the outcome's facts gain `smoothing`:
    for each of them its arm, t, number of carriers, strain and how converged its fit is.

    Attributes:
        source: the data, of two classes.
        weight_decay: of all fits.
        widths: every t > 0; 0 is always there, for all arms.
        tests: how many test points: those in `first`, and the smallest margins below 1 under the true hinge.
        first: ids of test points that are always watched, first and in this order.
        count: removals of each selection, or all support vectors where there are fewer.
        multiple: leave out the last training points until n is a multiple of this, as batches of 100 had it.
        convention: of the removals.
        estimator: of influence, in the first two arms.
        trainer: of the consistent arm, from the largest t down, each from the one before.
        truth: of the true hinge, and of it without a point.
        seed: of the random support vectors.
    """

    source: Source
    weight_decay: float
    widths: tuple[float, ...]
    tests: int = 20
    first: tuple[int, ...] = ()
    count: int = 100
    multiple: int = 1
    convention: str = "renormalise"
    estimator: Estimator = field(default_factory=lambda: Exact(allow_unconverged=True))
    trainer: Trainer = field(default_factory=lambda: Newton(tolerance=1e-9))
    truth: Trainer = field(default_factory=ActiveSet)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.widths or not all(0 < width < float("inf") for width in self.widths):
            raise InvalidParameter(f"widths are {self.widths}, expected finite numbers > 0, at least one.")
        if self.tests < max(1, len(self.first)) or self.count < 1 or self.multiple < 1:
            raise InvalidParameter(
                f"tests is {self.tests}, count {self.count} and multiple {self.multiple}; expected at least 1 each, "
                "and a test for each id in first."
            )

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Fit, smooth, predict, retrain."""
        tell = progress or unheard
        began = time.perf_counter()
        published, true = self.true_fits(self.source.load().to(device))
        fit_seconds = time.perf_counter() - began
        tell(SHARES[0])
        start = self.estimator.estimate(published)
        removals, chosen = self.experiments(start)
        estimates, predicted, described = {}, {}, {}
        for count, (t, fits) in enumerate(self.smoothed(published, true), start=1):
            about = {fitted: describe(fitted) for fitted in set(fits.values())}
            for arm, fitted in fits.items():
                name = path_name(arm, t)
                estimate = self.estimator_of(arm).estimate(fitted)
                predicted[name] = estimate.predict(removals).cpu()
                described[name] = {"arm": arm, "t": t, **about[fitted]}
                # What is reported of an estimate needs none of its tables, of which forty would not be small.
                estimates[name] = replace(estimate, fit=published, values=estimate.values[:0], slopes=None)
            tell(SHARES[0] + SHARES[1] * count / (len(self.widths) + 1))
        retrained = Rerun(trainer=self.truth, start="warm", require_converged=True).retrain(
            true, removals, progress=stage(tell, sum(SHARES[:2]), 1.0)
        )
        facts = facts_of(true, estimates, {TRUTH: retrained}, removals=removals, fit_seconds=fit_seconds)
        facts |= {"smoothing": described, "machine": machine(published, true)}
        return outcome_from(
            true, removals=removals, chosen=chosen, predicted=predicted, truths={TRUTH: retrained}, facts=facts
        )

    def true_fits(self, data: Dataset) -> tuple[Fit, Fit]:
        """LIBLINEAR's weights and the exact ones, both watched on the test points that matter."""
        kept = data.n // self.multiple * self.multiple
        if not kept:
            raise InvalidData(
                f"{data.name} has {data.n} training points, fewer than {self.multiple}: lower `multiple`."
            )
        data = replace(data, x_train=data.x_train[:kept], y_train=data.y_train[:kept], train_ids=data.train_ids[:kept])
        task = SmoothHinge(self.weight_decay, t=0.0)
        published = fit(task, data, Liblinear())
        true = fit(task, data, Sequential(first=Liblinear(), then=self.truth, tolerance=self.truth.tolerance))
        watched = self.watched(true)
        data = replace(data, x_test=data.x_test[watched], y_test=data.y_test[watched], test_ids=data.test_ids[watched])
        return replace(published, data=data), replace(true, data=data)

    def watched(self, fitted: Fit) -> Tensor:
        """The test points of `first`, then those of the smallest margins below 1, beyond which the true hinge is 0.

        Raises:
            InvalidData: `first` names no test point, or no test point has a margin below 1.
        """
        data = fitted.data
        s = margins(fitted.task.outputs(fitted.theta, data.x_test), data.y_test)
        place = {point: row for row, point in enumerate(data.test_ids.tolist())}
        foreign = [point for point in self.first if point not in place]
        if foreign:
            raise InvalidData(f"{data.name} has no test point {foreign[0]}; its ids go up to {max(place)}.")
        named = [place[point] for point in self.first]
        others = [row for row in s.argsort().tolist() if row not in named and s[row] < 1]
        if not named + others:
            raise InvalidData(f"No test point of {data.name} has a margin below 1: the true hinge is 0 on all of them.")
        return torch.tensor([*named, *others][: self.tests], device=s.device)

    def experiments(self, start: Estimate) -> tuple[Removals, dict[str, Bool[Tensor, "r m"]]]:
        """The removals, and the pairs of each selection."""
        n = start.fit.data.n
        pulling = SupportVectors(count=n).pairs(start)
        few = min(self.count, int(pulling[:, 0].sum()))
        chosen = {
            "top": Top(count=few).pairs(start),
            "support_vectors": SupportVectors(count=self.count, seed=self.seed).pairs(start),
        }
        points = removed_rows(torch.stack(list(chosen.values())).any(0))
        removals = leave_one_out(n, rows=points, convention=self.convention)
        return removals, {name: pairs[points].cpu() for name, pairs in chosen.items()}

    def estimator_of(self, arm: str) -> Estimator:
        """The estimator of an arm."""
        return NewtonStep(True, convention=self.convention) if arm == "newton_step" else self.estimator

    def smoothed(self, published: Fit, true: Fit) -> Iterator[tuple[float, dict[str, Fit]]]:
        """The fit of each arm at each t, from the largest t down."""
        yield 0.0, dict(zip(ARMS, (published, true, true), strict=True))
        theta: Float[Tensor, " p"] = torch.zeros_like(true.theta)
        for t in sorted(self.widths, reverse=True):
            task = SmoothHinge(self.weight_decay, t=t)
            theta = self.trainer.train(task, true.data, theta[None], true.weights[None]).theta[0]
            trained = at_weights(replace(true, trainer=self.trainer), task, theta)
            yield t, dict(zip(ARMS, (at_weights(published, task), trained, trained), strict=True))


def path_name(arm: str, t: float) -> str:
    """The name of the estimator of one arm at one t, such as `published/0.001`."""
    return f"{arm}/{t:g}"


def describe(fitted: Fit) -> dict[str, Any]:
    """One fit: effective number of points with curvature, strain (None where nothing bends), how converged it is."""
    reach = margin_shift(fitted)
    return {
        "carriers": effective_curvature_points(fitted),
        "strain": reach if isfinite(reach) else None,
        "grad_norm": fitted.grad_norm,
        "converged": fitted.converged,
        "loss": fitted.loss,
    }


def machine(published: Fit, true: Fit) -> dict[str, Any]:
    """The two solutions of the true hinge beside each other, and the margins of the watched test points."""
    near, exact = (
        margins(each.task.outputs(each.theta, each.data.x_train), each.data.y_train) for each in (published, true)
    )
    at_bend = (exact - 1).abs() < 1e-9
    return {
        "support_vectors": int((exact < 1 + 1e-9).sum()),
        "at_the_bend": int(at_bend.sum()),
        "published_off_the_bend": int((at_bend & ((near - 1).abs() > 1e-9)).sum()),
        "published_beyond_the_bend": int((at_bend & (near > 1 + 1e-9)).sum()),
        "published_residual": published.grad_norm,
        "exact_residual": true.grad_norm,
        "distance": float((published.theta - true.theta).norm()),
        "test_margins": margins(true.task.outputs(true.theta, true.data.x_test), true.data.y_test).tolist(),
    }
