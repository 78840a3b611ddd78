"""A trial whose weight decay makes its network as hard, by one measure, as a network of one layer."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

from scipy.optimize import brentq

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import Outcome, leverage_facts, train_loss
from influencelab.experiments.trial import Trial
from influencelab.recipe import Progress, Recipe, stage, unheard
from influencelab.training.fit import Fit, fit

# What can be made equal: of a fit, in nats or in parameters.
MEASURES = {
    "train_loss": train_loss,
    "effective_dimension": lambda fitted: leverage_facts(fitted)["effective_dimension"],
}
# Decades of weight decay that one step of the search for a bracket takes, and how many steps at most.
DECADES, WIDENED = 0.5, 8
# What counts as nothing: a network that collapsed decides nothing, up to rounding, which has either sign.
LEAST = 1e-12
# Fits in the bracket at most.
FITS = 25


@dataclass(frozen=True)
class MatchedTrial(Recipe):
    """A trial at the weight decay where a measure of its fit is that of a shallower network on the same data.

    The goal is that of a network of `depth` hidden layers, with the trial's own seed, data and weight decay. The search
    starts there, goes on by half decades until it has passed the goal, and then by Brent's method on the logarithms.
    Every fit starts anew, as the trial's own does. Where the measure jumps over the goal, between two basins, the
    nearest fit that was seen is taken, and the fact `matching` says so.

    The outcome's facts gain `matching`: the measure, its goal, what was reached, weight_decay, matched and fits.

    Attributes:
        trial: what is fitted, estimated and retrained, its weight decay that of the shallower network.
        measure: `train_loss`, the mean loss of training points without the penalty, or `effective_dimension`,
            Σ μ / (μ + λ) over the Gauss-Newton curvatures μ.
        depth: hidden layers of the shallower network.
        tolerance: largest |log(reached / goal)| that counts as matched.

    Raises:
        InvalidParameter: an unknown measure, or a tolerance that is not above 0.
    """

    trial: Trial
    measure: str = "train_loss"
    depth: int = 1
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise InvalidParameter(f"measure is '{self.measure}', expected one of {', '.join(MEASURES)}.")
        if not self.tolerance > 0:
            raise InvalidParameter(f"tolerance is {self.tolerance}, expected a number above 0.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Find the weight decay, then run the trial with it."""
        report, trial = progress or unheard, self.trial
        search = Search(self, trial.source.load().to(device))
        decay = search.found()
        report(0.5)
        matched = replace(trial, task=replace(trial.task, weight_decay=decay))
        outcome = matched.run(device=device, progress=stage(report, 0.5, 1.0))
        reached = search.seen[decay]
        matching = {
            "measure": self.measure,
            "goal": search.goal,
            "reached": search.goal * math.exp(reached),
            "weight_decay": decay,
            "matched": abs(reached) <= self.tolerance,
            "fits": len(search.seen),
        }
        return replace(outcome, facts={**outcome.facts, "matching": matching})


class Search:
    """The search of one trial: every weight decay that was tried, and how far, in logarithms, it was from the goal."""

    def __init__(self, recipe: MatchedTrial, data: Dataset) -> None:
        self.recipe, self.data = recipe, data
        self.seen: dict[float, float] = {}

    @cached_property
    def goal(self) -> float:
        """The measure of the shallower network."""
        return self.measured(depth=self.recipe.depth)

    def measured(self, **settings: object) -> float:
        """The measure of the trial's network with some settings changed, trained from its own start."""
        trial = self.recipe.trial
        fitted: Fit = fit(replace(trial.task, **settings), self.data, trial.trainer, seed=trial.seed)
        return max(MEASURES[self.recipe.measure](fitted), LEAST)

    def away(self, log_decay: float) -> float:
        """log(reached / goal) at a weight decay; 0 within the tolerance, which ends the search."""
        decay = 10.0**log_decay
        if decay not in self.seen:
            self.seen[decay] = math.log(self.measured(weight_decay=decay) / self.goal)
        return 0.0 if abs(self.seen[decay]) <= self.recipe.tolerance else self.seen[decay]

    def found(self) -> float:
        """The weight decay that is nearest to the goal of those tried."""
        near = math.log10(self.recipe.trial.task.weight_decay)
        value = self.away(near)
        # Train loss rises with weight decay, the effective number falls.
        up = (value > 0) != (self.recipe.measure == "train_loss")
        for _ in range(WIDENED if value else 0):
            far = near + (DECADES if up else -DECADES)
            beyond = self.away(far)
            if beyond * value < 0:
                brentq(self.away, near, far, xtol=1e-6, maxiter=FITS, disp=False)
            if beyond * value <= 0:
                break
            near, value = far, beyond
        return min(self.seen, key=lambda decay: abs(self.seen[decay]))
