"""A number has a whole interval or none."""

import math

import pytest

from influencelab.errors import InvalidParameter
from influencelab.statistics.measurement import Measurement


def test_an_interval_has_two_ordered_ends() -> None:
    assert Measurement(1.0, low=0.5, high=2.0).interval == (0.5, 2.0)
    assert Measurement(1.0, low=math.nan, high=2.0).interval is None
    assert str(Measurement(0.123456789, low=0.1, high=0.2, unit="nats")) == "0.12346 [0.1, 0.2] nats"
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
