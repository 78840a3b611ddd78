"""Settings of a claim: which number of a report is meant, or which difference, ratio or mean of numbers."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas
from scipy.special import stdtrit

from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import Lines, Where, find, measurement_of, select

__all__ = ["Setting"]


@dataclass(frozen=True)
class Setting:
    """One setting at which a claim is measured, and the band that its number is held against.

    Attributes:
        name: in words: `digits, two layers`.
        where: the settings of one row of the measurements; a claim adds what all its settings share.
        less: what the same row has changed in the row that is subtracted: `{"estimator": "same_label"}`.
        over: the same of the row that divides.
        units: a setting and its values, such as data sets: the number is the mean over them, each the mean of its
            rows, with an interval by Student's t that takes the units alone as drawn.
        low: the least accepted value here; both ends None: those of the claim.
        high: the greatest.
    """

    name: str
    where: Where = field(default_factory=dict)
    less: Where | None = None
    over: Where | None = None
    units: Mapping[str, Sequence[str]] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None

    @property
    def unbounded(self) -> bool:
        """Whether there is no band of its own."""
        return self.low is None and self.high is None

    @property
    def bounds(self) -> str:
        """Its band in words: `≥ 0.99`, `0.95 to 1.05`, or a dash."""
        if self.unbounded:
            return "–"
        if self.high is None:
            return f"≥ {self.low:g}"
        return f"≤ {self.high:g}" if self.low is None else f"{self.low:g} to {self.high:g}"

    def among(self, shared: Where) -> "Setting":
        """The same with the settings that all settings of a claim share."""
        return replace(self, where={**shared, **self.where})

    def number(self, table: pandas.DataFrame | Lines) -> Measurement | None:
        """Its number; None where it was not measured.

        Raises:
            InvalidData: several rows have these settings.
        """
        if self.units:
            return mean_over(table, self.where, self.units)
        number = find(table, self.where)
        for other, combine, word in ((self.less, difference, "less"), (self.over, ratio, "over")):
            if other is not None:
                rival = find(table, {**self.where, **other})
                number = joint(number, rival, combine, word) if number and rival else None
        return number


Ends = tuple[float, float]


def difference(one: Ends, two: Ends) -> Ends:
    """The least and the greatest difference of two numbers, each in an interval."""
    return one[0] - two[1], one[1] - two[0]


def ratio(one: Ends, two: Ends) -> Ends:
    """The least and the greatest ratio; NaN where the second may be 0."""
    ends = [first / second for first in one for second in two] if two[0] * two[1] > 0 else [float("nan")]
    return min(ends), max(ends)


def joint(one: Measurement, two: Measurement, combine: Callable[[Ends, Ends], Ends], word: str) -> Measurement:
    """A number less or over another, with the widest interval that theirs allow.

    Whatever their dependence, the error of a difference has no larger standard deviation than the sum of both.
    """
    value = combine((one.value, one.value), (two.value, two.value))[0]
    note = f"{one.value:.3g} {word} {two.value:.3g}; the widest that both 95% intervals allow"
    found = Measurement(value, note=note)
    if one.interval is None or two.interval is None:
        return replace(found, note=f"{one.value:.3g} {word} {two.value:.3g}; no interval")
    low, high = combine(one.interval, two.interval)
    return replace(found, low=low, high=high).finite()


def mean_over(table: pandas.DataFrame | Lines, where: Where, units: Mapping[str, Sequence[str]]) -> Measurement | None:
    """The mean over units, each the mean of its rows, with a 95% interval by Student's t; None where one has no row."""
    ((name, values),) = units.items()
    rows = [select(table, {**where, name: value}) for value in values]
    if not all(rows):
        return None
    means = [statistics.fmean(measurement_of(line).value for line in lines) for lines in rows]
    value, n = statistics.fmean(means), len(means)
    half = float(stdtrit(n - 1, 0.975)) * statistics.stdev(means) / n**0.5 if n > 1 else float("nan")
    note = f"mean over {n} values of {name}, each the mean of its rows; 95% by Student's t over them"
    return Measurement(value, value - half, value + half, n=n, note=note).finite()
