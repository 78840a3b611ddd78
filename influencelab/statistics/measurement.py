"""A measured number with its interval: what a study reports and a claim is judged by."""

import math
from dataclasses import dataclass, replace

from influencelab.errors import InvalidParameter
from influencelab.recipe import Recipe

__all__ = ["Measurement"]


@dataclass(frozen=True)
class Measurement(Recipe):
    """One number of a study, such as the slope of actual against predicted change over 500 removals.

    Attributes:
        value: the number itself; NaN where it could not be had (a correlation of constants, say).
        low: lower end of its 95% interval; None where there is no interval.
        high: upper end.
        n: how many removals, points or models it is made of.
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
    def half_width(self) -> float:
        """Half the width of its interval: how far from an edge it must lie to be told from it; NaN without one."""
        return (self.interval[1] - self.interval[0]) / 2 if self.interval else math.nan

    def with_half_width(self) -> "Measurement":
        """The same with its half-width in the note, for a number whose being inconclusive must say how little it says.

        A slope of 0.01 with half-width 0.005 would have been told from 0.02; one with half-width 0.1 from nothing.
        """
        if self.interval is None:
            return self
        return replace(self, note=f"{self.note}; half-width {self.half_width:.2g}")

    def __str__(self) -> str:
        """`0.99987 [0.99985, 0.99991]`, with the unit where there is one."""
        ends = f" [{self.interval[0]:.5g}, {self.interval[1]:.5g}]" if self.interval else ""
        return f"{self.value:.5g}{ends}{' ' + self.unit if self.unit else ''}"
