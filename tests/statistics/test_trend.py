"""Trends are least squares through seeds, their intervals cover, and covariates are taken out of them."""

import numpy
import pytest
from outcomes import table

from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates
from influencelab.statistics.trend import direction, trend

DEPTHS = (1, 2, 4, 6, 8)
QUICK = Bootstrap(resamples=200)


def simulated(generator, *, slope, seeds=8, m=10, seed=0.1, rest=0.05):
    """Tables by depth whose test points have the same effects at every depth, and slopes of their own."""
    tests, steepness = 0.2 * generator.normal(size=m), 0.02 * generator.normal(size=m)
    return {
        depth: Replicates(
            table(generator, seeds, m, seed=seed, rest=rest, tests=0.5 + tests + (slope + steepness) * depth)
        )
        for depth in DEPTHS
    }


def test_slope_is_the_line_through_one_value_a_seed():
    generator = numpy.random.default_rng(0)
    tables = {
        depth: Replicates(generator.normal(size=(size, 3))) for depth, size in zip(DEPTHS, (2, 5, 3, 4, 6), strict=True)
    }
    x = numpy.concatenate([[depth] * len(tables[depth].values) for depth in DEPTHS])
    y = numpy.concatenate([tables[depth].values.mean(1) for depth in DEPTHS])
    assert trend(tables).value == pytest.approx(numpy.polyfit(x, y, 1)[0])
    assert "2 to 6 seeds at each of 5 x, 3 test points jointly" in trend(tables).note


def test_interval_of_a_slope_covers_and_would_not_without_the_test_points():
    generator = numpy.random.default_rng(1)
    covered, without = 0, 0
    for _ in range(150):
        tables = simulated(generator, slope=-0.04, m=15, seed=0.02, rest=0.02)
        low, high = trend(tables, bootstrap=QUICK).ends
        covered += low <= -0.04 <= high
        pooled = {depth: Replicates(one.values.mean(1, keepdims=True)) for depth, one in tables.items()}
        low, high = trend(pooled, bootstrap=QUICK).ends
        without += low <= -0.04 <= high
    assert 0.88 <= covered / 150 <= 0.99
    assert without / 150 < 0.8


def test_a_trend_that_acts_through_a_covariate_vanishes_beside_it():
    generator = numpy.random.default_rng(2)
    norms = {depth: 0.5 * depth + generator.normal(size=10) for depth in DEPTHS}
    tables = {
        depth: Replicates(-0.1 * norms[depth][:, None] + 0.02 * generator.normal(size=(10, 6))) for depth in DEPTHS
    }
    bare = trend(tables, bootstrap=QUICK)
    held = trend(tables, covariates={"log10 gradient norm": norms}, bootstrap=QUICK)
    assert bare.high < -0.03
    assert held.low < 0 < held.high
    assert held.value == pytest.approx(0.0, abs=0.005)


def test_coefficients_are_those_of_least_squares_with_unknown_values_left_out():
    generator = numpy.random.default_rng(3)
    tables = {depth: Replicates(generator.normal(size=(4, 1))) for depth in DEPTHS}
    tables[2].values[1] = numpy.nan
    other = {depth: generator.normal(size=4) for depth in DEPTHS}
    other[6][2] = numpy.nan
    found = trend(tables, covariates={"other": other}, bootstrap=QUICK)
    rows = numpy.array([[1, d, other[d][i], tables[d].values[i, 0]] for d in DEPTHS for i in range(4)])
    rows = rows[~numpy.isnan(rows).any(1)]
    exact = numpy.linalg.lstsq(rows[:, :3], rows[:, 3], rcond=None)[0]
    assert found.value == pytest.approx(exact[1])
    assert found.n == 18


def test_a_slope_without_five_seeds_at_two_x_has_no_interval():
    tables = simulated(numpy.random.default_rng(7), slope=-0.04, seeds=5)
    few = {x: Replicates(table.values[:4]) for x, table in tables.items()}
    found = trend(few, bootstrap=QUICK)
    assert found.interval is None
    assert "no interval: 4 replicates" in found.note
    assert trend({**few, 1: tables[1]}, bootstrap=QUICK).interval is None
    assert trend({**few, 1: tables[1], 8: tables[8]}, bootstrap=QUICK).interval
    hollow = Replicates(numpy.full((5, 10), numpy.nan))
    assert trend({**few, 1: tables[1], 8: hollow}, bootstrap=QUICK).interval is None


def test_what_cannot_be_told_apart_is_refused():
    tables = simulated(numpy.random.default_rng(5), slope=0.0)
    with pytest.raises(InvalidData, match="cannot be told apart"):
        trend(tables, covariates={"layers": {depth: numpy.full(8, 2.0 * depth + 1) for depth in DEPTHS}})
    with pytest.raises(InvalidData, match="one value for each seed"):
        trend(tables, covariates={"short": {depth: numpy.ones(7) for depth in DEPTHS}})
    with pytest.raises(InvalidData, match="two or more x"):
        trend({1: tables[1]})
    other = Replicates(tables[1].values, test_ids=numpy.broadcast_to(numpy.arange(10) + 3, (8, 10)))
    with pytest.raises(InvalidData, match="different test points"):
        trend({1: tables[1], 2: other})


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.0091, -0.0063, "hardly changes"),
        (-0.004, 0.003, "hardly changes"),
        (-0.0134, -0.0093, "falls"),
        (0.02, 0.03, "rises"),
        (-0.5, 0.5, "open"),
        (-0.01, 0.0, "open"),
        (None, None, "open"),
    ],
)
def test_a_small_effect_is_neither_a_fall_nor_an_open_question(low, high, said):
    assert direction(Measurement(-0.0076, low, high), least=0.01) == said


def test_same_seed_same_trend():
    tables = simulated(numpy.random.default_rng(6), slope=-0.02)
    assert trend(tables).interval == trend(tables).interval
