"""Strata of removals: agreement among the most influential points, and among middling ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy
from jaxtyping import Bool

from influencelab.errors import InvalidParameter
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.replicates import Replicates, replicates


def by_stratum(
    comparisons: Sequence[Comparison],
    *,
    top: float = 0.25,
    middle: tuple[float, float] = (0.375, 0.625),
    measure: str = "pearson",
) -> dict[str, Replicates]:
    """A measure of agreement for each seed among its removals of largest |predicted change|, and among middling ones.

    By stratum: `top` and `middle`. Shares are of the order by |prediction|, from 0, the smallest, to 1, and mean what
    they say where comparisons take all removals, or random ones. A correlation is the lower the narrower a stratum's
    predictions range, and the higher the less actual changes scatter about them: as strata differ in both, correlations
    alone do not say in which of them predictions are better. A correction for range would presume equal scatter.
    """
    if not (0 < top < 1 and 0 <= middle[0] < middle[1] <= 1 - top):
        raise InvalidParameter(f"top is {top} and middle {middle}; expected 0 <= middle < middle <= 1 - top < 1.")
    shares = {"top": (1 - top, 1.0), "middle": middle}
    return {
        name: replicates([replace(each, mask=stratum(each, *ends)) for each in comparisons], measure=measure)
        for name, ends in shares.items()
    }


def stratum(comparison: Comparison, low: float, high: float) -> Bool[numpy.ndarray, "r m"]:
    """The masked pairs from share low to share high of each test point's order by |predicted|, earlier first."""
    size = numpy.where(comparison.mask, numpy.abs(comparison.filled()[0]), numpy.inf)
    place = numpy.argsort(numpy.argsort(size, axis=0, kind="stable"), axis=0)
    total = comparison.mask.sum(0)
    return comparison.mask & (place >= numpy.round(low * total)) & (place < numpy.round(high * total))
