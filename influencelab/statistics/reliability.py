"""Reliability of correlations: intervals by theory, null bands, and what a target's repeatability allows."""

import math
from numbers import Real
from typing import NamedTuple

from scipy import special

from influencelab.errors import InvalidParameter, require, whole
from influencelab.statistics.measurement import Measurement

__all__ = ["fisher_interval", "null_band", "spearman_brown"]

WANTED = 0.8  # repeatability of a mean of draws that serves as a target


class NullBand(NamedTuple):
    """Distribution of |correlation| of independent pairs: its mean, and the point it exceeds only rarely."""

    mean: float
    point: float


def fisher_interval(r: float, n: int, *, level: float = 0.95) -> Measurement:
    """The interval of one correlation r of n independent pairs, normal in both: tanh(atanh r ± z / √(n − 3)).

    For r = 0.8 of 40 pairs it is 0.65 to 0.89. Pairs that share removals or test points are not independent: use
    `Bootstrap` for those. With three pairs or fewer nothing is known: −1 to 1. Fisher (1921), On the "probable error"
    of a coefficient of correlation deduced from a small sample, Metron 1:3-32.

    Raises:
        InvalidParameter: r outside −1 … 1, n < 1, or a level outside 0 … 1.
    """
    require(r, Real, what="r", cure="Give a correlation such as 0.8.")
    if not -1 <= r <= 1:
        raise InvalidParameter(f"r is {r}, expected a correlation between -1 and 1.")
    check_size(n, level, fewest=1)
    note = f"{level:.0%} by Fisher's z"
    if n <= 3:
        return Measurement(r, -1.0, 1.0, n=n, note=note)
    if abs(r) == 1:
        return Measurement(r, r, r, n=n, note=note)
    half = float(special.ndtri(0.5 + level / 2)) / math.sqrt(n - 3)
    return Measurement(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half), n=n, note=note)


def null_band(n: int, *, level: float = 0.95) -> NullBand:
    """Size of |Pearson| or |Spearman| of n independent pairs by chance: at n = 25, 0.165 on average, often 0.4.

    r² is Beta(½, (n − 2)/2): exact for normal pairs, and for any values, ranks too, the law whose first two moments
    fit those of all n! pairings (Pitman 1937, Significance tests which may be applied to samples from any
    populations II: the correlation coefficient test, Supplement to the JRSS 4:225-232). For Spearman below n = 10 it is
    rough.

    Raises:
        InvalidParameter: n < 3, or a level outside 0 … 1.
    """
    check_size(n, level, fewest=3)
    half = (n - 2) / 2
    mean = 1.0 / (half * float(special.beta(0.5, half)))
    return NullBand(mean, math.sqrt(float(special.betaincinv(0.5, half, level))))


def spearman_brown(reliability: float, k: float) -> float:
    """The repeatability of a mean of k draws, from that of one: k ρ / (1 + (k − 1) ρ).

    Two draws that correlate at 0.5 average to a target that would correlate at 0.67 with another such average.
    Spearman (1910) and Brown (1910), British Journal of Psychology 3:271-322.

    Raises:
        InvalidParameter: k is not above 0, or a correlation so negative that no k draws can all have it.
    """
    below = 1.0 + (k - 1.0) * reliability
    if not (k > 0 and -1 <= reliability <= 1 and below > 0):
        raise InvalidParameter(
            f"k is {k} and the reliability {reliability}; expected k > 0, and a correlation from -1/(k - 1) to 1."
        )
    return k * reliability / below


def stepped_up(found: Measurement, draws: float) -> Measurement:
    """The repeatability of a mean of so many draws from that of one, ends alike (Spearman-Brown); 0 where negative."""
    return found.mapped(lambda one: spearman_brown(max(one, 0.0), draws), f"stepped up to {draws:g} draws")


def ceiling(found: Measurement) -> Measurement:
    """√(repeatability): how well the best score of another seed can correlate with one draw; 0 where negative."""
    return found.mapped(lambda one: max(one, 0.0) ** 0.5, "square root")


def draws_needed(found: Measurement) -> Measurement:
    """Number of draws to average for a repeatability of 0.8, not rounded up; infinitely many where one draw has none.

    One draw of repeatability 0.1 needs 36.
    """

    def needed(one: float) -> float:
        return WANTED * (1 - one) / (one * (1 - WANTED)) if one > 0 else math.inf

    return found.mapped(needed, f"draws for a repeatability of {WANTED:g}")


def check_size(n: int, level: float, *, fewest: int) -> None:
    """Refuse a number of pairs or a level that means nothing."""
    if whole(n, what="n") < fewest:
        raise InvalidParameter(f"n is {n}, expected {fewest} pairs or more.")
    if not 0 < level < 1:
        raise InvalidParameter(f"level is {level}, expected a share between 0 and 1, such as 0.95.")
