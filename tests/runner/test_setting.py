"""A setting's number: one row, or a difference, ratio or mean of rows, with an interval that no dependence narrows."""

import numpy
import pytest
from pandas import DataFrame
from scipy import stats

from influencelab.errors import InvalidData
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy


def table(**numbers: Measurement) -> DataFrame:
    """A row an estimator."""
    return tidy(row(each, data="digits", estimator=name) for name, each in numbers.items())


def normal(value: float, sd: float) -> Measurement:
    """A number with the 95% interval of a normal distribution."""
    return Measurement(value, low=value - 1.96 * sd, high=value + 1.96 * sd, n=9)


def test_a_difference_has_an_interval_that_holds_whatever_the_dependence():
    found = table(ekfac=normal(0.3, 0.02), label=normal(0.25, 0.03))
    number = Setting("", {"estimator": "ekfac"}, less={"estimator": "label"}).number(found)
    assert number.value == pytest.approx(0.05)
    for correlation in (-1.0, 0.0, 0.9, 1.0):
        sd = (0.02**2 + 0.03**2 - 2 * correlation * 0.02 * 0.03) ** 0.5
        assert number.low <= 0.05 - 1.96 * sd + 1e-12
        assert number.high >= 0.05 + 1.96 * sd - 1e-12
    assert number.high - number.low == pytest.approx(2 * 1.96 * 0.05)
    assert "0.3 less 0.25" in number.note


def test_a_ratio_spans_that_of_all_values_in_both_intervals():
    found = table(half=Measurement(0.8, 0.7, 0.9), single=Measurement(0.2, 0.1, 0.3))
    number = Setting("", {"estimator": "half"}, over={"estimator": "single"}).number(found)
    ratios = [one / two for one in numpy.linspace(0.7, 0.9, 9) for two in numpy.linspace(0.1, 0.3, 9)]
    assert (number.value, number.low, number.high) == pytest.approx((4.0, min(ratios), max(ratios)))
    near_nought = table(half=Measurement(0.8, 0.7, 0.9), single=Measurement(0.1, -0.1, 0.3))
    assert Setting("", {"estimator": "half"}, over={"estimator": "single"}).number(near_nought).interval is None


def test_a_combination_without_one_of_its_numbers_or_intervals_says_so():
    less = Setting("", {"estimator": "ekfac"}, less={"estimator": "label"})
    assert less.number(table(ekfac=normal(0.3, 0.02))) is None
    bare = less.number(table(ekfac=normal(0.3, 0.02), label=Measurement(0.25)))
    assert (bare.value, bare.interval) == (pytest.approx(0.05), None)
    assert "no interval" in bare.note


def test_units_are_drawn_and_not_their_rows():
    gains = {"wine": [0.3, 0.6, 0.1], "cancer": [0.0, 0.1, 0.3], "digits": [-0.1, 0.0, 0.1]}
    rows = [
        row(normal(gain, 0.001), data=data, weight_decay=0.1**place, statistic="gain")
        for data, values in gains.items()
        for place, gain in enumerate(values)
    ]
    rows.append(row(normal(9.0, 0.1), data="mnist", weight_decay=0.1, statistic="gain"))
    number = Setting("", {"statistic": "gain"}, units={"data": tuple(gains)}).number(tidy(rows))
    means = [numpy.mean(values) for values in gains.values()]
    low, high = stats.t.interval(0.95, 2, loc=numpy.mean(means), scale=stats.sem(means))
    assert (number.value, number.low, number.high, number.n) == pytest.approx((numpy.mean(means), low, high, 3))
    assert Setting("", {"statistic": "gain"}, units={"data": ("wine", "iris")}).number(tidy(rows)) is None


def test_several_rows_of_one_setting_are_refused():
    with pytest.raises(InvalidData, match="They differ in estimator"):
        Setting("", {"data": "digits"}).number(table(one=normal(0, 1), two=normal(0, 1)))
