"""Variance between test points is found where it is, and not where it is not."""

import numpy
import pytest
from outcomes import table

from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap, unit_weights
from influencelab.statistics.replicates import Replicates
from influencelab.statistics.variance_components import components, variation

QUICK = Bootstrap(resamples=200)
PAIRS = 100
NOISE = (PAIRS - 3) ** -0.5


def correlations(generator, *, test, seed=0.1, s=8, m=20):
    """Pearson's correlations of PAIRS pairs, by their Fisher z."""
    z = table(generator, s, m, mean=0.4, seed=seed, test=test, rest=NOISE)
    return Replicates(numpy.tanh(z), pairs=numpy.full((s, m), PAIRS), measure="pearson")


def of_one(one):
    """The three variances of Fisher's z."""
    return components(numpy.arctanh(one.values), unit_weights(one.axes))


def test_components_are_those_of_the_simulation():
    found = [variation(correlations(numpy.random.default_rng(k), test=0.3), bootstrap=QUICK) for k in range(100)]
    assert numpy.mean([one.between_tests for one in found]) == pytest.approx(0.09, rel=0.15)
    parts = [of_one(correlations(numpy.random.default_rng(k), test=0.3)) for k in range(100)]
    assert numpy.mean([part.tests for part in parts]) == pytest.approx(0.09, rel=0.15)
    assert numpy.mean([part.seeds for part in parts]) == pytest.approx(0.01, rel=0.3)
    assert numpy.mean([part.residual for part in parts]) == pytest.approx(NOISE**2, rel=0.1)
    assert found[0].sampling == pytest.approx(NOISE**2)
    truth = 0.09 / (0.09 + 0.01 + NOISE**2)
    assert numpy.mean([one.share.low <= truth <= one.share.high for one in found]) >= 0.85
    assert all(one.beyond_sampling.low > 0 for one in found)


def test_equal_test_points_are_not_called_different():
    found = [variation(correlations(numpy.random.default_rng(k), test=0.0), bootstrap=QUICK) for k in range(200)]
    assert numpy.mean([one.share.value for one in found]) == pytest.approx(0.0, abs=0.01)
    assert numpy.mean([one.share.low > 0 for one in found]) <= 0.05
    assert numpy.mean([one.beyond_sampling.high < 0 for one in found]) > 0.9


def test_an_accident_that_all_seeds_share_is_a_share_but_no_excess():
    generator = numpy.random.default_rng(1)
    found = [variation(correlations(generator, test=NOISE), bootstrap=QUICK) for _ in range(40)]
    assert numpy.mean([one.share.low > 0 for one in found]) > 0.8
    assert numpy.mean([one.beyond_sampling.low > 0 for one in found]) <= 0.1


def test_incomplete_test_points_are_left_out():
    one = correlations(numpy.random.default_rng(3), test=0.3)
    one.values[2, 4] = numpy.nan
    one.values[5] = numpy.nan
    found = variation(one, bootstrap=QUICK)
    kept = numpy.ix_(numpy.arange(8) != 5, numpy.arange(20) != 4)
    same = variation(Replicates(one.values[kept], pairs=one.pairs[kept], measure="pearson"), bootstrap=QUICK)
    assert (found.between_tests, found.share) == (same.between_tests, same.share)


def test_a_perfect_correlation_is_finite_and_nonsense_is_refused():
    one = correlations(numpy.random.default_rng(4), test=0.3)
    one.values[0, 0] = 1.0
    assert numpy.isfinite(variation(one, bootstrap=QUICK).between_tests)
    with pytest.raises(InvalidData, match="numbers of pairs"):
        variation(Replicates(one.values, measure="pearson"))
    with pytest.raises(InvalidData, match="slope"):
        variation(Replicates(one.values, pairs=one.pairs, measure="slope"))
    with pytest.raises(InvalidData, match="two of each"):
        variation(Replicates(one.values[:1], pairs=one.pairs[:1], measure="pearson"))
