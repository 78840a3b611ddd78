"""Whether to believe an estimate: some points removed and retrained, and one sentence about what that showed."""

import math
from dataclasses import dataclass, replace

import numpy
import torch

from influencelab.data.perturbations.removals import Removals
from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidParameter, require, whole
from influencelab.experiments.comparison import array, compare
from influencelab.influence.estimator import Estimate
from influencelab.influence.retrainer import Retrained, Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.recipe import Progress
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.measurement import Measurement
from influencelab.summary import Summarised
from influencelab.training.fit import Fit

__all__ = ["Check", "check"]

# Rank correlation from which on an order is believed, slopes between which a size is, and the intercept up to which,
# as a share of the RMS change.
ORDER, SIZES, OFFSET = 0.8, (0.8, 1.25), 0.1
# The most that the model may move when it is trained on with nothing removed, as a share of the RMS change.
MOVED = 0.1
# The least share of the retrained models that must count as truth.
COUNTING = 0.8
# Experiments of which alone a bootstrap has something to resample.
FEWEST = 5

SIZE, RANKS, NOT, OPEN = "order and size", "order", "nothing", "open"
OPENINGS = {
    SIZE: "Believe order and size",
    RANKS: "Believe the order, not the size",
    NOT: "Do not believe these scores",
    OPEN: "This does not decide yet, so check more points",
}


@dataclass(frozen=True, eq=False, repr=False)
class Check(Summarised):
    """What retraining without some points showed of an estimate.

    Attributes:
        believe: what of the estimate stands up: `order and size`, `order`, `nothing`, or `open` where intervals are too
            wide to say.
        order: Spearman's correlation of predicted with actual changes, the mean over test points.
        slope: actual per predicted change, the median over test points; 1 is the right size. None for scores that only
            rank.
        offset: the intercept as a share of the RMS change, the median over test points; None beside no slope.
        moved: RMS change of what is watched when the model is trained on with nothing removed, as a share of the RMS
            change without a point; 0 at a minimum.
        comparison: every pair behind this.
        retrained: the truth.
    """

    believe: str
    order: Measurement
    slope: Measurement | None
    offset: Measurement | None
    moved: float
    comparison: Comparison
    retrained: Retrained

    @property
    def sentence(self) -> str:
        """Whether to believe the estimate, and why."""
        counting, asked = int(self.retrained.trusted.sum()), len(self.retrained.values)
        watched = self.retrained.fit.measure.noun
        if not enough(self.retrained):
            return (
                f"{OPENINGS[NOT]}: of {asked} models trained again without a point only {counting} came to a minimum "
                f"near this one, so nothing that is predicted has a truth.{single(self.retrained.fit)}"
            )
        if self.moved > MOVED:
            return (
                f"{OPENINGS[NOT]}: the model is no minimum of this objective on this data. Trained on with nothing "
                f"removed it changes {watched} {self.moved:.2g} times as much as without a point. It was fitted "
                "with other weights, data or penalty, or not to the end."
            )
        size = f"of {self.slope} times the size predicted, {self.offset} of their RMS aside, and " if self.slope else ""
        return (
            f"{OPENINGS[self.believe]}: without each of {counting} points drawn at random, models trained again have "
            f"changes of {watched} {size}in the predicted order with a rank correlation of {self.order}."
        )

    def summary(self) -> dict[str, str]:
        """The sentence and its numbers."""
        sizes = {} if self.slope is None else {"slope": str(self.slope), "offset / RMS": str(self.offset)}
        return {"believe": self.sentence, "Spearman": str(self.order), **sizes, "moved / RMS": f"{self.moved:.1e}"}


def check(
    estimate: Estimate,
    *,
    points: int = 20,
    seed: int = 0,
    retrainer: Retrainer | None = None,
    bootstrap: Bootstrap | None = None,
    progress: Progress | None = None,
    seconds: float | None = None,
) -> Check:
    """Remove some training points drawn at random, each alone, retrain, and say whether to believe the estimate.

    Args:
        estimate: what is checked, on all its test points.
        points: how many are removed; all of them where there are no more.
        seed: of the draw.
        retrainer: how the truth is found; `SecondOrder()`, which goes on from the fit to the minimum, by default.
        bootstrap: how intervals are made, over removals and test points.
        progress: called as (models done, models in all).
        seconds: no batch of models begins later than this; what is not done by then does not count.

    Raises:
        WrongType: something else was given.
        InvalidParameter: fewer points than five, or the estimate cannot predict removals.
    """
    require(estimate, Estimate, what="estimate", cure="Make one: il.Exact().estimate(model).")
    require(retrainer or SecondOrder(), Retrainer, what="retrainer", cure="Give one such as il.SecondOrder().")
    removals = drawn(estimate, points=points, seed=seed)
    retrained = (retrainer or SecondOrder()).retrain(estimate.fit, removals, progress=progress, seconds=seconds)
    comparison = compare(estimate, retrained)
    if not comparison.mask.any():
        return Check(NOT, Measurement(math.nan), None, None, math.nan, comparison, retrained)
    found = comparison.statistics(bootstrap)
    order, sized = found["spearman"].pooled, estimate.unit != "none"
    actual = comparison.actual[comparison.mask]
    # No change at all is a measure of nothing.
    rms = float(numpy.sqrt(numpy.mean(actual**2))) or math.nan
    slope = found["slope"].median if sized else None
    intercept = replace(found["intercept"].median, unit="")
    offset = intercept.mapped(lambda value: value / rms, "as a share of the RMS change")
    moved = float(numpy.sqrt(numpy.mean(array(retrained.control) ** 2))) / rms
    return Check(
        believe=judged(order, slope, offset) if enough(retrained) and moved <= MOVED else NOT,
        order=order,
        slope=slope,
        offset=offset if sized else None,
        moved=moved,
        comparison=comparison,
        retrained=retrained,
    )


def drawn(estimate: Estimate, *, points: int, seed: int) -> Removals:
    """Removals of so many points drawn at random, each alone, by the convention that the estimate knows."""
    points, n = whole(points, what="points"), estimate.fit.data.n
    if points < FEWEST:
        raise InvalidParameter(f"points is {points}, expected {FEWEST} or more: intervals resample them.")
    generator = numpy.random.default_rng(whole(seed, what="seed", least=0))
    rows = torch.from_numpy(generator.permutation(n)[:points]).sort().values
    return leave_one_out(n, rows=rows, convention=estimate.removals)


def single(fitted: Fit) -> str:
    """The likely reason where the fit has too few digits for any minimum; '' of float64."""
    if fitted.theta.dtype == torch.float64:
        return ""
    kind = str(fitted.theta.dtype).removeprefix("torch.")
    return f" Its numbers are {kind}, with too few digits to tell: make the fit in float64."


def enough(retrained: Retrained) -> bool:
    """Whether so many of the retrained models count that they are a truth."""
    return float(retrained.trusted.double().mean()) >= COUNTING


def judged(order: Measurement, slope: Measurement | None, offset: Measurement) -> str:
    """What of an estimate stands up, by what the whole intervals of its numbers show."""
    ordered = within(order, ORDER, math.inf)
    if ordered is not True:
        return OPEN if ordered is None else NOT
    if slope is None:
        return RANKS
    sized, even = within(slope, *SIZES), within(offset, -OFFSET, OFFSET)
    if sized and even:
        return SIZE
    return RANKS if sized is False or even is False else OPEN


def within(number: Measurement, low: float, high: float) -> bool | None:
    """Whether the interval lies between these: all of it, none of it (False), or neither (None)."""
    least, most = number.interval or (number.value, number.value)
    if low <= least and most <= high:
        return True
    return False if most < low or least > high or math.isnan(number.value) else None
