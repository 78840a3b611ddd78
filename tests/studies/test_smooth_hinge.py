"""A smoothing path is what a loop over t, arms and scratch retrainings gives, and its measurements say so."""

import math
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy
import pytest
import torch
from scipy.optimize import minimize

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.runner.setting import Setting
from influencelab.statistics.measurements import find, select
from influencelab.studies.smooth_hinge import analysis, figures
from influencelab.studies.smooth_hinge.claims import CLAIMS, FINDINGS
from influencelab.studies.smooth_hinge.strain import rule

DECAY, WIDTHS = 0.02, (0.001, 0.1, 1.0)
SOURCE = il.Digits(scaling="unit", labels=(3, 8), train_size=70, seed=1)
SHOWN, TESTED = ("mnist", DECAY), ("wine", DECAY)


@pytest.fixture(scope="module")
def outcome():
    return il.SmoothingPath(source=SOURCE, weight_decay=DECAY, widths=WIDTHS, tests=5, count=12).run()


@pytest.fixture(scope="module")
def numbers(outcome):
    """The measurements of one machine that is shown and of one that only tests the rule: the same outcome."""
    return analysis.measurements(
        {SHOWN: outcome, TESTED: outcome}, shown=[SHOWN], held_out=["wine"], bootstrap=il.Bootstrap(resamples=60)
    )


@pytest.fixture(scope="module")
def arrays():
    data = SOURCE.load()
    sides = numpy.where(data.y_train == 1, 1.0, -1.0)
    return data, sides[:, None] * data.x_train.flatten(1).numpy()


def minimum(z, w) -> numpy.ndarray:
    """The true hinge as a bounded dual, by a general solver."""
    gram = z @ z.T / DECAY

    def dual(alpha):
        return 0.5 * alpha @ gram @ alpha - alpha.sum(), gram @ alpha - 1

    options = {"ftol": 1e-16, "gtol": 1e-12, "maxiter": 20_000, "maxfun": 100_000}
    found = minimize(dual, w / 2, jac=True, bounds=[(0, each) for each in w], method="L-BFGS-B", options=options)
    return found.x @ z / DECAY


def losses(outcome, data, theta) -> numpy.ndarray:
    place = {point: row for row, point in enumerate(data.test_ids.tolist())}
    rows = [place[point] for point in outcome.test_ids.tolist()]
    sides = numpy.where(data.y_test[rows] == 1, 1.0, -1.0)
    return numpy.maximum(0, 1 - sides * (data.x_test[rows].flatten(1).numpy() @ theta))


def test_truth_is_the_true_hinge_trained_anew_without_the_point(outcome, arrays):
    data, z = arrays
    place = {point: row for row, point in enumerate(data.train_ids.tolist())}
    before = losses(outcome, data, minimum(z, numpy.full(70, 1 / 70)))
    assert outcome.trusted["hinge"].all()
    assert (before > 0).all()
    for row in range(0, len(outcome.train_ids), 5):
        w = numpy.full(70, 1 / 69)
        w[place[int(outcome.train_ids[row])]] = 0
        change = losses(outcome, data, minimum(z, w)) - before
        assert outcome.actual["hinge"][row].numpy() == pytest.approx(change, abs=2e-4)
    assert outcome.actual["hinge"].abs().max() > 0.02


def test_at_t_zero_influence_is_a_gradient_product_over_weight_decay(outcome, arrays):
    data, z = arrays
    place = {point: row for row, point in enumerate(data.train_ids.tolist())}
    tests = {point: row for row, point in enumerate(data.test_ids.tolist())}
    rows = [place[point] for point in outcome.train_ids.tolist()]
    watched = [tests[point] for point in outcome.test_ids.tolist()]
    z_test = numpy.where(data.y_test[watched] == 1, 1.0, -1.0)[:, None] * data.x_test[watched].flatten(1).numpy()
    products = z[rows] @ z_test.T / DECAY
    for arm in ("published", "consistent", "newton_step"):
        found = outcome.predicted[f"{arm}/0"].numpy()
        # What all removals share, the weights of those who stay, is left out of the product.
        # A Newton step keeps the weights and lowers the penalty instead: 1 part in 70 of its length.
        near = 1 / 60 if arm == "newton_step" else 1e-9
        assert found - found.mean(0) == pytest.approx((products - products.mean(0)) / 69, rel=near)


def test_the_consistent_arm_is_influence_of_a_fit_at_t(outcome):
    data = SOURCE.load()
    place = {point: row for row, point in enumerate(data.test_ids.tolist())}
    watched = [place[point] for point in outcome.test_ids.tolist()]
    for t in WIDTHS:
        fitted = il.fit(il.SmoothHinge(DECAY, t=t), data, il.Newton(tolerance=1e-10))
        rows = torch.searchsorted(data.train_ids, outcome.train_ids)
        removals = il.leave_one_out(70, rows=rows, convention="renormalise")
        predicted = il.Exact().estimate(fitted).predict(removals)[:, watched]
        assert torch.allclose(outcome.predicted[f"consistent/{t:g}"], predicted, rtol=1e-4, atol=1e-8)
        stepped = il.NewtonStep(convention="renormalise").estimate(fitted).predict(removals)[:, watched]
        assert torch.allclose(outcome.predicted[f"newton_step/{t:g}"], stepped, rtol=1e-4, atol=1e-8)
        assert not torch.allclose(predicted, stepped, rtol=1e-2)


def test_only_support_vectors_are_removed_and_only_test_points_that_the_hinge_sees_are_watched(outcome):
    machine = outcome.facts["machine"]
    assert max(machine["test_margins"]) < 1
    assert machine["test_margins"] == sorted(machine["test_margins"])
    assert machine["exact_residual"] < 1e-12 < machine["published_residual"]
    assert outcome.chosen["support_vectors"].any(1).sum() == 12
    assert outcome.chosen["top"].sum(0).tolist() == [12] * 5
    assert (outcome.predicted["published/0"].abs() > 0).all()


def test_named_test_points_come_first_and_batches_shorten_the_data():
    named = int(SOURCE.load().test_ids[3])
    path = il.SmoothingPath(
        source=SOURCE, weight_decay=DECAY, widths=(0.1,), tests=2, first=(named,), count=3, multiple=50
    )
    found = path.run()
    assert found.facts["n"] == 50
    assert int(found.test_ids[0]) == named
    with pytest.raises(InvalidData, match="has no test point 99999"):
        replace(path, first=(99999,)).run()
    with pytest.raises(InvalidData, match="fewer than 1000"):
        replace(path, multiple=1000).run()
    for settings in ({"widths": ()}, {"widths": (0.0,)}, {"count": 0}, {"tests": 0}):
        with pytest.raises(InvalidParameter):
            il.SmoothingPath(**{"source": SOURCE, "weight_decay": DECAY, "widths": WIDTHS, **settings})


def test_labels_that_are_not_two_classes_are_refused():
    with pytest.raises(InvalidData, match=r"has 10 classes; the hinge needs exactly 2"):
        il.SmoothingPath(source=il.Digits(scaling="unit"), weight_decay=DECAY, widths=WIDTHS).run()


def test_support_vectors_are_those_with_a_slope():
    data = SOURCE.load()
    fitted = il.fit(il.SmoothHinge(DECAY, t=0.0), data, il.ActiveSet())
    estimate = il.Exact().estimate(fitted)
    every = il.SupportVectors(count=1000).pairs(estimate).any(1)
    assert every.equal((estimate.values != 0).any(1))
    few = il.SupportVectors(count=4, seed=3).pairs(estimate).any(1)
    assert int(few.sum()) == 4
    assert not (few & ~every).any()
    assert not few.equal(il.SupportVectors(count=4, seed=4).pairs(estimate).any(1))
    with pytest.raises(InvalidParameter, match="count is 0"):
        il.SupportVectors(count=0).pairs(estimate)


def test_correlations_and_slopes_are_those_of_the_pairs(outcome, numbers):
    chosen = outcome.chosen["support_vectors"].any(1)
    actual = outcome.actual["hinge"][chosen].numpy()
    where = {"data": "mnist", "weight_decay": DECAY, "arm": "consistent", "selection": "support_vectors"}
    means = {}
    for t in (0.0, *WIDTHS):
        predicted = outcome.predicted[f"consistent/{t:g}"][chosen].numpy()
        means[t] = numpy.mean([numpy.corrcoef(predicted[:, j], actual[:, j])[0, 1] for j in range(5)])
        correlation = find(numbers, {**where, "t": t, "statistic": "pearson"})
        assert correlation.value == pytest.approx(means[t])
        assert correlation.n == 60
        slopes = [numpy.polyfit(predicted[:, j], actual[:, j], 1)[0] for j in range(5)]
        assert find(numbers, {**where, "t": t, "statistic": "slope"}).value == pytest.approx(numpy.mean(slopes))
    for t in WIDTHS:
        below = find(numbers, {**where, "t": t, "statistic": "below_best"})
        assert below.value == pytest.approx(max(means.values()) - means[t], abs=1e-12)
        assert below.low <= below.value <= below.high


def test_headlines_are_overshoot_and_drop_on_the_first_test_point(outcome, numbers):
    rows = outcome.chosen["top"][:, 0]
    actual = outcome.actual["hinge"][rows, 0].numpy()
    predicted = {t: outcome.predicted[f"published/{t:g}"][rows, 0].numpy() for t in (0.0, 0.001, 0.1)}
    where = {"data": "mnist", "arm": "published", "selection": "first_test_point"}
    over = find(numbers, {**where, "t": 0.0, "statistic": "overshoot"})
    assert over.value == pytest.approx(math.sqrt((predicted[0.0] ** 2).mean() / (actual**2).mean()))
    assert 1 < over.low < over.value < over.high
    drop = numpy.corrcoef(predicted[0.001], actual)[0, 1] - numpy.corrcoef(predicted[0.1], actual)[0, 1]
    assert find(numbers, {**where, "statistic": "drop"}).value == pytest.approx(drop)


def test_the_rule_is_held_against_the_oracle_and_the_fixed_t(outcome, numbers):
    strains = {t: outcome.facts["smoothing"][f"consistent/{t:g}"]["strain"] for t in WIDTHS}
    chosen = find(numbers, {"data": "wine", "statistic": "rule_t"}).value
    assert chosen == rule(strains)
    for arm in ("published", "consistent"):
        where = {"data": "wine", "arm": arm, "selection": "support_vectors"}
        at = {t: find(numbers, {**where, "t": t, "statistic": "pearson"}).value for t in WIDTHS}
        oracle = find(numbers, {**where, "statistic": "oracle_t"}).value
        assert at[oracle] == max(at.values())
        gain, regret = (find(numbers, {**where, "statistic": name}) for name in ("gain", "regret"))
        assert gain.value == pytest.approx(at[chosen] - at[0.001])
        assert regret.value == pytest.approx(at[oracle] - at[chosen])
        assert find(numbers, {**where, "data": "held_out", "statistic": "gain"}).value == pytest.approx(gain.value)


def test_the_mean_over_machines_takes_their_errors_for_independent(numbers):
    cells = select(numbers, {"arm": "consistent", "data": "wine", "statistic": "gain"})
    one, four = analysis.mean_over_machines(cells), analysis.mean_over_machines(4 * cells)
    assert four.value == pytest.approx(one.value)
    assert four.high - four.low == pytest.approx((one.high - one.low) / 2)
    assert (one.n, four.n) == (1, 4)


def test_machines_that_only_test_the_rule_have_no_more_than_correlations_on_support_vectors(outcome, numbers):
    own = numbers[numbers["data"] == "wine"]
    assert set(own["statistic"]) == {"pearson", "gain", "regret", "oracle_t", "rule_t", "points_at_the_bend"}
    assert set(own["selection"].dropna()) == {"support_vectors"}
    points = find(numbers, {"data": "mnist", "arm": "consistent", "t": 0.1, "statistic": "curvature_points"})
    assert points.value == outcome.facts["smoothing"]["consistent/0.1"]["curvature_points"]
    assert not select(numbers, {"t": 0.0, "statistic": "strain"})


def test_every_claim_and_quote_selects_one_measurement(numbers):
    quotes = [Setting("", quote) if isinstance(quote, dict) else quote for each in FINDINGS for quote in each.quotes]
    # Of the data sets that test the rule the fixture has one.
    quotes = [replace(each, units={"data": ("wine",)}) if each.units else each for each in quotes]
    cells = [replace(each, units={"data": ("wine",)}) if each.units else each for c in CLAIMS for each in c.cells]
    for setting in (*cells, *quotes):
        assert setting.number(numbers) is not None, setting


def test_a_path_without_the_published_t_is_refused(outcome):
    smoothing = {name: each for name, each in outcome.facts["smoothing"].items() if each["t"] != 0.001}
    bare = replace(outcome, facts={**outcome.facts, "smoothing": smoothing})
    with pytest.raises(InvalidParameter, match=r"no t = 0.001.*Add it to the widths"):
        analysis.measurements({SHOWN: bare}, shown=[SHOWN], held_out=["mnist"], bootstrap=il.Bootstrap(resamples=60))


def test_pairs_hold_what_was_selected(outcome):
    table = analysis.pairs_table({SHOWN: outcome})
    assert len(table) == int((outcome.chosen["top"] | outcome.chosen["support_vectors"]).sum())
    assert table.memory_usage(deep=True).sum() < 1e6
    first = table.iloc[0]
    row = outcome.train_ids.tolist().index(first["train_id"])
    column = outcome.test_ids.tolist().index(first["test_id"])
    assert first["consistent_0.1"] == pytest.approx(float(outcome.predicted["consistent/0.1"][row, column]), rel=1e-6)


@pytest.mark.slow
def test_every_figure_has_words_and_units_on_its_axes_and_draws_the_measurements(outcome, numbers):
    drawn = {
        "family": figures.loss_family([0.0, 0.01, 0.5]),
        "paper": figures.paper_figure(numbers, analysis.pairs_table({SHOWN: outcome}), key=SHOWN),
        "agreement": figures.agreement_over_t(numbers, key=SHOWN),
        "carriers": figures.carriers_over_t(numbers, machines={"linear": SHOWN}),
        "rule": figures.rule_tested(numbers, held_out=["wine"]),
    }
    for figure in drawn.values():
        words = [axis.get_xlabel() for axis in figure.axes] + [axis.get_ylabel() for axis in figure.axes]
        assert any("hinge" in text or "margin" in text or "Pearson" in text for text in words)
    assert [len(figure.axes) for figure in drawn.values()] == [2, 3, 6, 2, 4]
    offsets = numpy.asarray(drawn["paper"].axes[0].collections[0].get_offsets())
    predicted = outcome.predicted["published/0"][outcome.chosen["top"][:, 0], 0].numpy()
    assert numpy.sort(offsets[:, 0]) == pytest.approx(numpy.sort(predicted), rel=1e-5)
    labels = [[label.get_text() for label in axis.get_yticklabels()] for axis in drawn["rule"].axes[::2]]
    assert labels == [["wine, 0.02"], ["mnist, 0.02"]]
    assert "held out" in drawn["rule"].axes[0].get_title(loc="left")
    marks = {line.get_label(): line.get_xdata() for line in drawn["rule"].axes[0].get_lines()}
    where = {"data": "wine", "arm": "published", "selection": "support_vectors"}
    best = find(numbers, {**where, "statistic": "oracle_t"}).value
    assert marks["best t (only retraining can tell)"] == pytest.approx(
        [find(numbers, {**where, "t": best, "statistic": "pearson"}).value]
    )
    plt.close("all")
