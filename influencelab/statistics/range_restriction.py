"""Whether the most influential points are better predicted than the middle ones, or merely spread wider."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy
from jaxtyping import Bool, Float

from influencelab.errors import InvalidParameter
from influencelab.experiments.comparison import array
from influencelab.experiments.outcome import Outcome
from influencelab.recipe import Recipe
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.correlation import pearson
from influencelab.statistics.pairs import FEWEST, Pairs
from influencelab.statistics.replicates import Replicates, Resampled, all_pairs, difference


@dataclass(frozen=True, eq=False)
class Restriction(Recipe):
    """Pearson's correlation among the removals of largest |predicted change| and among middling ones.

    Attributes:
        top: among the most influential.
        middle: among the middle of the order by |prediction|.
        corrected: of the middle, had its predictions been spread as widely as those of the top, with the same line and
            scatter (Thorndike's case II).
    """

    top: Replicates
    middle: Replicates
    corrected: Replicates

    def before(self, *, bootstrap: Bootstrap | None = None) -> Resampled:
        """Top less middle, as papers compare them; seeds and test points paired."""
        return difference(self.top, self.middle, paired=True, bootstrap=bootstrap)

    def after(self, *, bootstrap: Bootstrap | None = None) -> Resampled:
        """Top less corrected middle: what spread alone does not explain."""
        return difference(self.top, self.corrected, paired=True, bootstrap=bootstrap)


def restriction(
    outcomes: Sequence[Outcome],
    *,
    selection: str,
    estimator: str,
    target: str,
    top: float = 0.25,
    middle: tuple[float, float] = (0.375, 0.625),
) -> Restriction:
    """The two strata of each seed's removals, for each test point by |predicted change|, and their correlations.

    Args:
        outcomes: of one setting, run with several seeds.
        selection: from which removals; one that looks at all, or random ones, for shares to mean what they say.
        estimator: whose predictions.
        target: which truth.
        top: the share with the largest |prediction|.
        middle: between which shares of the order the middle lies, from 0, the smallest, to 1.

    Raises:
        InvalidParameter: shares outside 0 … 1, or a middle that reaches into the top.
    """
    if not (0 < top < 1 and 0 <= middle[0] < middle[1] <= 1 - top):
        raise InvalidParameter(f"top is {top} and middle {middle}; expected 0 <= middle < middle <= 1 - top < 1.")
    tables = [all_pairs(outcome.comparison(selection, estimator, target)) for outcome in outcomes]
    high = [replace(pairs, counted=stratum(pairs, 1 - top, 1.0)) for pairs in tables]
    mid = [replace(pairs, counted=stratum(pairs, *middle)) for pairs in tables]
    ids = numpy.stack([array(outcome.test_ids) for outcome in outcomes])

    def table(values: list[numpy.ndarray], parts: list[Pairs]) -> Replicates:
        sizes = numpy.stack([pairs.counted.sum(0) for pairs in parts])
        return Replicates(numpy.stack(values), test_ids=ids, pairs=sizes, measure="pearson")

    of_high, of_mid = ([pearson(pairs, numpy.ones((1, pairs.r)))[0] for pairs in parts] for parts in (high, mid))
    wider = [spread(one) / spread(other) for one, other in zip(high, mid, strict=True)]
    widened = [thorndike(value, ratio) for value, ratio in zip(of_mid, wider, strict=True)]
    return Restriction(top=table(of_high, high), middle=table(of_mid, mid), corrected=table(widened, mid))


def thorndike(
    r: Float[numpy.ndarray, "*shape"], wider: Float[numpy.ndarray, "*shape"]
) -> Float[numpy.ndarray, "*shape"]:
    """The correlation in a sample whose predictions spread so much wider: r u / √(1 − r² + r² u²).

    With the same line of actual on predicted and the same scatter about it, 0.3 becomes 0.69 where predictions spread
    three times as wide. Thorndike (1949), Personnel Selection, case II.
    """
    return r * wider / numpy.sqrt(1.0 - r**2 + (r * wider) ** 2)


def stratum(pairs: Pairs, low: float, high: float) -> Bool[numpy.ndarray, "r m"]:
    """The counted pairs from share low to share high of each test point's order by |predicted|, earlier ones first."""
    size = numpy.where(pairs.counted, numpy.abs(pairs.filled()[0]), numpy.inf)
    place = numpy.argsort(numpy.argsort(size, axis=0, kind="stable"), axis=0)
    total = pairs.counted.sum(0)
    return pairs.counted & (place >= numpy.round(low * total)) & (place < numpy.round(high * total))


def spread(pairs: Pairs) -> Float[numpy.ndarray, " m"]:
    """The standard deviation of each test point's counted predictions; NaN where there is none."""
    values = numpy.where(pairs.counted, pairs.predicted, 0.0)
    total = pairs.counted.sum(0)
    centred = numpy.where(pairs.counted, values - values.sum(0) / numpy.maximum(total, 1), 0.0)
    deviation = numpy.sqrt((centred**2).sum(0) / numpy.maximum(total, 1))
    return numpy.where((total >= FEWEST) & (deviation > 0), deviation, numpy.nan)
