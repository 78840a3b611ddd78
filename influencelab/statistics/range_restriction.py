"""Range restriction: correlations among the most influential points, and among middling, less spread ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy
from jaxtyping import Bool, Float

from influencelab.errors import InvalidParameter
from influencelab.statistics.comparison import FEWEST, Comparison
from influencelab.statistics.replicates import Replicates, replicates


def restriction(
    comparisons: Sequence[Comparison], *, top: float = 0.25, middle: tuple[float, float] = (0.375, 0.625)
) -> dict[str, Replicates]:
    """Pearson's correlation of each seed among its removals of largest |predicted change|, and among middling ones.

    By stratum: `top`, `middle`, and `middle_corrected`, which is that of the middle had its predictions been spread as
    widely as those of the top, with the same line and scatter (Thorndike's case II). The first less the last is what
    spread alone does not explain. Shares are of the order by |prediction|, from 0, the smallest, to 1, and mean what
    they say where comparisons take all removals, or random ones.
    """
    if not (0 < top < 1 and 0 <= middle[0] < middle[1] <= 1 - top):
        raise InvalidParameter(f"top is {top} and middle {middle}; expected 0 <= middle < middle <= 1 - top < 1.")
    high, mid = (
        [replace(each, mask=stratum(each, *shares)) for each in comparisons] for shares in ((1 - top, 1.0), middle)
    )
    of_high, of_mid = (replicates(part, measure="pearson") for part in (high, mid))
    wider = numpy.stack([spread(one) / spread(other) for one, other in zip(high, mid, strict=True)])
    corrected = replace(of_mid, values=thorndike(of_mid.values, wider))
    return {"top": of_high, "middle": of_mid, "middle_corrected": corrected}


def thorndike(
    r: Float[numpy.ndarray, "*shape"], wider: Float[numpy.ndarray, "*shape"]
) -> Float[numpy.ndarray, "*shape"]:
    """The correlation in a sample whose predictions spread so much wider: r u / √(1 − r² + r² u²).

    With the same line of actual on predicted and the same scatter about it, 0.3 becomes 0.69 where predictions spread
    three times as wide. Thorndike (1949), Personnel Selection, case II.
    """
    return r * wider / numpy.sqrt(1.0 - r**2 + (r * wider) ** 2)


def stratum(comparison: Comparison, low: float, high: float) -> Bool[numpy.ndarray, "r m"]:
    """The masked pairs from share low to share high of each test point's order by |predicted|, earlier first."""
    size = numpy.where(comparison.mask, numpy.abs(comparison.filled()[0]), numpy.inf)
    place = numpy.argsort(numpy.argsort(size, axis=0, kind="stable"), axis=0)
    total = comparison.mask.sum(0)
    return comparison.mask & (place >= numpy.round(low * total)) & (place < numpy.round(high * total))


def spread(comparison: Comparison) -> Float[numpy.ndarray, " m"]:
    """The standard deviation of each test point's predictions in the mask; NaN where there is none."""
    values = numpy.where(comparison.mask, comparison.predicted, 0.0)
    total = comparison.mask.sum(0)
    centred = numpy.where(comparison.mask, values - values.sum(0) / numpy.maximum(total, 1), 0.0)
    deviation = numpy.sqrt((centred**2).sum(0) / numpy.maximum(total, 1))
    return numpy.where((total >= FEWEST) & (deviation > 0), deviation, numpy.nan)
