"""Means and differences over seeds and test points are what brute force finds, and their intervals cover."""

import numpy
import pytest
from outcomes import table
from scipy import stats
from scipy_statistics import made

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.replicates import Replicates, difference, mean, replicates


def covers(interval, truth):
    return interval.low <= truth <= interval.high


def test_correlations_are_signed_and_stay_with_their_test_points():
    generator = numpy.random.default_rng(0)
    predicted, actual = generator.normal(size=(2, 12, 3))
    actual[:, 1] = -predicted[:, 1]
    mask = numpy.broadcast_to(numpy.arange(12)[:, None] < 9, actual.shape)
    actual[9:] = numpy.nan
    constant = numpy.where([True, False, True], predicted, 0.25)
    found = replicates([made(predicted, actual, mask), made(constant, predicted)])
    assert found.values[0] == pytest.approx([stats.spearmanr(predicted[:9, j], actual[:9, j])[0] for j in range(3)])
    assert found.values[0, 1] == pytest.approx(-1.0)
    assert numpy.isnan(found.values[1]).tolist() == [False, True, False]
    assert found.pairs.tolist() == [[9] * 3, [12] * 3]
    slopes = replicates([made(predicted, 3 * predicted)], measure="slope")
    assert slopes.values == pytest.approx(numpy.full((1, 3), 3.0))


def test_correlations_refuse_what_is_not_one_setting():
    one = made(numpy.ones((5, 2)), numpy.ones((5, 2)))
    with pytest.raises(InvalidData, match="test points"):
        replicates([one, made(numpy.ones((5, 3)), numpy.ones((5, 3)))])
    with pytest.raises(InvalidData, match="0 seeds"):
        replicates([])


def brute_force(values, seed_counts, test_counts):
    """The mean of a table whose rows and columns are really repeated."""
    rows = numpy.repeat(numpy.arange(len(values)), seed_counts.astype(int))
    columns = numpy.repeat(numpy.arange(values.shape[1]), test_counts.astype(int))
    return numpy.nanmean(values[numpy.ix_(rows, columns)])


def test_mean_is_the_bootstrap_over_repeated_rows_and_columns():
    values = table(numpy.random.default_rng(1), 6, 5, seed=1.0, test=1.0, rest=1.0)
    values[2, 3] = numpy.nan
    found = mean(Replicates(values), bootstrap=Bootstrap(resamples=400))
    streams = [numpy.random.default_rng(each) for each in numpy.random.SeedSequence(0).spawn(2)]
    seeds, tests = (each.multinomial(k, [1 / k] * k, size=400) for each, k in zip(streams, (6, 5), strict=True))
    low, middle, high = numpy.quantile(
        [brute_force(values, s, t) for s, t in zip(seeds, tests, strict=True)], [0.025, 0.5, 0.975]
    )
    value = numpy.nanmean(values)
    assert found.value == pytest.approx(value)
    assert found.ends == pytest.approx((value + low - middle, value + high - middle))
    assert found.n == 29
    assert Replicates(values).per_seed() == pytest.approx(numpy.nanmean(values, axis=1))


def test_interval_of_a_mean_covers_where_one_way_resampling_does_not():
    generator = numpy.random.default_rng(2)
    bootstrap = Bootstrap(resamples=200)
    both, only_seeds = 0, 0
    for _ in range(200):
        values = table(generator, 12, 15, seed=0.5, test=1.0, rest=0.5)
        both += covers(mean(Replicates(values), bootstrap=bootstrap), 0.0)
        nested = numpy.arange(values.size).reshape(values.shape)
        only_seeds += covers(mean(Replicates(values, test_ids=nested), bootstrap=bootstrap), 0.0)
    assert 0.89 <= both / 200 <= 0.99
    assert only_seeds / 200 < 0.8


def test_what_is_drawn_anew_is_said():
    values = table(numpy.random.default_rng(3), 5, 3, seed=1.0, test=1.0)
    apart = numpy.arange(15).reshape(5, 3)
    assert "two-way bootstrap over 5 seeds and 3 test points" in mean(Replicates(values)).note
    assert "5 seeds, whose test points differ" in mean(Replicates(values, test_ids=apart)).note
    assert "5 seeds of one test point" in mean(Replicates(values[:, :1])).note


def test_fewer_than_five_seeds_with_a_value_give_a_number_without_an_interval_and_say_why():
    values = table(numpy.random.default_rng(3), 7, 3, seed=1.0, test=1.0)
    values[4:] = numpy.nan
    four = mean(Replicates(values)).described()
    assert (four.value, four.low, four.high, four.n) == (pytest.approx(numpy.nanmean(values)), None, None, 12)
    assert "no interval: 4 replicates have a value, and one needs 5" in four.note
    assert "finite" not in four.note
    five = table(numpy.random.default_rng(3), 5, 3, seed=1.0, test=1.0)
    assert mean(Replicates(five)).interval
    for paired in (True, False):
        assert difference(Replicates(five), Replicates(five[::-1]), paired=paired).interval
    lacking = numpy.where(numpy.arange(5)[:, None] < 4, five, numpy.nan)
    for paired in (True, False):
        assert difference(Replicates(five), Replicates(lacking), paired=paired).interval is None


def test_seeds_of_few_distinct_predictions_are_counted():
    generator = numpy.random.default_rng(0)
    actual, few = generator.normal(size=(2, 30, 2))
    few[:, 1] = numpy.arange(30) % 9
    found = mean(replicates([made(few, actual), *[made(actual + each, actual) for each in range(4)]]))
    assert found.note.endswith("; 1 of 5 seeds have fewer than 10 distinct predictions")
    assert replicates([made(few, actual)]).distinct.tolist() == [[30, 9]]


def test_seeds_with_their_own_test_points_are_drawn_with_them():
    values = table(numpy.random.default_rng(4), 8, 5, rest=1.0)
    apart = mean(Replicates(values, test_ids=numpy.arange(40).reshape(8, 5)))
    seeds_only = mean(Replicates(values.mean(1, keepdims=True)))
    assert apart.interval == pytest.approx(seeds_only.interval)


def test_a_correlation_keeps_its_interval_within_one():
    resampled = numpy.linspace(0.0, 1.0, 101)
    assert Bootstrap().interval(0.9, resampled, within=(-1.0, 1.0)).high == 1.0
    assert Bootstrap().interval(0.9, resampled).high == pytest.approx(1.375)
    spread = table(numpy.random.default_rng(5), 5, 4, seed=0.5, mean=0.9)
    assert mean(Replicates(spread, measure="spearman")).high == 1.0
    assert mean(Replicates(spread, measure="slope")).high > 1.0


def test_pairing_shortens_a_difference_and_keeps_its_value():
    generator = numpy.random.default_rng(6)
    tests = generator.normal(size=10)
    base = table(generator, 9, 10, seed=1.0, tests=tests)
    better = base + 0.3 + 0.05 * generator.normal(size=base.shape)
    fresh = table(generator, 9, 10, seed=0.01, tests=tests) + 0.3
    paired = difference(Replicates(better), Replicates(base), paired=True)
    assert paired.value == pytest.approx((better - base).mean())
    assert paired.high - paired.low < 0.15
    shared, other_ids = Replicates(fresh), numpy.broadcast_to(numpy.arange(10) + 50, fresh.shape)
    of_tests = difference(shared, Replicates(fresh - 0.3))
    apart = difference(shared, Replicates(fresh - 0.3, test_ids=other_ids))
    assert of_tests.high - of_tests.low < 0.2 * (apart.high - apart.low)
    assert covers(of_tests, 0.3)


def test_only_what_both_know_counts_in_a_paired_difference():
    first, second = numpy.array([[1.0, numpy.nan], [2.0, 50.0]]), numpy.array([[0.5, 7.0], [1.0, numpy.nan]])
    assert difference(Replicates(first), Replicates(second), paired=True).value == pytest.approx(0.75)
    with pytest.raises(InvalidParameter, match="same seeds"):
        difference(Replicates(first), Replicates(second[:1]), paired=True)


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    values = Replicates(table(numpy.random.default_rng(7), 5, 5, seed=1.0, test=1.0))
    assert mean(values).interval == mean(values).interval
    assert mean(values).interval != mean(values, bootstrap=Bootstrap(seed=1)).interval


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises((InvalidData, TypeError), match="test_ids"):
        Replicates(numpy.ones((2, 3)), test_ids=numpy.ones((2, 2), dtype=int))
    with pytest.raises(InvalidData, match="seeds by test points"):
        Replicates(numpy.ones((0, 3)))
