"""How well a target repeats when everything random is drawn anew, and what a correlation with it can be worth."""

from collections.abc import Callable, Sequence
from functools import reduce

import numpy
from jaxtyping import Float

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.experiments.comparison import array
from influencelab.experiments.outcome import Outcome
from influencelab.statistics.bootstrap import Bootstrap, Interval, named
from influencelab.statistics.pairs import Pairs
from influencelab.statistics.reliability import spearman_brown
from influencelab.statistics.replicates import (
    Draws,
    Replicates,
    Resampled,
    averages,
    draws,
    ends,
    generators,
    once,
    same_tests,
)


def loss_changes(
    outcomes: Sequence[Outcome], target: str, *, selection: str = "everything"
) -> Float[numpy.ndarray, "s r m"]:
    """What retraining did, in nats, in every outcome: s draws of the same r removals' effects on m test points.

    NaN where a model is no truth or a selection does not look. Removals that only some outcomes made are left out.

    Raises:
        InvalidData: no outcome, no removal that all made, or different test points.
    """
    if not outcomes or len({tuple(outcome.test_ids.tolist()) for outcome in outcomes}) != 1:
        raise InvalidData(f"The {len(outcomes)} outcomes have different test points; draws of one target share them.")
    shared = reduce(numpy.intersect1d, [array(outcome.train_ids) for outcome in outcomes])
    if not len(shared):
        raise InvalidData("The outcomes have no removal in common; give them a selection that does not depend on seed.")
    tables = []
    for outcome in outcomes:
        known = outcome.comparison(selection, next(iter(outcome.predicted)), target)
        order = numpy.argsort(array(known.train_ids))
        rows = order[numpy.searchsorted(array(known.train_ids)[order], shared)]
        tables.append(numpy.where(array(known.counted), array(known.actual), numpy.nan)[rows])
    return numpy.stack(tables)


def repeatability(
    first: Sequence[Outcome],
    second: Sequence[Outcome],
    *,
    target: str,
    selection: str = "everything",
    measure: str = "spearman",
) -> Replicates:
    """For each couple of outcomes and test point, the correlation of two independent draws of a target.

    Give couples that share nothing with each other (seeds 0 and 1, 2 and 3, …): its mean then has an honest interval.

    Args:
        first: one draw of each couple, such as retraining with one batch order.
        second: the other, from another seed.
        target: which truth.
        selection: which removals count.
        measure: which correlation.

    Raises:
        InvalidData: unequal numbers of draws, or couples without common removals or test points.
    """
    if len(first) != len(second) or not first:
        raise InvalidData(f"There are {len(first)} first and {len(second)} second draws; give one of each a couple.")
    values, pairs = [], []
    for couple in zip(first, second, strict=True):
        one, other = loss_changes(couple, target, selection=selection)
        both = ~numpy.isnan(one) & ~numpy.isnan(other)
        values.append(named(measure)(Pairs(one, other, both), numpy.ones((1, len(one))))[0])
        pairs.append(both.sum(0))
    ids = numpy.stack([array(outcome.test_ids) for outcome in first])
    return Replicates(values=numpy.stack(values), test_ids=ids, pairs=numpy.stack(pairs), measure=measure)


def stepped_up(found: Resampled, draws: float) -> Resampled:
    """The repeatability of a mean of so many draws from that of one, ends alike (Spearman-Brown); 0 where negative."""
    return mapped(found, lambda one: spearman_brown(max(one, 0.0), draws), told=f"stepped up to {draws:g} draws")


def ceiling(found: Resampled) -> Resampled:
    """√(repeatability): how well the best score of another seed can correlate with one draw; 0 where negative."""
    return mapped(found, lambda one: max(one, 0.0) ** 0.5, told="square root")


def draws_needed(found: Resampled, *, wanted: float = 0.8) -> Resampled:
    """How many draws must be averaged for the wanted repeatability; infinitely many where one draw has none.

    One draw of repeatability 0.1 needs 36 for 0.8. Not rounded up.

    Raises:
        InvalidParameter: a wanted repeatability outside 0 … 1.
    """
    if not 0 < wanted < 1:
        raise InvalidParameter(f"wanted is {wanted}, expected a repeatability between 0 and 1, such as 0.8.")

    def needed(one: float) -> float:
        return wanted * (1 - one) / (one * (1 - wanted)) if one > 0 else float("inf") if one <= 0 else one

    return mapped(found, needed, told=f"draws for a repeatability of {wanted:g}")


def mapped(found: Resampled, change: Callable[[float], float], *, told: str) -> Resampled:
    """The number and its ends, each changed by a function that only rises or only falls."""
    value, low, high = (float(change(end)) if not numpy.isnan(end) else end for end in found.interval)
    if low > high:
        low, high = high, low
    seeds = numpy.array([float("nan") if numpy.isnan(each) else float(change(each)) for each in found.per_seed])
    return Resampled(Interval(value, low, high), f"{found.label}, {told}", found.count, seeds)


def disattenuated(
    scores: Replicates,
    repeats: Replicates,
    *,
    score_seeds: Sequence[int],
    target_seeds: Sequence[int],
    bootstrap: Bootstrap | None = None,
) -> Resampled:
    """The correlation there would be with a target without noise: mean ρ / √(mean repeatability) (Spearman 1904).

    Only where the noise of the target is not in the score too. A score from the very network whose retraining is the
    target shares its start, and often correlates with the target better than another draw of it does; divided, that
    would pass 1 and mean nothing. Show the repeatability beside such a score instead.

    Args:
        scores: ρ of score and target, for each seed and test point.
        repeats: repeatability of one draw of that target.
        score_seeds: of the model behind the score, one for each row of scores.
        target_seeds: of the target it is held against, one for each row.

    Raises:
        InvalidParameter: a score and its target have the same seed, or not one seed a row is given.
        InvalidData: the two tables have different test points.
    """
    if not len(scores.values) == len(score_seeds) == len(target_seeds):
        raise InvalidParameter(
            f"Give one seed of score and target for each of the {len(scores.values)} rows of scores."
        )
    shared = [one for one, other in zip(score_seeds, target_seeds, strict=True) if one == other]
    if shared:
        raise InvalidParameter(
            f"Score and target share the seeds {shared}, so the target's noise is in the score: pair each score with "
            "a target of another seed, or show the repeatability beside it."
        )
    if not same_tests(scores, repeats):
        raise InvalidData("Scores and repeats have different test points; give the same ones.")
    way = bootstrap or Bootstrap()
    for_seeds, for_tests, for_repeats = generators(way, 3)
    drawn = draws(scores, way.resamples, for_seeds=for_seeds, for_tests=for_tests)
    again = draws(repeats, way.resamples, for_seeds=for_repeats, for_tests=for_tests)

    def corrected(one: Draws, other: Draws) -> Float[numpy.ndarray, " b"]:
        level = averages(repeats.values, Draws(other.seeds, one.tests))
        return averages(scores.values, one) / numpy.sqrt(numpy.where(level > 0, level, numpy.nan))

    value = float(corrected(once(scores), once(repeats))[0])
    interval = ends(way, value, corrected(drawn, again), bounded=False)
    told = f"{way.level:.0%} bootstrap over seeds of scores and of repeats, test points jointly, B={way.resamples}"
    return Resampled(interval, told, int((~numpy.isnan(scores.values)).sum()))
