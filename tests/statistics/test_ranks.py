"""Rank correlations of any table, small or long, equal SciPy's, and labels alone are no skill."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy_statistics import ORACLES, drawn, made, worst_error

from influencelab.statistics.agreement import MEASURES
from influencelab.statistics.correlation import kendall, spearman, within_class_spearman


@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 3)), min_size=1, max_size=12),
)
def test_rank_statistics_of_any_small_table_equal_the_rows_repeated(rows):
    x, y, counts = (numpy.array(column, dtype=float) for column in zip(*rows, strict=True))
    kept = numpy.repeat(numpy.arange(len(x)), counts.astype(int))
    defined = len(kept) >= 3 and numpy.ptp(x[kept]) > 0 and numpy.ptp(y[kept]) > 0
    for name in ("pearson", "spearman", "kendall"):
        value = MEASURES[name](made(x[:, None], y[:, None]), counts[None])[0, 0]
        assert numpy.isnan(value) != defined
        if defined:
            assert value == pytest.approx(ORACLES[name](x[kept], y[kept], None), abs=1e-12)


def test_kendall_is_right_for_thousands_of_removals():
    pairs = drawn(1, r=6001, m=1)
    assert worst_error(kendall, "kendall", pairs, numpy.ones((1, pairs.r))) < 1e-12


def test_same_label_alone_is_no_skill_within_classes():
    generator = numpy.random.default_rng(7)
    labels = numpy.repeat([0, 1], 200)
    x, y = 5.0 * labels + generator.normal(size=(2, 400))
    pairs = made(x[:, None], y[:, None], labels=labels)
    once = numpy.ones((1, 400))
    assert spearman(pairs, once)[0, 0] > 0.6
    assert abs(within_class_spearman(pairs, once)[0, 0]) < 0.15


def test_classes_too_small_or_constant_do_not_enter():
    labels = numpy.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
    x = numpy.array([1.0, 2, 3, 4, 9, 8, 5, 5, 5])[:, None]
    y = numpy.array([1.0, 2, 4, 3, 1, 2, 1, 2, 3])[:, None]
    value = within_class_spearman(made(x, y, labels=labels), numpy.ones((1, 9)))[0, 0]
    assert value == pytest.approx(0.8)


def test_class_of_two_removals_does_not_enter_however_often_they_are_drawn():
    pairs = drawn(19, r=12, m=1)
    labels = numpy.array([0] * 10 + [1] * 2)
    weights = numpy.array([[1.0] * 10 + [3.0] * 2])
    value = within_class_spearman(made(pairs.predicted, pairs.actual, labels=labels), weights)[0, 0]
    assert value == pytest.approx(stats.spearmanr(pairs.predicted[:10, 0], pairs.actual[:10, 0]).statistic, abs=1e-12)
