"""Every statistic equals SciPy's, weights equal repeated rows, and intervals cover what they should."""

import tracemalloc

import numpy
import pytest
from scipy import stats
from scipy_statistics import ORACLES, drawn, made, whole_counts, worst_error

from influencelab.errors import InvalidParameter
from influencelab.statistics import bootstrap
from influencelab.statistics.agreement import MEASURES, statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.correlation import pearson, relative_error, slope, spearman

CASES = [{"ties": ties, "holes": holes} for ties in (False, True) for holes in (False, True)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ORACLES)
def test_unit_weights_equal_scipy(name, case):
    for seed in range(3):
        pairs = drawn(seed, **case)
        assert worst_error(MEASURES[name], name, pairs, numpy.ones((1, pairs.r))) < 1e-12


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ORACLES)
def test_whole_number_weights_equal_the_rows_repeated(name, case):
    for seed in range(3):
        pairs = drawn(seed, **case)
        assert worst_error(MEASURES[name], name, pairs, whole_counts(seed, pairs.r)) < 1e-12


def ranks_without_ties(pairs, weights):
    order = pairs.predicted.argsort(0).argsort(0), pairs.actual.argsort(0).argsort(0)
    return pearson(made(*(part.astype(float) for part in order)), weights)


def tau_a(pairs, weights):
    x, y = pairs.predicted, pairs.actual
    same = numpy.sign(x[:, None] - x) * numpy.sign(y[:, None] - y)
    total = weights.sum(1, keepdims=True)
    return numpy.einsum("bi,ikj,bk->bj", weights, same, weights) / (total * (total - 1))


@pytest.mark.parametrize(
    ("name", "impostor"),
    [
        ("pearson", lambda pairs, weights: pearson(pairs, numpy.ones_like(weights))),
        ("pearson", lambda pairs, weights: numpy.abs(pearson(pairs, weights))),
        ("spearman", ranks_without_ties),
        ("kendall", tau_a),
        ("slope", lambda pairs, weights: slope(made(pairs.actual, pairs.predicted), weights)),
        ("within_class_spearman", spearman),
        ("relative_error", lambda pairs, weights: relative_error(made(pairs.actual, pairs.predicted), weights)),
        ("relative_error", lambda pairs, weights: relative_error(pairs, weights) ** 2),
    ],
)
def test_comparison_with_scipy_refuses_impostors(name, impostor):
    pairs = drawn(0, ties=True)
    flipped = made(-pairs.predicted, pairs.actual, labels=pairs.labels)
    weights = whole_counts(0, pairs.r)
    assert max(worst_error(impostor, name, each, weights) for each in (pairs, flipped)) > 1e-3


def test_fractional_weights_are_shares_of_repeated_rows():
    pairs, counts = drawn(2, ties=True), whole_counts(2, 40)
    for name in ORACLES:
        assert MEASURES[name](pairs, counts * 1.3) == pytest.approx(MEASURES[name](pairs, counts), abs=1e-12)


DEGENERATE = {
    "constant predicted": (numpy.full(8, 0.1), numpy.arange(8.0)),
    "constant actual": (numpy.arange(8.0), numpy.full(8, 1e-9)),
    "all zero": (numpy.zeros(8), numpy.zeros(8)),
}


DEFINED = ("sign_agreement", "rms_ratio", "relative_error")


def test_an_error_needs_a_truth_that_is_not_0_and_a_constant_prediction_has_one():
    once, rising = numpy.ones((1, 8)), numpy.arange(8.0)[:, None]
    assert numpy.isnan(relative_error(made(rising, 0 * rising), once)).all()
    assert relative_error(made(0 * rising, rising), once)[0, 0] == pytest.approx(1.0)
    assert relative_error(made(rising * 1e-200, 3e-200 * rising), once)[0, 0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", [name for name in MEASURES if name not in DEFINED])
def test_values_that_do_not_vary_are_undefined_and_counted(name, case):
    good = drawn(8, r=8, m=1)
    x, y = DEGENERATE[case]
    pairs = made(numpy.c_[good.predicted, x], numpy.c_[good.actual, y], labels=numpy.zeros(8, dtype=int))
    found = statistic(pairs, name, bootstrap=Bootstrap(resamples=50))
    assert numpy.isnan([found.per_test[1], found.low[1], found.high[1]]).all()
    assert found.undefined == 1
    assert found.undefined_resamples[1] == 50
    assert found.pooled.value == pytest.approx(found.per_test[0])
    assert found.median.value == pytest.approx(found.per_test[0])
    assert numpy.isfinite(found.pooled.ends).all()


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_fewer_than_three_pairs_are_undefined(name, kept):
    pairs = drawn(9, r=8, m=1)
    counted = numpy.arange(8)[:, None] < kept
    found = statistic(
        made(pairs.predicted, pairs.actual, counted, pairs.labels), name, bootstrap=Bootstrap(resamples=50)
    )
    assert numpy.isnan(found.per_test).all()
    for whole in (found.pooled, found.median):
        assert numpy.isnan([whole.value, *whole.ends]).all()
    assert (found.undefined, found.pairs.tolist()) == (1, [kept])


@pytest.mark.parametrize("settings", [{"level": 1.0}, {"level": 0.0}, {"resamples": 39}])
def test_settings_without_an_interval_are_refused(settings):
    with pytest.raises(InvalidParameter):
        Bootstrap(**settings)


def test_unknown_statistic_is_refused_with_the_known_names():
    with pytest.raises(InvalidParameter, match=r"'peerson'\. There are: pearson, spearman"):
        statistic(drawn(0), "peerson", bootstrap=Bootstrap())


def test_within_classes_needs_labels_and_is_left_out_without():
    pairs = made(drawn(0).predicted, drawn(0).actual)
    with pytest.raises(InvalidParameter, match="labels"):
        statistic(pairs, "within_class_spearman", bootstrap=Bootstrap(resamples=50))
    assert set(pairs.statistics(Bootstrap(resamples=50))) == set(MEASURES) - {"within_class_spearman"}
    assert set(drawn(0).statistics(Bootstrap(resamples=50))) == set(MEASURES)


def test_interval_is_that_of_tables_resampled_both_ways():
    pairs, recipe = drawn(10, r=30, m=6), Bootstrap(resamples=60, seed=3)
    found = statistic(pairs, "kendall", bootstrap=recipe)
    resample = recipe.draw({"removals": 30, "tests": 6})
    table, means, medians = [], [], []
    for u, v in zip(resample["removals"].astype(int), resample["tests"].astype(int), strict=True):
        rows = numpy.repeat(numpy.arange(30), u)
        each = [stats.kendalltau(pairs.predicted[rows, j], pairs.actual[rows, j]).statistic for j in range(6)]
        table.append(each)
        means.append(numpy.mean(numpy.repeat(each, v)))
        medians.append(numpy.median(numpy.repeat(each, v)))

    def recentred(resampled, value):
        low, middle, high = numpy.percentile(resampled, [2.5, 50, 97.5], axis=0)
        return numpy.clip([low + value - middle, high + value - middle], -1, 1)

    assert numpy.stack([found.low, found.high]) == pytest.approx(recentred(table, found.per_test), abs=1e-12)
    assert found.pooled.ends == pytest.approx(recentred(means, found.pooled.value), abs=1e-12)
    assert found.median.ends == pytest.approx(recentred(medians, found.median.value), abs=1e-12)
    assert found.pooled.value == pytest.approx(found.per_test.mean())
    assert found.median.value == pytest.approx(numpy.median(found.per_test))


@pytest.mark.parametrize("name", ["spearman", "kendall", "pearson", "slope"])
def test_an_interval_holds_its_own_value_however_near_the_end(name):
    x = numpy.random.default_rng(0).normal(size=(60, 4))
    noisy = x + 1e-3 * numpy.random.default_rng(1).normal(size=x.shape)
    found = statistic(made(x, noisy, numpy.ones_like(x, dtype=bool)), name, bootstrap=Bootstrap(resamples=200))
    assert found.pooled.low <= found.pooled.value <= found.pooled.high
    assert (found.low <= found.per_test).all()
    assert (found.per_test <= found.high).all()
    assert name == "slope" or found.high.max() <= 1


def test_an_interval_of_a_difference_of_correlations_is_not_cut_at_one():
    x = numpy.random.default_rng(0).normal(size=(40, 3))
    noisy = x + 0.5 * numpy.random.default_rng(1).normal(size=x.shape)
    pairs, rival = made(x, noisy), made(-x, noisy)
    found = statistic(pairs, lambda one, w: pearson(one, w) - pearson(rival, w), bootstrap=Bootstrap(resamples=100))
    twice = statistic(pairs, "pearson", bootstrap=Bootstrap(resamples=100))
    assert found.pooled.ends == pytest.approx([2 * end for end in twice.pooled.ends])
    assert found.pooled.low > 1


def test_undefined_test_points_change_nothing_for_the_others():
    pairs = drawn(11, m=5)
    hole = numpy.full((40, 1), numpy.nan)
    counted = numpy.c_[pairs.mask, numpy.zeros((40, 1), dtype=bool)]
    wider = made(numpy.c_[pairs.predicted, hole], numpy.c_[pairs.actual, hole], counted)
    ours, theirs = (statistic(each, "pearson", bootstrap=Bootstrap(resamples=200)) for each in (wider, pairs))
    assert ours.undefined == 1
    assert ours.pooled.value == pytest.approx(theirs.pooled.value)
    assert ours.low[:5] == pytest.approx(theirs.low)
    assert numpy.isfinite(ours.pooled.ends).all()


def test_undefined_resamples_are_counted():
    x = numpy.array([0.0, 0, 0, 0, 1])[:, None]
    found = statistic(made(x, numpy.arange(5.0)[:, None]), "pearson", bootstrap=Bootstrap(resamples=400))
    assert found.undefined == 0
    assert found.undefined_resamples[0] / 400 == pytest.approx(0.8**5, abs=0.08)
    assert numpy.isfinite([found.low[0], found.high[0]]).all()


def test_label_says_what_was_resampled():
    recipe = Bootstrap(resamples=50)
    several = statistic(drawn(0, m=3), "slope", bootstrap=recipe)
    over_both = "over test points; 95% two-way bootstrap over removals and test points, B=50"
    assert (several.pooled.note, several.median.note) == (f"mean {over_both}", f"median {over_both}")
    alone = statistic(drawn(0, m=1), "slope", bootstrap=recipe)
    assert alone.pooled.note.endswith("95% bootstrap over removals of one test point, B=50")
    assert (alone.pooled.value, *alone.pooled.ends) == pytest.approx((alone.per_test[0], alone.low[0], alone.high[0]))


def test_seed_decides_and_chunks_do_not(monkeypatch):
    pairs = drawn(12, holes=True)
    first, other = (statistic(pairs, "spearman", bootstrap=Bootstrap(resamples=100, seed=seed)) for seed in (0, 1))
    # Equal bits: no draw plays a part.
    assert first.pooled.value == other.pooled.value
    assert first.pooled != other.pooled
    monkeypatch.setattr(bootstrap, "CHUNK", 7 * pairs.r)
    again = statistic(pairs, "spearman", bootstrap=Bootstrap(resamples=100, seed=0))
    wanted = (first.pooled.value, first.pooled.low, first.pooled.high)
    assert (again.pooled.value, again.pooled.low, again.pooled.high) == pytest.approx(wanted, rel=1e-12)
    assert again.low == pytest.approx(first.low, rel=1e-12)


@pytest.mark.parametrize(("name", "r", "m"), [("pearson", 600, 200), ("spearman", 1500, 2), ("kendall", 1500, 1)])
def test_memory_stays_far_below_a_gigabyte(name, r, m):
    """All resamples of the pairs at once would take more."""
    pairs = drawn(13, r=r, m=m)
    tracemalloc.start()
    statistic(pairs, name, bootstrap=Bootstrap(resamples=1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3e9


def crossed(generator: numpy.random.Generator, r: int, m: int) -> Comparison:
    """Test points whose correlations spread around 0.6, and removals that are unusual for all test points alike."""
    rho = generator.uniform(0.4, 0.8, m)
    shared, own = generator.normal(size=(2, r, 1)), generator.normal(size=(2, r, m))
    x, noise = numpy.sqrt(0.5) * shared + numpy.sqrt(0.5) * own
    return made(x, rho * x + numpy.sqrt(1 - rho**2) * noise)


@pytest.mark.slow
def test_two_way_interval_covers_where_a_one_way_one_does_not():
    generator, two_way, one_way = numpy.random.default_rng(14), [], []
    for seed in range(400):
        pairs = crossed(generator, r=60, m=20)
        found = statistic(pairs, "pearson", bootstrap=Bootstrap(resamples=300, seed=seed))
        two_way.append(found.pooled.low <= 0.6 <= found.pooled.high)
        half = 1.96 * found.per_test.std(ddof=1) / numpy.sqrt(pairs.m)
        one_way.append(abs(found.pooled.value - 0.6) <= half)
    assert 0.90 <= numpy.mean(two_way) <= 0.98
    assert numpy.mean(one_way) < 0.85


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("pearson", 0.6),
        ("slope", 0.6),
        ("spearman", 6 / numpy.pi * numpy.arcsin(0.3)),
        ("kendall", 2 / numpy.pi * numpy.arcsin(0.6)),
    ],
)
def test_interval_of_one_test_point_covers_the_known_value(name, truth):
    generator, covered = numpy.random.default_rng(15), []
    for seed in range(8):
        x, noise = generator.normal(size=(2, 100, 50))
        found = statistic(made(x, 0.6 * x + 0.8 * noise), name, bootstrap=Bootstrap(resamples=400, seed=seed))
        covered += list((found.low <= truth) & (truth <= found.high))
    assert 0.90 <= numpy.mean(covered) <= 0.98
