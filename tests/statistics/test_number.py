"""A number has a whole interval or none, says so in words, and is changed as a whole."""

import math

import pytest

from influencelab.errors import InvalidParameter
from influencelab.statistics.measurement import Measurement


def test_an_interval_has_two_ordered_ends() -> None:
    assert Measurement(1.0, low=0.5, high=2.0).interval == (0.5, 2.0)
    assert Measurement(1.0, low=math.nan, high=2.0).interval is None
    assert str(Measurement(0.123456789, low=0.1, high=0.2, unit="nats")) == "0.12 [0.10, 0.20] nats"
    with pytest.raises(InvalidParameter, match="two ends"):
        Measurement(1.0, low=0.5)
    with pytest.raises(InvalidParameter, match="above its high end"):
        Measurement(1.0, low=2.0, high=0.5)


def test_half_a_width_is_told_only_where_there_is_one() -> None:
    number = Measurement(0.3, low=0.1, high=0.5, note="slope")
    assert number.half_width == pytest.approx(0.2)
    assert number.with_half_width().note == "slope; half-width 0.2"
    assert number.with_half_width().interval == number.interval
    small = Measurement(0.0, low=-0.00017, high=0.00017).with_half_width()
    assert "half-width 0.00017" in small.note
    for bare in (Measurement(0.3), Measurement(0.3, low=math.nan, high=math.nan)):
        assert math.isnan(bare.half_width)
        assert "half-width" not in bare.with_half_width().note


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (Measurement(0.51234, low=0.4, high=0.6), "0.51 [0.40, 0.60]"),
        (Measurement(0.51234, low=0.51, high=0.515), "0.512 [0.510, 0.515]"),
        (Measurement(0.51234, low=0.5121, high=0.5126), "0.5123 [0.5121, 0.5126]"),
        (Measurement(0.99998, low=0.99997, high=0.99999), "0.99998 [0.99997, 0.99999]"),
        (Measurement(22.014, low=18.611, high=27.185), "22.0 [18.6, 27.2]"),
        (Measurement(-0.12743, low=-0.17541, high=-0.086982), "-0.127 [-0.175, -0.087]"),
        (Measurement(-0.00002, low=-0.0033573, high=0.0027573), "0.0000 [-0.0034, 0.0028]"),
        (Measurement(12345.6, low=12000.0, high=13000.0), "12346 [12000, 13000]"),
        (Measurement(1.5e-9, low=1.41e-9, high=1.59e-9), "1.50e-09 [1.41e-09, 1.59e-09]"),
        (Measurement(0.9, low=0.9 - 5e-9, high=0.9), "0.900000 [0.900000, 0.900000]"),
        (Measurement(1.0, low=1.0, high=1.0), "1.00 [1.00, 1.00]"),
        (Measurement(120.0, low=80.0, high=math.inf), "120 [80, inf]"),
        (Measurement(0.51234), "0.512"),
        (Measurement(-0.0034), "-0.0034"),
        (Measurement(54321.0), "54,321"),
        (Measurement(0.0), "0"),
        (Measurement(-3.14159e-14), "-3.14e-14"),
        (Measurement(math.nan), "none"),
        (Measurement(math.inf), "inf"),
    ],
)
def test_a_number_has_three_digits_where_its_interval_allows_them(number, shown) -> None:
    assert number.rounded() == shown


def test_a_report_holds_only_finite_intervals_and_says_which_it_lacks() -> None:
    number = Measurement(0.3, low=0.1, high=0.5, n=7, note="by hand")
    assert number.described("mean") == Measurement(0.3, 0.1, 0.5, 7, "mean; by hand")
    for high in (math.inf, math.nan):
        bare = Measurement(0.3, low=0.1, high=high, n=7, note="by hand").described("mean")
        assert bare == Measurement(0.3, n=7, note="mean; by hand; no finite interval")


def test_a_falling_function_swaps_the_ends() -> None:
    number = Measurement(2.0, low=1.0, high=4.0, n=7, note="by hand")
    assert number.mapped(lambda value: 1 / value, "inverse") == Measurement(0.5, 0.25, 1.0, 7, "by hand, inverse")
