"""Theory's intervals and bands are what simulation shows."""

from itertools import permutations

import numpy
import pytest

from influencelab.errors import InvalidParameter
from influencelab.statistics.comparison import comparison_of
from influencelab.statistics.correlation import pearson
from influencelab.statistics.reliability import fisher_interval, null_band, spearman_brown


def repeated(first, second):
    """Pearson's correlation of two draws, for each test point."""
    return pearson(comparison_of(first, second), numpy.ones((1, len(first))))[0]


def test_fisher_interval_is_the_published_one_and_covers():
    assert fisher_interval(0.8, 40).ends == pytest.approx((0.65, 0.89), abs=0.005)
    assert fisher_interval(0.5, 25).ends == pytest.approx((0.13, 0.75), abs=0.005)
    x, noise = numpy.random.default_rng(16).normal(size=(2, 30, 2000))
    found = [fisher_interval(float(r), 30) for r in repeated(x, 0.6 * x + 0.8 * noise)]
    assert numpy.mean([one.low <= 0.6 <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)


def test_fisher_interval_ends_gracefully_and_refuses_nonsense():
    assert fisher_interval(0.3, 3).ends == (-1.0, 1.0)
    assert fisher_interval(-1.0, 10).ends == (-1.0, -1.0)
    with pytest.raises(InvalidParameter, match="correlation"):
        fisher_interval(1.2, 10)
    with pytest.raises(InvalidParameter, match="level"):
        fisher_interval(0.2, 10, level=95.0)


@pytest.mark.parametrize("n", [10, 25, 40, 50])
def test_null_band_is_what_independent_ranks_do(n):
    generator = numpy.random.default_rng(n)
    ranks = numpy.arange(n) - (n - 1) / 2
    shuffled = generator.permuted(numpy.tile(ranks, (40_000, 1)), axis=1)
    sizes = numpy.abs(shuffled @ ranks) / (ranks @ ranks)
    band = null_band(n)
    assert band.mean == pytest.approx(sizes.mean(), rel=0.015)
    assert band.point == pytest.approx(numpy.quantile(sizes, 0.95), rel=0.03)


def test_null_band_has_the_exact_second_moment_of_all_pairings():
    values = numpy.array([3.0, -1, 0, 7, 2, 2.5])
    centred = values - values.mean()
    square = numpy.mean([(numpy.array(p) @ centred / (centred @ centred)) ** 2 for p in permutations(centred)])
    assert square == pytest.approx(1 / 5)
    levels = (numpy.arange(4000) + 0.5) / 4000
    assert numpy.mean([null_band(6, level=level).point ** 2 for level in levels]) == pytest.approx(1 / 5, abs=1e-4)


def test_reliability_of_averages_is_spearman_browns():
    generator = numpy.random.default_rng(17)
    signal, noise = generator.normal(size=(4000, 2)), 1.5 * generator.normal(size=(6, 4000, 2))
    one = repeated(signal + noise[0], signal + noise[1])
    mean_of_three = repeated(signal + noise[:3].mean(0), signal + noise[3:].mean(0))
    assert one == pytest.approx([1 / 3.25] * 2, abs=0.04)
    assert mean_of_three == pytest.approx([spearman_brown(r, 3) for r in one], abs=0.05)
    assert spearman_brown(0.5, 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("value", "k"), [(0.5, 0), (1.5, 2), (-0.9, 3)])
def test_spearman_brown_refuses_what_cannot_be(value, k):
    with pytest.raises(InvalidParameter):
        spearman_brown(value, k)
