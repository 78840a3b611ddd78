"""Statistics of agreement by name, each with its intervals over removals and test points."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy
from jaxtyping import Float

from influencelab.errors import InvalidParameter
from influencelab.statistics import correlation
from influencelab.statistics.bootstrap import ANYWHERE, Bootstrap
from influencelab.statistics.comparison import FEW_DISTINCT, Comparison
from influencelab.statistics.measurement import Measurement, Statistic
from influencelab.threads import one_thread

Measure = Callable[[Comparison, numpy.ndarray], numpy.ndarray]
CORRELATIONS = ("pearson", "spearman", "kendall")
# The others are correlations and shares, between -1 and 1.
UNBOUNDED = ("slope", "intercept", "rms_ratio", "relative_error")
# What stands beside each other wherever agreement is measured: order, line, and two of size, which an order hides.
FOUR = ("spearman", "pearson", "slope", "relative_error")
OTHERS = ("sign_agreement", "pearson_without_top3", "within_class_spearman")
NAMES = (*CORRELATIONS, *UNBOUNDED, *OTHERS)
MEASURES: Mapping[str, Measure] = MappingProxyType({name: getattr(correlation, name) for name in NAMES})


@one_thread()
def statistic(comparison: Comparison, measure: str | Measure, *, bootstrap: Bootstrap | None = None) -> Statistic:
    """One statistic of a comparison with its intervals; removals are stream 0 of the bootstrap, test points stream 1.

    The measure is a key of `MEASURES`, or any function of (comparison, weights (b r)) that gives a table (b m).
    """
    way, chosen = bootstrap or Bootstrap(), named(measure) if isinstance(measure, str) else measure
    value = chosen(comparison, numpy.ones((1, comparison.r)))[0]
    table = numpy.concatenate([chosen(comparison, weights) for weights in way.chunks(comparison.r)])
    known = ~numpy.isnan(value)
    missing = numpy.isnan(table).sum(0)
    table[:, ~known] = numpy.nan
    within, tests = bounds(chosen.__name__), way.draw({"tests": comparison.m}, stream=1)["tests"]
    low, high = way.ends(table, value, within=within)
    two_way, one_way = "two-way bootstrap over removals and test points", "bootstrap over removals of one test point"
    over = two_way if comparison.m > 1 else one_way
    tied = int(((comparison.distinct < FEW_DISTINCT) & known).sum())
    few = f"; {tied} of {comparison.m} test points have fewer than {FEW_DISTINCT} distinct predictions" if tied else ""

    def over_tests(summary: Callable[..., numpy.ndarray], how: str) -> Measurement:
        middle = float(summary(value[None], numpy.ones((1, len(value))))[0])
        found = way.interval(middle, summary(table, tests), within=within, n=int(comparison.mask.sum()), over=over)
        sized = chosen is correlation.intercept and comparison.unit != "none"
        note, unit = f"{how} over test points; {found.note}{few}", comparison.unit if sized else ""
        return replace(found.finite(), note=note, unit=unit)

    return Statistic(
        name=chosen.__name__,
        per_test=value,
        low=low,
        high=high,
        pooled=over_tests(mean_over_tests, "mean"),
        median=over_tests(median_over_tests, "median"),
        pairs=comparison.mask.sum(0),
        undefined=int((~known).sum()),
        undefined_resamples=missing,
    )


def bounds(name: str) -> tuple[float, float]:
    """Between which values a statistic lies: −1 and 1 of known correlations and shares, else anywhere.

    A difference of two correlations lies between −2 and 2, and where somebody's own function lies nobody says.
    """
    return ANYWHERE if name in UNBOUNDED or name not in MEASURES else (-1.0, 1.0)


def named(name: str) -> Measure:
    """The statistic of this name; an InvalidParameter error that lists what there is where there is none."""
    if name not in MEASURES:
        raise InvalidParameter(f"No statistic is named '{name}'. There are: {', '.join(MEASURES)}.")
    return MEASURES[name]


def mean_over_tests(
    table: Float[numpy.ndarray, "b m"], tests: Float[numpy.ndarray, "b m"]
) -> Float[numpy.ndarray, " b"]:
    """The mean of each row with its test points' counts, over those defined; NaN where none is."""
    drawn = numpy.where(numpy.isnan(table), 0.0, tests)
    total = drawn.sum(1)
    mean = (numpy.nan_to_num(table) * drawn).sum(1) / numpy.maximum(total, 1.0)
    return numpy.where(total > 0, mean, numpy.nan)


def median_over_tests(
    table: Float[numpy.ndarray, "b m"], tests: Float[numpy.ndarray, "b m"]
) -> Float[numpy.ndarray, " b"]:
    """The median of each row with its test points repeated by their counts, over those defined; NaN where none is."""
    order = numpy.argsort(table, axis=1)
    ordered = numpy.take_along_axis(table, order, axis=1)
    drawn = numpy.where(numpy.isnan(ordered), 0.0, numpy.take_along_axis(tests, order, axis=1))
    through = numpy.cumsum(drawn, axis=1)
    total = through[:, -1:]
    middle = [
        numpy.take_along_axis(ordered, (through > place).argmax(1)[:, None], axis=1)
        for place in ((total - 1) // 2, total // 2)
    ]
    return numpy.where(total > 0, (middle[0] + middle[1]) / 2, numpy.nan)[:, 0]
