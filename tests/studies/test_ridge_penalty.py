"""The penalty that cross-validation chooses: against brute force, finite differences, refits, and true deletions."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy
import pytest
import ridge_oracles as brute
from figure_rules import faults
from scipy import stats

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, InvalidWeights
from influencelab.runner.setting import Setting
from influencelab.statistics.measurements import find
from influencelab.studies.ridge_penalty import analysis, figures, problems, tables
from influencelab.studies.ridge_penalty.claims import CLAIMS, FINDINGS
from influencelab.studies.ridge_penalty.criterion import INTERCEPTS, criterion
from influencelab.studies.ridge_penalty.deletions import LARGEST, ONE, WEIGHTS, ZERO, tune

# Rows and covariates: a plain regression, one with more covariates than rows, and one just determined.
SIZES = ((14, 4), (9, 15), (8, 7))


def drawn(n, p, *, seed=0):
    """A regression whose criterion has its minimum inside for every intercept here, with an outlier."""
    generator = numpy.random.default_rng(seed)
    x = generator.normal(size=(n, p)) + 0.5
    y = 1 + x[:, :3] @ numpy.array([1.0, -0.5, 0.5]) + 1.5 * generator.normal(size=n)
    y[2] += 3
    return x, y


def inner(n, p, intercept):
    """The first of these draws whose λ̂ is neither 0 nor ∞, with its criterion and log λ̂."""
    for seed in range(20):
        x, y = drawn(n, p, seed=seed)
        found = criterion(x, y, intercept=intercept)
        if numpy.isfinite(found.tuned()):
            return x, y, found, found.tuned()
    raise AssertionError("no draw has a minimum inside")


@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize(("n", "p"), SIZES)
def test_leave_one_out_residuals_and_predictions_are_those_of_as_many_refits(n, p, intercept):
    x, y = drawn(n, p)
    own = criterion(x, y, intercept=intercept)
    for t in (-3.0, 0.0, 4.0):
        wanted = brute.held_out(x, y, numpy.ones(n), numpy.exp(t), intercept)
        assert own.held_out(numpy.array([t])).value[0] == pytest.approx(wanted, rel=1e-8, abs=1e-10)
        there = brute.predicted(x, y, x + 1, numpy.exp(t), intercept)
        assert own.predictions(x + 1, t) == pytest.approx(there, rel=1e-8)


@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize(("n", "p"), SIZES)
def test_derivatives_by_the_log_penalty_are_those_of_finite_differences(n, p, intercept):
    x, y = drawn(n, p)
    own, t, step = criterion(x, y, intercept=intercept), 0.7, 1e-4
    below, here, above = (own.squares(numpy.array([t + move])) for move in (-step, 0, step))
    scale = numpy.abs(here.value).max()
    assert here.first == pytest.approx((above.value - below.value) / (2 * step), rel=1e-6, abs=1e-7 * scale)
    assert here.second == pytest.approx((above.first - below.first) / (2 * step), rel=1e-6, abs=1e-7 * scale)


@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize(("n", "p"), SIZES)
def test_the_minimum_and_both_slopes_are_those_of_minimising_by_brute_force(n, p, intercept):
    x, y, own, t = inner(n, p, intercept)
    one, step = numpy.ones(n), 1e-4
    assert t == pytest.approx(brute.minimum(x, y, one, one, t, intercept), abs=1e-8)
    assert own.stationarity(t) < 1e-9
    for row in (0, 2):
        moved = step * (numpy.arange(n) == row)
        for slopes, in_fits in ((own.weight_slopes(t), 0), (own.deletion_slopes(t), 1)):
            ends = [
                brute.minimum(x, y, one + sign * moved, one + sign * in_fits * moved, t, intercept) for sign in (1, -1)
            ]
            wanted = (ends[0] - ends[1]) / (2 * step)
            assert slopes[row] == pytest.approx(wanted, rel=1e-5, abs=1e-6)
            # The other one, and one of the wrong sign, would be refused.
            assert abs(own.weight_slopes(t)[row] - own.deletion_slopes(t)[row]) > 1e-3
            assert abs(wanted) > 1e-4


@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize(("n", "p"), SIZES)
def test_one_step_is_newtons_on_the_criterion_without_the_row(n, p, intercept):
    x, y, own, t = inner(n, p, intercept)
    steps, move = own.deletion_steps(t), 1e-4
    full = [brute.slope(x, y, numpy.ones(n), numpy.ones(n), t + sign * move, intercept) for sign in (-1, 1)]
    least, convex = 0.1 * (full[1] - full[0]) / (2 * move), 0
    for row in range(n):
        rest, one = numpy.arange(n) != row, numpy.ones(n - 1)
        below, here, above = (
            brute.slope(x[rest], y[rest], one, one, t + sign * move, intercept) for sign in (-1, 0, 1)
        )
        bend = (above - below) / (2 * move) - here  # λ² times the second derivative by λ
        assert numpy.isnan(steps[row]) == (bend <= least)
        if bend > least:
            convex += 1
            left = 1 - here / bend  # of the penalty
            wanted = numpy.log(left) if left > 0 else -numpy.inf
            assert steps[row] == pytest.approx(wanted, rel=1e-4, abs=1e-7)
    assert convex > 1


def test_the_minimum_is_the_global_one_and_says_where_it_is_at_an_end():
    x, _, own, t = inner(14, 4, "free")
    grid = numpy.linspace(t - 12, t + 12, 4001)
    weights = numpy.random.default_rng(1).uniform(0, 4, size=(50, 14))
    values = weights @ own.squares(grid).value.T
    found = own.minimise(weights)
    assert {*numpy.sign(found[numpy.isinf(found)])} <= {-1.0, 1.0}
    for row, at in enumerate(found):
        finite = min(max(at, grid[0]), grid[-1])
        assert (weights[row] @ own.squares(numpy.array([finite])).value[0]) <= values[row].min() * (1 + 1e-9)
        if numpy.isfinite(at):
            assert abs(at - grid[values[row].argmin()]) < 0.01
    noise = numpy.random.default_rng(3)
    assert criterion(x, x.sum(1)).tuned() == -numpy.inf
    sizes = [criterion(x, noise.normal(size=14)).tuned() for _ in range(20)]
    assert numpy.inf in sizes


def test_degrees_of_freedom_are_the_trace_of_the_hat_matrix():
    x, y = drawn(14, 4)
    for intercept in INTERCEPTS:
        own = criterion(x, y, intercept=intercept)
        hat = [brute.predicted(x, unit, x, numpy.exp(0.4), intercept) for unit in numpy.eye(14)]
        found = own.degrees_of_freedom(numpy.array([0.4]))[0]
        assert found == pytest.approx(numpy.trace(numpy.array(hat)), rel=1e-10)
        leverage, missed = numpy.diag(hat), y - brute.predicted(x, y, x, numpy.exp(0.4), intercept)
        assert own.cook(0.4) == pytest.approx(leverage * (missed / (1 - leverage)) ** 2, rel=1e-8)


def test_what_makes_no_sense_is_refused_with_the_next_step():
    x, y = drawn(14, 4)
    own = criterion(x, y)
    for wrong, error, match in (
        (lambda: criterion(x, y, intercept="yes"), InvalidParameter, "intercept is 'yes', expected one of free"),
        (lambda: criterion(x, y[:-1]), InvalidData, r"x has shape \(14, 4\) and y \(13,\)"),
        (lambda: criterion(x, numpy.where(y == y[0], numpy.nan, y)), InvalidData, "NaN or infinite"),
        (lambda: criterion(0 * x, y), InvalidData, "No covariate varies"),
        (lambda: criterion(numpy.column_stack([x, numpy.eye(14)[3]]), y), InvalidData, "Observation 3 alone decides"),
        (lambda: own.minimise(numpy.ones((2, 13))), InvalidWeights, r"shape \(2, 13\), expected \(b, 14\)"),
        (lambda: own.minimise(-numpy.ones((1, 14))), InvalidWeights, "none negative"),
        (lambda: own.weight_slopes(numpy.inf), InvalidParameter, "penalty is ∞"),
        (lambda: own.deletion_slopes(-numpy.inf), InvalidParameter, "penalty is 0"),
        (lambda: problems.real("prostate"), InvalidParameter, "expected bodyfat or diabetes"),
    ):
        with pytest.raises(error, match=match):
            wrong()


@pytest.fixture(scope="module")
def tuned():
    """One draw of the paper's simulation whose penalty is inside."""
    return next(each for each in map(tune, problems.simulated(10, seed=1)) if each)


def test_a_deletion_is_tuned_again_without_the_row_and_its_change_has_two_parts(tuned):
    x, y = tuned.regression.x, tuned.regression.y
    assert numpy.abs(tuned.curves[:, ONE] - tuned.log_penalty).max() < 1e-8
    base = brute.predicted(x, y, x, numpy.exp(tuned.log_penalty), "none")
    some = [row for row in range(20) if numpy.isfinite(tuned.deleted[row])][:4]
    for row in some:
        rest = numpy.arange(20) != row
        near, one = tuned.deleted[row], numpy.ones(19)
        assert near == pytest.approx(brute.minimum(x[rest], y[rest], one, one, near, "none"), abs=1e-8)
        same, again = (brute.predicted(x[rest], y[rest], x, numpy.exp(t), "none") for t in (tuned.log_penalty, near))
        assert tuned.fit_part[row] == pytest.approx(same - base, abs=1e-9)
        assert tuned.penalty_part[row] == pytest.approx(again - same, abs=1e-9)
    weights = numpy.ones(20)
    weights[9] = WEIGHTS[LARGEST]
    at = tuned.curves[9, LARGEST]
    assert at == pytest.approx(brute.minimum(x, y, weights, numpy.ones(20), at, "none"), abs=1e-8)
    assert WEIGHTS[[ZERO, ONE, LARGEST]].tolist() == [0, 1, 4]


@pytest.mark.parametrize("intercept", INTERCEPTS)
def test_the_library_predicts_the_part_of_the_fit_and_that_of_the_penalty(intercept):
    x, y, own, t = inner(14, 4, intercept)
    each = tune(problems.Regression("drawn", x, y, intercept=intercept))
    # Of squared error, influence is the change but for the deleted row's own room.
    room = own.parts(numpy.array([t]))[1].value[0]
    assert each.predicted_fit_part / room[:, None] == pytest.approx(each.fit_part, rel=1e-6, abs=1e-9)
    penalty = numpy.exp(t)
    step = 1e-5 * penalty
    slopes = [brute.predicted(x, y, x, penalty + sign * step, intercept) for sign in (1, -1)]
    change = penalty * numpy.maximum(each.changes["deletion_slope"], -1)
    wanted = change[:, None] * (slopes[0] - slopes[1]) / (2 * step)
    assert each.predicted_penalty_part == pytest.approx(wanted, rel=1e-5, abs=1e-9)
    assert each.grad_norm < 1e-8


@pytest.fixture(scope="module")
def found():
    """Six draws of the simulation, and the first forty rows of diabetes."""
    return analysis.tune_all([*problems.real("diabetes", rows=40), *problems.simulated(6, seed=0)])


@pytest.fixture(scope="module")
def numbers(found):
    return analysis.measurements(found, bootstrap=il.Bootstrap(resamples=60))


def test_slopes_and_correlations_are_those_of_scipy_over_all_pairs(found, numbers):
    for data, draws in found.items():
        known = analysis.inside(draws)
        for estimator, target in analysis.HELD:
            pairs = numpy.hstack([(each.changes[estimator], each.changes[target]) for each in known])
            x, y = pairs[:, numpy.isfinite(pairs).all(0)]
            where = {"data": data, "estimator": estimator, "target": target, "what": "penalty"}
            wanted = {
                "slope": stats.linregress(x, y).slope,
                "pearson": stats.pearsonr(x, y)[0],
                "spearman": stats.spearmanr(x, y)[0],
                "relative_error": numpy.sqrt(((x - y) ** 2).mean() / (y**2).mean()),
            }
            for name, value in wanted.items():
                number = find(numbers, {**where, "statistic": name})
                assert number.value == pytest.approx(value, rel=1e-6)
                assert number.low <= number.value <= number.high
                assert number.n == len(x)
            if data == "simulated":
                slopes = []
                for each in known:
                    own = numpy.stack([each.changes[estimator], each.changes[target]])
                    slopes.append(stats.linregress(*own[:, numpy.isfinite(own).all(0)]).slope)
                middle = find(numbers, {**where, "statistic": "median_slope"})
                assert middle.value == pytest.approx(numpy.median(slopes))
                assert middle.low <= middle.value <= middle.high
            lost = find(numbers, {**where, "statistic": "left_out"})
            assert lost.value == pytest.approx(1 - len(x) / pairs.shape[1])


def test_the_rival_and_the_outlier_are_counted_as_they_are_said_to_be(found, numbers):
    known = analysis.inside(found["simulated"])
    actual = numpy.concatenate([numpy.abs(each.changes["deletion"]) for each in known])
    scores = {
        "deletion_slope": numpy.concatenate([numpy.abs(each.changes["deletion_slope"]) for each in known]),
        "cook": numpy.concatenate([each.criterion.cook(each.log_penalty) for each in known]),
    }
    kept = numpy.isfinite(actual)
    rank = {name: stats.spearmanr(score[kept], actual[kept])[0] for name, score in scores.items()}
    where = {"data": "simulated", "estimator": "deletion_slope"}
    gain = find(numbers, {**where, "statistic": "spearman_less_cook"})
    assert gain.value == pytest.approx(rank["deletion_slope"] - rank["cook"])
    top = [each.curves[:, LARGEST].argmax() == problems.ODD for each in known]
    marked = find(
        numbers, {"data": "simulated", "estimator": "curve", "shift": "any", "statistic": "outlier_is_top_shrinker"}
    )
    assert marked.value == pytest.approx(numpy.mean(top))
    for shift, against in (("with", False), ("against", True)):
        own = [each for each in known if (each.regression.x[problems.ODD].sum() < 0) == against]
        bottom = [each.changes["weight_slope"].argmax() == problems.ODD for each in own]
        where = {"data": "simulated", "shift": shift, "estimator": "weight_slope"}
        lowest = find(numbers, {**where, "statistic": "outlier_is_top_expander"})
        assert lowest.value == pytest.approx(numpy.mean(bottom))


def test_shares_and_factors_are_those_of_the_parts_and_the_curves(found, numbers):
    (each,) = found["diabetes"]
    fit, penalty = (numpy.linalg.norm(part, axis=1) for part in (each.fit_part, each.penalty_part))
    where = {"data": "diabetes"}
    share = find(numbers, {**where, "statistic": "share_through_penalty"})
    assert share.value == pytest.approx((penalty / (fit + penalty)).mean())
    factor = find(numbers, {**where, "statistic": "largest_factor"})
    assert factor.value == pytest.approx(numpy.exp(numpy.abs(each.curves[:, -1] - each.curves[:, 0]).max()))
    whole = {**where, "estimator": "influence", "target": "deletion", "what": "predictions", "statistic": "pearson"}
    both = each.predicted_fit_part + each.predicted_penalty_part, each.fit_part + each.penalty_part
    assert find(numbers, whole).value == pytest.approx(stats.pearsonr(*(part.ravel() for part in both))[0])


def test_every_claim_and_quote_selects_one_measurement(numbers):
    real = numbers.assign(data=numbers["data"].replace("diabetes", "bodyfat"))
    quotes = [Setting("", quote) if isinstance(quote, dict) else quote for each in FINDINGS for quote in each.quotes]
    for cell in [*quotes, *(cell for claim in CLAIMS for cell in claim.cells)]:
        if cell.where["data"] in ("bodyfat", "simulated"):
            assert cell.number(real) is not None, cell
        else:  # measured as the others are
            assert replace(cell, where={**cell.where, "data": "bodyfat"}).number(real) is not None, cell


@pytest.mark.slow
def test_every_figure_is_in_house_style_and_reads_its_tables(found, numbers):
    drawn = [
        figures.penalty_by_weight(tables.curves_table(found)),
        figures.predicted_against_tuned(tables.pairs_table(found), numbers),
        figures.fit_or_penalty(tables.parts_table(found), numbers),
    ]
    assert [fault for figure in drawn for fault in faults(figure)] == []
    assert [len(figure.axes) for figure in drawn] == [2, 8, 2]
    plt.close("all")
