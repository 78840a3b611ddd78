"""Predictions, without retraining, of what a removal or other perturbation does to the loss of each test point."""

import functools
import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas
import torch
from jaxtyping import Float
from torch import Tensor

import influencelab
from influencelab.data.perturbation import Perturbation, WeightChange
from influencelab.data.perturbations.removals import Removals
from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidParameter, require
from influencelab.influence import table
from influencelab.influence.curvature import Solution
from influencelab.influence.door import require_fit
from influencelab.influence.leverage import cheap_leverages, most_leverages
from influencelab.influence.rounding import check_slopes, check_sums
from influencelab.influence.self_influence import self_influence_of
from influencelab.influence.sensitivity import Sensitivity, solved
from influencelab.influence.shown import shown
from influencelab.models.measure import Measure
from influencelab.recipe import Progress, Recipe, kind_name
from influencelab.summary import Summarised
from influencelab.training.fit import Fit, door, require_converged, threads_for
from influencelab.training.trainers.newton import by_products

__all__ = ["Estimate", "Estimator"]


@dataclass(frozen=True, eq=False, repr=False)
class Estimate(Recipe, Summarised):
    """Predictions of an estimator for every pair of training and test point.

    Attributes:
        estimator: the recipe that made it.
        fit: the model whose removals are predicted.
        values: values[i, j] is the predicted rise, in `unit`, of the loss of test point j (or of what else the fit
            watches) if training point i were removed (weight set to 0) and the model retrained, by the fit's own
            convention. Positive: i helps j, where a fall of what is watched is an improvement, as of a loss.
        slopes: slopes[i, j] = ∂L_j/∂wᵢ, so that any small change of weights Δw changes the losses by Δw @ slopes, and
            the removal called `drop` by −wᵢ slopes. None for methods that are not linear in the weights.
        convention: which removals the values predict (`drop` or `renormalise`) where there are no slopes, which predict
            both; None for slopes and for scores that only rank.
        unit: of the loss, such as `nats`; `none` for scores that only rank (then size and slope mean nothing).
        residual: how well the curvature system behind each test point was solved: ‖(C + damping I) s − g‖ / ‖g‖.
        damping: what was really added to the curvature, whatever the solver's own knobs.
        seconds: wall-clock time.
        sensitivity: what was solved for the test losses, which predicts every other perturbation too; None where
            nothing was.
        chosen: why this method, where it was chosen by the size of the problem; '' where the user did.
    """

    estimator: "Estimator"
    fit: Fit
    values: Float[Tensor, "n m"]
    slopes: Float[Tensor, "n m"] | None
    convention: str | None
    unit: str
    residual: Float[Tensor, " m"]
    damping: float
    seconds: float
    sensitivity: Sensitivity | None = None
    chosen: str = ""

    @cached_property
    @torch.inference_mode(mode=False)
    def leverage(self) -> Float[Tensor, " n"] | None:
        """How much of its own curvature the fit owes to each training point; 0 … c, and for ridge hᵢᵢ.

        Where it is h, plain influence falls short of the truth by about that share. None where it is not at hand: for
        networks, large data, and methods that factorise nothing.
        """
        return cheap_leverages(self.fit, damping=self.damping)

    @property
    def removals(self) -> str:
        """The convention of the removals that the values are of: the fit's own, else the method's, else `drop`."""
        return self.fit.convention or self.convention or "drop"

    def summary(self) -> dict[str, str]:
        """Whose predictions, of what, in which unit, how well they were solved for, and where leverage is high."""
        return {
            "estimator": kind_name(self.estimator) + (f", {self.chosen}" if self.chosen else ""),
            "data": self.fit.data.name,
            "values": f"{self.values.shape[0]:,} training × {self.values.shape[1]:,} test points",
            "unit": self.unit,
            **solved(self.residual, self.damping, self.seconds),
            **self.warning(),
        }

    def warning(self) -> dict[str, str]:
        """Where leverage is high, or may be."""
        corrected, known = not isinstance(self.estimator, Solver), self.leverage
        if known is None and not corrected and self.unit != "none" and by_products(self.fit.task, self.fit.theta):
            return table.leverages(self.fit, most_leverages(self.fit, damping=self.damping), corrected=False, most=True)
        return table.leverages(self.fit, known, corrected=corrected)

    def _repr_html_(self) -> str:
        """The summary, and the points that matter most to the first test points: pictures where data are images."""
        return super()._repr_html_() + shown(self.fit, self.values, unit=self.unit)

    def table(self) -> pandas.DataFrame:
        """A row for each pair: test_id, test_label, train_id, train_label, predicted (in `unit`), leverage if known."""
        return table.pairs(self.fit, self.values, leverage=self.leverage)

    def top(self, test: int, *, k: int = 10) -> pandas.DataFrame:
        """The training points that matter most to one test point: at most k helpful and k harmful ones.

        Removing a helpful point makes a loss rise, a margin fall. Of a parameter they are `lowering` and `raising` it.

        Args:
            test: which test point, by its position 0 … m − 1.
            k: how many of each, the largest effect first; points without effect are left out.

        Raises:
            InvalidParameter: there is no such test point, or k is below 1.
        """
        return table.top(self.fit, self.values, test=test, k=k, unit=self.unit, leverage=self.leverage)

    def self_influence(self, points: Any = None, *, progress: Progress | None = None) -> Float[Tensor, " t"]:
        """The predicted rise of each training point's own loss, in its unit, by the same removals as `values`.

        The points that the model fits only because it has seen them come first: mislabelled ones, and rare ones. Of
        linear models of more than 10,000 parameters each takes a solve of its own, unless the method has `draws`.

        Args:
            points: of which, by their positions; all by default.
            progress: called as (points done, points in all) after each few.

        Raises:
            InvalidParameter: the method only ranks, there are no such points, or too many parameters: for a factor,
                unless the task is linear, or for a solve of all points within ten minutes.
        """
        corrected = not isinstance(self.estimator, Solver)
        return self_influence_of(self, points, corrected=corrected, progress=progress)

    def check(self, **settings: Any) -> Any:
        """`il.check` of this estimate: removes points at random, retrains, and says what to believe."""
        return influencelab.check(self, **settings)

    def removal_curve(self, **settings: Any) -> Any:
        """`il.removal_curve` of this estimate: what retraining without the most helpful points does."""
        return influencelab.removal_curve(self, **settings)

    def explore(self, **settings: Any) -> Any:
        """`il.explore` of this estimate: the widget of every pair, whose button retrains."""
        return influencelab.explore(self, **settings)

    @door
    def predict(self, perturbation: Perturbation) -> Float[Tensor, "r m"]:
        """The predicted rise of each test loss in each experiment.

        A change of weights is predicted by the slopes, Δw @ slopes; any other by the sensitivity.

        Raises:
            InvalidParameter: the method cannot predict this perturbation, or it does not suit the fit.
            InvalidData: the points that it brings in do not.
        """
        require(perturbation, Perturbation, what="perturbation")
        perturbation.check(self.fit)
        if self.slopes is not None and isinstance(perturbation, WeightChange):
            return perturbation.weigh(self.fit.weights, self.slopes)
        if isinstance(perturbation, Removals):
            if not perturbation.single:
                raise InvalidParameter(f"{self.estimator} predicts single removals only; use an estimator with slopes.")
            if self.convention not in (None, perturbation.convention):
                raise InvalidParameter(
                    f"{self.estimator} predicts the convention '{self.convention}', not '{perturbation.convention}': "
                    f"make it with convention='{perturbation.convention}'."
                )
            return self.values[perturbation.points]
        if self.sensitivity is None:
            predicted = "single removals" if self.slopes is None else "changes of training weights, such as removals,"
            raise InvalidParameter(
                f"'{kind_name(self.estimator)}' predicts {predicted} only, not a '{kind_name(perturbation)}'; use an "
                "estimator with a sensitivity, such as 'exact' or 'conjugate_gradient'."
            )
        return self.sensitivity.predict(perturbation)


# Methods that a user calls with a fit: whatever kind defines them, what they are given is checked.
DOORS = {"estimate", "sensitivity"}


def checked(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method behind a check of its arguments' types."""

    @functools.wraps(method)
    @torch.inference_mode(mode=False)  # autograd on, whatever surrounds the call
    def entered(self: "Estimator", fit: Any = None, **settings: Any) -> Any:
        require_fit(fit)
        if settings.get("measure") is not None:
            require(settings["measure"], Measure, what="measure")
        with threads_for(fit, columns=fit.data.m):
            return method(self, fit, **settings)

    return entered


@dataclass(frozen=True)
class Estimator(Recipe):
    """A recipe that predicts removals, and other perturbations where it can, from one fit.

    Attributes:
        allow_unconverged: accept a fit that is not a minimum, as some published protocols did.
    """

    allow_unconverged: bool = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name in DOORS & vars(cls).keys():
            setattr(cls, name, checked(vars(cls)[name]))

    @abstractmethod
    def estimate(self, fit: Fit) -> Estimate:
        """Predict for every training point and every test point of the fit's data.

        Raises:
            NotConverged: the fit is no minimum and allow_unconverged is False.
            NullSpaceMass: no finite answer exists without damping.
            Diverged: an iterative solve did not converge.
        """


@dataclass(frozen=True)
class Solver(Estimator):
    """An estimator that solves (C + damping I) s = ∇L for some curvature C of the fit; they differ in C and in how."""

    @abstractmethod
    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """s for each gradient, and the damping that was really added."""

    def sensitivity(self, fit: Fit, *, measure: Measure | None = None) -> Sensitivity:
        """The response of a measure (of the loss of each test point, by default) to any small change of training.

        Raises:
            NotConverged: the fit is no minimum and allow_unconverged is False.
            NullSpaceMass: no finite answer exists without damping.
            Diverged: an iterative solve did not converge.
        """
        require_converged(fit, allow_unconverged=self.allow_unconverged)
        started = time.perf_counter()
        measure = measure or fit.measure
        solution, damping = self.solve(fit, measure.gradients(fit.task, fit.data, fit.theta))
        return Sensitivity(fit, measure, solution.values, solution.residual, damping, time.perf_counter() - started)

    def estimate(self, fit: Fit) -> Estimate:
        """Solve for all test points at once, then multiply: values wᵢ ∇ℓᵢᵀ s_j, and more where others grow."""
        started = time.perf_counter()
        sensitivity = self.sensitivity(fit)
        fit.task.check_curvature(fit.data, fit.theta, fit.weights)
        slopes = sensitivity.slopes()
        values = -fit.weights[:, None] * slopes
        if fit.convention == "renormalise":
            values = leave_one_out(fit.data.n, convention=fit.convention).weigh(fit.weights, slopes)
        check_sums(fit, values, sensitivity.values.T)
        return estimate_of(
            self,
            fit,
            values,
            slopes=slopes,
            residual=sensitivity.residual,
            damping=sensitivity.damping,
            sensitivity=sensitivity,
            started=started,
        )


def estimate_of(
    estimator: Estimator,
    fit: Fit,
    values: Float[Tensor, "n m"],
    *,
    started: float,
    unit: str = "",
    slopes: Float[Tensor, "n m"] | None = None,
    convention: str | None = None,
    residual: Float[Tensor, " m"] | None = None,
    damping: float = 0.0,
    sensitivity: Sensitivity | None = None,
) -> Estimate:
    """The estimate with these values, of a method that began at `started`; where nothing is solved nothing is left."""
    residual = values.new_zeros(values.shape[1]) if residual is None else residual
    if not unit:
        check_slopes(fit, values)
    unit = unit or fit.unit
    seconds = time.perf_counter() - started
    return Estimate(estimator, fit, values, slopes, convention, unit, residual, damping, seconds, sensitivity)
