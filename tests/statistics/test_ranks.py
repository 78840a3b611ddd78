"""Rank correlations of any table, small or long, equal SciPy's, and labels alone are no skill."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy_statistics import ORACLES, drawn, made, worst_error

from influencelab.statistics.agreement import MEASURES, statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import tied
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
    pairs = made(pairs.predicted.round(4), pairs.actual.round(4), labels=pairs.labels)
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


# Ties.
def test_values_that_rounding_alone_sets_apart_are_tied():
    generator = numpy.random.default_rng(0)
    x = generator.integers(0, 4, 25)[:, None].astype(float)
    y = x + generator.normal(size=x.shape)
    rounded, labels = x + 1e-9 * generator.normal(size=x.shape), numpy.arange(25) % 2
    once = numpy.ones((1, 25))
    for name in ("spearman", "kendall", "within_class_spearman"):
        wanted = ORACLES[name](x[:, 0], y[:, 0], labels)
        assert MEASURES[name](made(rounded, y, labels=labels), once)[0, 0] == pytest.approx(wanted, abs=1e-12)
        assert abs(ORACLES[name](rounded[:, 0], y[:, 0], labels) - wanted) > 1e-3
    flipped = MEASURES["spearman"](made(y, rounded), once)[0, 0]
    assert flipped == pytest.approx(stats.spearmanr(y[:, 0], x[:, 0]).statistic, abs=1e-12)


def test_ties_reach_no_further_than_their_share_of_the_range_in_any_unit():
    steps = numpy.append(numpy.arange(40) * 0.3e-7, 1.0)
    for unit in (1.0, 1e-12, 1e9):
        assert len(numpy.unique(tied(steps * unit))) == 11
        assert len(numpy.unique(tied(steps * unit * [*[10.0] * 40, 1.0]))) == 41
    shuffled = numpy.random.default_rng(0).permutation(41)
    assert numpy.array_equal(tied(steps[shuffled]), tied(steps)[shuffled])
    assert tied(numpy.full(3, 0.1)).tolist() == [0.1] * 3


def test_few_distinct_predictions_are_said():
    x = numpy.c_[numpy.arange(40.0) % 9 + 1e-9 * numpy.arange(40), numpy.arange(40.0)]
    noisy = x + numpy.random.default_rng(1).normal(size=x.shape)
    found = statistic(made(x, noisy), "spearman", bootstrap=Bootstrap(resamples=50))
    assert found.pooled.note.endswith("; 1 of 2 test points have fewer than 10 distinct predictions")
    assert "distinct" not in statistic(made(noisy, noisy), "spearman", bootstrap=Bootstrap(resamples=50)).pooled.note
