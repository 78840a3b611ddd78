"""Line and product-moment correlation keep their digits, and outliers are found out."""

import numpy
import pytest
from scipy import stats
from scipy_statistics import drawn, made, whole_counts

from influencelab.statistics.correlation import kendall, pearson, pearson_without_top3, sign_agreement, slope, spearman


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("unit", [1e-200, 1.0, 1e150])
def test_unit_and_offset_of_either_side_do_not_change_a_correlation(unit, offset):
    pairs = drawn(3)
    moved = made((pairs.predicted + offset) * unit, pairs.actual * unit)
    weights = whole_counts(3, pairs.r)
    for measure in (pearson, spearman, kendall):
        assert measure(moved, weights) == pytest.approx(measure(pairs, weights), abs=1e-8)
    assert slope(moved, weights) == pytest.approx(slope(pairs, weights), rel=1e-7)


def test_resample_without_the_one_huge_value_keeps_its_digits():
    pairs = drawn(4, m=1)
    x = pairs.predicted.copy()
    x[0] = 1e9
    weights = whole_counts(4, 40, b=20)
    weights[:, 0] = 0
    table = pearson(made(x, pairs.actual), weights)
    for b, counts in enumerate(weights.astype(int)):
        truth = stats.pearsonr(numpy.repeat(x[:, 0], counts), numpy.repeat(pairs.actual[:, 0], counts)).statistic
        assert table[b, 0] == pytest.approx(truth, abs=1e-6)


def test_three_largest_predictions_are_left_out_with_all_their_copies():
    pairs = drawn(5, m=2, holes=True)
    weights = whole_counts(5, pairs.r)
    table = pearson_without_top3(pairs, weights)
    for j in range(2):
        x, y = pairs.predicted[:, j], pairs.actual[:, j]
        rest = sorted(numpy.flatnonzero(pairs.mask[:, j]), key=lambda i: -abs(x[i]))[3:]
        for b in range(len(weights)):
            kept = numpy.repeat(rest, weights[b, rest].astype(int))
            assert table[b, j] == pytest.approx(stats.pearsonr(x[kept], y[kept]).statistic, abs=1e-12)


def test_three_outliers_make_pearson_and_are_found_out():
    generator = numpy.random.default_rng(6)
    x, y = generator.normal(size=(2, 200, 1))
    x[:3], y[:3] = 50.0, 50.0
    once = numpy.ones((1, 200))
    assert pearson(made(x, y), once)[0, 0] > 0.9
    assert abs(pearson_without_top3(made(x, y), once)[0, 0]) < 0.2


def test_sign_agreement_of_constant_values_is_defined():
    x, y = numpy.ones((4, 1)), numpy.array([1.0, 2, -1, 0])[:, None]
    assert sign_agreement(made(x, y), numpy.ones((1, 4)))[0, 0] == pytest.approx(2.5 / 4)


def test_of_equally_large_predictions_the_earlier_removals_are_left_out():
    signs = numpy.tile([1.0, -1.0, 0.5], 200)
    y = numpy.random.default_rng(20).normal(size=600)
    value = pearson_without_top3(made(signs[:, None], y[:, None]), numpy.ones((1, 600)))[0, 0]
    assert value == pytest.approx(
        stats.pearsonr(numpy.delete(signs, [0, 1, 3]), numpy.delete(y, [0, 1, 3])).statistic, abs=1e-12
    )
