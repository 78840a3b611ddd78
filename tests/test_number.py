"""A number has a whole interval or none."""

import math

import pytest

from influencelab.errors import InvalidParameter
from influencelab.number import Number


def test_an_interval_has_two_ordered_ends() -> None:
    assert Number(1.0, low=0.5, high=2.0).interval == (0.5, 2.0)
    assert Number(1.0, low=math.nan, high=2.0).interval is None
    assert str(Number(0.123456789, low=0.1, high=0.2, unit="nats")) == "0.12346 [0.1, 0.2] nats"
    with pytest.raises(InvalidParameter, match="two ends"):
        Number(1.0, low=0.5)
    with pytest.raises(InvalidParameter, match="above its high end"):
        Number(1.0, low=2.0, high=0.5)
