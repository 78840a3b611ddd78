"""Least squares of rows in units: the numbers of NumPy's own, and intervals that cover as often as they say."""

import numpy
import pytest

from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.clustered import CONSTANT, regression


def drawn(generator, units, *, slope=-1.0, level=1.0, tilt=0.3):
    """Four rows a unit, at x = 0 … 3, whose units differ in level and in slope."""
    x = numpy.tile(numpy.arange(4.0), units)
    place = numpy.repeat(numpy.arange(units), 4)
    levels, tilts = level * generator.normal(size=units), tilt * generator.normal(size=units)
    return x, levels[place] + (slope + tilts[place]) * x + 0.1 * generator.normal(size=4 * units), place


def test_coefficients_are_those_of_least_squares():
    generator = numpy.random.default_rng(0)
    x, z = generator.normal(size=(2, 40)) * [[1.0], [1e-4]] + [[5.0], [0.0]]
    y = 2 + 3 * x - 1e4 * z + generator.normal(size=40)
    found = regression({"x": x, "z": z}, y, units=numpy.arange(40) // 4)
    wanted = numpy.linalg.lstsq(numpy.stack([numpy.ones(40), x, z], axis=1), y, rcond=None)[0]
    assert [found[name].value for name in (CONSTANT, "x", "z")] == pytest.approx(wanted, rel=1e-9)
    assert (found["x"].n, list(found)) == (40, [CONSTANT, "x", "z"])


def test_rows_that_are_not_finite_are_left_out():
    x, y = numpy.arange(8.0), 2 * numpy.arange(8.0)
    y[3], x[5] = numpy.nan, numpy.inf
    found = regression({"x": x}, y, units=numpy.arange(8))
    assert (found["x"].value, found["x"].n) == (pytest.approx(2), 6)


@pytest.mark.parametrize("units", [5, 10, 20])
def test_intervals_cover_where_rows_of_a_unit_share_much(units):
    generator, way, hits = numpy.random.default_rng(1), Bootstrap(resamples=200), 0
    for _ in range(200):
        x, y, place = drawn(generator, units)
        low, high = regression({"x": x}, y, units=place, bootstrap=way)["x"].ends
        hits += low <= -1 <= high
    assert 0.9 <= hits / 200 <= 0.99


def test_rows_drawn_one_by_one_would_cover_far_too_rarely():
    generator, way, hits = numpy.random.default_rng(2), Bootstrap(resamples=200), {"units": 0, "rows": 0}
    for _ in range(100):
        x, place = numpy.repeat(generator.normal(size=10), 8), numpy.repeat(numpy.arange(10), 8)
        y = numpy.repeat(generator.normal(size=10), 8) + 0.1 * generator.normal(size=80)
        for name, units in {"units": place, "rows": numpy.arange(80)}.items():
            low, high = regression({"x": x}, y, units=units, bootstrap=way)["x"].ends
            hits[name] += low <= 0 <= high
    assert hits["units"] >= 85
    assert hits["rows"] <= 70


def test_of_fewer_than_five_units_there_is_no_interval():
    x, y, place = drawn(numpy.random.default_rng(2), 4)
    found = regression({"x": x}, y, units=place)["x"]
    assert found.interval is None
    assert "no interval" in found.note


def test_columns_that_determine_each_other_and_rows_that_differ_are_refused():
    x = numpy.arange(8.0)
    with pytest.raises(InvalidData, match="determine each other"):
        regression({"x": x, "twice": 2 * x}, x, units=x)
    with pytest.raises(InvalidData, match="Rows differ"):
        regression({"x": x}, x[:4], units=x)
    with pytest.raises(InvalidData, match="No row"):
        regression({"x": x}, numpy.full(8, numpy.nan), units=x)
