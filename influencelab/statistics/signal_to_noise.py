"""Signal-to-noise ratios of leave-one-out changes whose removals were retrained with many seeds."""

import numpy
from jaxtyping import Float

from influencelab.errors import InvalidData
from influencelab.statistics.agreement import mean_over_tests
from influencelab.statistics.bootstrap import Bootstrap, unit_weights
from influencelab.statistics.comparison import FEWEST, ratio
from influencelab.statistics.measurement import Measurement

THRESHOLD = 2.0  # of |mean| / sd over seeds


def signal_to_noise(draws: Float[numpy.ndarray, "s r m"]) -> Float[numpy.ndarray, "r m"]:
    """|mean| / sd over seeds of the effect of each removal on each test point; NaN with fewer than two known draws.

    draws[i, j, l] is the change of the loss of test point l when j is removed, with seed i; NaN if not known. Infinite
    for an effect that is the same in every draw, and 0 for none at all. With s draws of pure noise it is |t| / √s of
    Student's t: with 10 draws it passes 2 for one pair in 8,000.
    """
    if len(draws) < 2:
        raise InvalidData(f"Noise over seeds needs two draws or more, got {len(draws)}.")
    known = ~numpy.isnan(draws)
    size = known.sum(0)
    mean = numpy.where(known, draws, 0.0).sum(0) / numpy.maximum(size, 1)
    square = (numpy.where(known, draws - mean, 0.0) ** 2).sum(0)
    same = numpy.where(known, draws, -numpy.inf).max(0) == numpy.where(known, draws, numpy.inf).min(0)
    noise = numpy.where(same, 0.0, numpy.sqrt(square / numpy.maximum(size - 1, 1)))
    without_noise = numpy.where(mean != 0, numpy.inf, 0.0)
    found = numpy.divide(numpy.abs(mean), noise, out=without_noise, where=noise > 0)
    return numpy.where(size > 1, found, numpy.nan)


def share_detected(draws: Float[numpy.ndarray, "s r m"], *, bootstrap: Bootstrap | None = None) -> Measurement:
    """The share of (removal, test point) pairs whose |mean| / sd over seeds passes the threshold of 2, 0 to 1.

    The seeds are given; the interval draws removals and test points anew, independently. One of no width means that
    every pair, or none, passes.
    """
    way = bootstrap or Bootstrap()
    return way.mean(detected(draws), within=(0.0, 1.0), over=resampled_axes(draws))


def detection_gain(
    first: Float[numpy.ndarray, "s r m"],
    second: Float[numpy.ndarray, "s r m"],
    *,
    bootstrap: Bootstrap | None = None,
) -> Measurement:
    """The share detected in the first less that in the second; removals and test points drawn together for both."""
    way = bootstrap or Bootstrap()
    return way.mean(detected(first) - detected(second), over=resampled_axes(first))


def detected(draws: Float[numpy.ndarray, "s r m"]) -> Float[numpy.ndarray, "r m"]:
    """1 where |mean| / sd passes the threshold, else 0; NaN where it is not known."""
    size = signal_to_noise(draws)
    return numpy.where(numpy.isnan(size), numpy.nan, size > THRESHOLD)


def consistency(draws: Float[numpy.ndarray, "s r m"], *, bootstrap: Bootstrap | None = None) -> Measurement:
    """The repeatability of one draw over removals, mean over test points: between draws, covariance over variance.

    That is what Pearson's correlation of two draws of equal spread is on average; stepped up to s draws it is
    Cronbach's alpha of their mean. A removal that is not known in every draw is left out for that test point. The
    interval draws removals and test points anew, independently; the seeds are given.
    """
    if len(draws) < 2:
        raise InvalidData(f"Repeatability needs two draws or more, got {len(draws)}.")
    way = bootstrap or Bootstrap()
    axes: dict[str, int] = dict(zip(("removals", "tests"), draws.shape[1:], strict=True))
    once, drawn = unit_weights(axes), way.draw(axes)
    value, resampled = (mean_over_tests(one_draw(draws, each["removals"]), each["tests"]) for each in (once, drawn))
    n = int((~numpy.isnan(draws)).all(0).sum())
    return way.interval(float(value[0]), resampled, within=(-1.0, 1.0), n=n, over=resampled_axes(draws))


def one_draw(draws: Float[numpy.ndarray, "s r m"], weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """(s² V(mean) − Σ Vᵢ) / ((s − 1) Σ Vᵢ) with variances over the removals drawn; NaN where no draw varies."""
    s = len(draws)
    known = (~numpy.isnan(draws)).all(0)
    unit = numpy.where(known, numpy.abs(draws), 0.0).max((0, 1))
    filled = numpy.where(known, draws, 0.0) / numpy.where(unit > 0, unit, 1.0)
    filled -= numpy.where(known, filled.sum(1, keepdims=True) / numpy.maximum(known.sum(0), 1), 0.0)
    size = weights @ known.astype(numpy.float64)

    def variance(values: Float[numpy.ndarray, "r m"]) -> Float[numpy.ndarray, "b m"]:
        return ratio(weights @ values**2, size) - ratio(weights @ values, size) ** 2

    single = numpy.sum([variance(each) for each in filled], axis=0)
    between = s**2 * variance(filled.mean(0)) - single
    return numpy.where(size >= FEWEST, ratio(between, (s - 1) * single), numpy.nan)


def resampled_axes(draws: Float[numpy.ndarray, "s r m"]) -> str:
    """Text naming the resampled axes, such as `bootstrap over 40 removals and 20 test points, 10 seeds given`."""
    s, r, m = draws.shape
    tests = f" and {m} test points" if m > 1 else " of one test point"
    return f"bootstrap over {r} removals{tests}, {s} seeds given"
