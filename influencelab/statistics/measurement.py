"""Measured numbers with their intervals: what a study reports and a claim is judged by."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy
from jaxtyping import Float, Int

from influencelab.errors import InvalidParameter

__all__ = ["Measurement"]


@dataclass(frozen=True)
class Measurement:
    """One number of a study, such as the slope of actual against predicted change over 500 removals.

    Attributes:
        value: the number itself; NaN where it could not be had (a correlation of constants, say).
        low: lower end of its 95% interval; None or NaN where there is no interval.
        high: upper end.
        n: how many removals, points, values or models it is made of.
        note: how the interval was made, or why there is none.
        unit: `nats`, `s`, `MB`; empty for a pure number.

    Raises:
        InvalidParameter: one end of an interval without the other, or low > high.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise InvalidParameter(f"An interval has two ends; got low={self.low} and high={self.high}. Give both.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InvalidParameter(f"An interval's low end {self.low} is above its high end {self.high}. Swap them.")

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends, or None where there is no usable interval."""
        if self.low is None or self.high is None or math.isnan(self.low) or math.isnan(self.high):
            return None
        return self.low, self.high

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends, NaN where there is no usable interval."""
        return self.interval or (math.nan, math.nan)

    @property
    def half_width(self) -> float:
        """Half the width of its interval: the least distance from an edge that it can show; NaN without one."""
        low, high = self.ends
        return (high - low) / 2

    def with_half_width(self) -> "Measurement":
        """The same with its half-width in the note: how small a difference an inconclusive number could have shown.

        A slope of 0.01 with half-width 0.005 could have been distinguished from 0.02, with half-width 0.1 not.
        """
        if self.interval is None:
            return self
        return replace(self, note=f"{self.note}; half-width {self.half_width:.2g}")

    def finite(self) -> "Measurement":
        """The same, without an interval whose ends are not both finite."""
        return self if all(map(math.isfinite, self.ends)) else replace(self, low=None, high=None)

    def described(self, how: str = "mean over seeds and test points") -> "Measurement":
        """The same as a report holds it: what it is stands first in its note, and a lack of a finite interval last."""
        bare = self.finite()
        lack = "" if bare.interval or "no interval" in bare.note else "; no finite interval"
        return replace(bare, note=f"{how}; {self.note}{lack}")

    def mapped(self, change: Callable[[float], float], how: str) -> "Measurement":
        """The number and its ends, each changed by a function that only rises or only falls; the note ends with how."""
        value, *ends = (each if math.isnan(each) else float(change(each)) for each in (self.value, *self.ends))
        return replace(self, value=value, low=min(ends), high=max(ends), note=f"{self.note}, {how}")

    def rounded(self) -> str:
        """`0.500 [0.412, 0.588]`: three digits where the interval allows them; `none` where there is no number.

        A wide interval leaves fewer standing, a narrow one needs more to tell its ends apart.
        """
        if math.isnan(self.value):
            return "none"
        if self.interval is None:
            return f"{self.value:,.0f}" if 1000 <= abs(self.value) < math.inf else f"{self.value:.3g}"
        shown = [as_text(each, self.decimals()) for each in (self.value, *self.interval)]
        return f"{shown[0]} [{shown[1]}, {shown[2]}]"

    def decimals(self) -> int:
        """How many decimals of a number with an interval are shown."""
        largest = max((abs(each) for each in (self.value, *self.ends) if math.isfinite(each)), default=0.0)
        three = 2 - math.floor(math.log10(largest)) if largest else 2
        width = 2 * self.half_width
        if width == 0 or math.isinf(width):
            return max(three, 0)
        least = -math.floor(math.log10(width))
        return max(0, least, min(least + 1, three))

    def __str__(self) -> str:
        """`0.99987 [0.99985, 0.99991]`, with the unit where there is one."""
        return f"{self.rounded()}{' ' + self.unit if self.unit else ''}"


def as_text(value: float, decimals: int) -> str:
    """A number with so many decimals; with a power of ten where they would be nearly all noughts."""
    # Adding nought makes a nought of what rounds to minus nought.
    rounded = round(value, decimals) + 0.0
    if decimals <= 6 or not value or not math.isfinite(value):
        return f"{rounded:.{min(decimals, 6)}f}"
    return f"{value:.{max(0, decimals + math.floor(math.log10(abs(value))))}e}" if abs(value) < 1e-3 else f"{value:.6f}"


@dataclass(frozen=True, eq=False)
class Statistic:
    """One statistic of predicted against actual, for each test point and over all, with its intervals.

    Attributes:
        name: which statistic: a key of `MEASURES`, or the name of the function that was given.
        per_test: its value for each test point; NaN where undefined.
        low: the lower end of each test point's interval, its removals resampled.
        high: the upper end.
        pooled: the mean over the test points where it is defined.
        median: the same over test points, for when a few of them are unlike the rest.
        pairs: how many pairs each test point has.
        undefined: how many test points have no value (fewer than three pairs, or constant ones); they are left out
            of pooled and median.
        undefined_resamples: for each test point, in how many resamples it had no value; these are left out of its
            interval, and the test point out of pooled and median in that resample. A large share means that the
            interval describes only the resamples where there was something to see.
    """

    name: str
    per_test: Float[numpy.ndarray, " m"]
    low: Float[numpy.ndarray, " m"]
    high: Float[numpy.ndarray, " m"]
    pooled: Measurement
    median: Measurement
    pairs: Int[numpy.ndarray, " m"]
    undefined: int
    undefined_resamples: Int[numpy.ndarray, " m"]
