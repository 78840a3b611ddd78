"""One support vector machine, influence through hinges of every width, and what removals really do to it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import isfinite

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.removals import Removals
from influencelab.data.source import Source
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.experiments.outcome import Outcome, facts_of, outcome_from
from influencelab.experiments.selections.support_vectors import SupportVectors
from influencelab.experiments.selections.top import Top
from influencelab.experiments.trial import Trial
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.models.losses.hinge import margins
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.recipe import Progress, Recipe, stage, unheard
from influencelab.studies.smooth_hinge.strain import at_task, effective_curvature_points, margin_shift
from influencelab.training.fit import Fit, fit, fit_from
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
    for each of them its arm, t, effective number of points with curvature and strain (None where nothing bends); and
    `machine`: how far LIBLINEAR and the exact solution are from a minimum, points at the bend, margins of test points.

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
        report = progress or unheard
        began = time.perf_counter()
        published, true = self.true_fits(self.source.load().to(device))
        fit_seconds = time.perf_counter() - began
        report(SHARES[0])
        removals, chosen = self.experiments(self.estimator.estimate(published))
        newton = NewtonStep(True, convention=self.convention)
        estimates, predicted, smoothing = {}, {}, {}
        for count, (t, fits) in enumerate(self.smoothed(published, true), start=1):
            for arm, fitted, estimator in zip(ARMS, fits, (self.estimator, self.estimator, newton), strict=True):
                name, estimate = path_name(arm, t), estimator.estimate(fitted)
                predicted[name] = estimate.predict(removals).cpu()
                reach = margin_shift(fitted)
                strain = reach if isfinite(reach) else None
                points = effective_curvature_points(fitted)
                smoothing[name] = {"arm": arm, "t": t, "curvature_points": points, "strain": strain}
                # What is reported of an estimate needs none of its tables, of which forty would not be small.
                estimates[name] = replace(estimate, fit=published, values=estimate.values[:0], slopes=None)
            report(SHARES[0] + SHARES[1] * count / (len(self.widths) + 1))
        retrainer = Rerun(trainer=self.truth, start="warm", require_converged=True)
        truths = {TRUTH: retrainer.retrain(true, removals, progress=stage(report, sum(SHARES[:2]), 1.0))}
        facts = facts_of(true, estimates, truths, removals=removals, fit_seconds=fit_seconds)
        train, test = margins_of(true)
        facts["smoothing"] = smoothing
        facts["machine"] = {
            "at_the_bend": int(((train - 1).abs() < 1e-9).sum()),
            "published_residual": published.grad_norm,
            "exact_residual": true.grad_norm,
            "test_margins": test.tolist(),
        }
        return outcome_from(true, removals=removals, chosen=chosen, predicted=predicted, truths=truths, facts=facts)

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
        rows = self.watched(true)
        data = replace(data, x_test=data.x_test[rows], y_test=data.y_test[rows], test_ids=data.test_ids[rows])
        return replace(published, data=data), replace(true, data=data)

    def watched(self, fitted: Fit) -> Tensor:
        """The test points of `first`, then those of the smallest margins below 1, beyond which the true hinge is 0.

        Raises:
            InvalidData: `first` names no test point, or no test point has a margin below 1.
        """
        data, (_, s) = fitted.data, margins_of(fitted)
        place = {point: row for row, point in enumerate(data.test_ids.tolist())}
        foreign = [point for point in self.first if point not in place]
        if foreign:
            raise InvalidData(f"{data.name} has no test point {foreign[0]}; its ids go up to {max(place)}.")
        named = [place[point] for point in self.first]
        rows = named + [row for row in s.argsort().tolist() if row not in named and s[row] < 1]
        if not rows:
            raise InvalidData(f"No test point of {data.name} has a margin below 1: the true hinge is 0 on all of them.")
        return torch.tensor(rows[: self.tests], device=s.device)

    def experiments(self, start: Estimate) -> tuple[Removals, dict[str, Bool[Tensor, "r m"]]]:
        """The removals, and the pairs of each selection."""
        fitted, estimators = start.fit, {"start": self.estimator}
        few = min(self.count, int(SupportVectors(count=fitted.data.n).pairs(start)[:, 0].sum()))
        selections = (Top(count=few), SupportVectors(count=self.count, seed=self.seed))
        trial = Trial(self.source, fitted.task, self.truth, estimators, selections, convention=self.convention)
        return trial.experiments(fitted.data, start)

    def smoothed(self, published: Fit, true: Fit) -> Iterator[tuple[float, tuple[Fit, Fit, Fit]]]:
        """The fit of each arm at each t, from the largest t down."""
        yield 0.0, (published, true, true)
        theta: Float[Tensor, " p"] = torch.zeros_like(true.theta)
        for t in sorted(self.widths, reverse=True):
            task = SmoothHinge(self.weight_decay, t=t)
            trained = self.trainer.train(task, true.data, theta[None], true.weights[None])
            consistent = fit_from(trained, task=task, data=true.data, trainer=self.trainer, weights=true.weights)
            theta = consistent.theta
            yield t, (at_task(published, task), consistent, consistent)


def path_name(arm: str, t: float) -> str:
    """The name of the estimator of one arm at one t, such as `published/0.001`."""
    return f"{arm}/{t:g}"


def margins_of(fitted: Fit) -> tuple[Float[Tensor, " n"], Float[Tensor, " m"]]:
    """The margins of the training points, and of the test points."""
    data, task = fitted.data, fitted.task
    parts = ((data.x_train, data.y_train), (data.x_test, data.y_test))
    train, test = (margins(task.outputs(fitted.theta, x), y) for x, y in parts)
    return train, test
