"""A smoothing path is what a loop over t, arms and scratch retrainings gives, and its numbers say so."""

import math

import matplotlib.pyplot as plt
import numpy
import pandas
import pytest
import torch
from scipy.optimize import minimize

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.studies.smooth_hinge import figures as figures
from influencelab.studies.smooth_hinge import numbers as tables
from influencelab.studies.smooth_hinge.strain import rule

DECAY, WIDTHS = 0.02, (0.001, 0.1, 1.0)
SOURCE = il.Digits(scaling="unit", labels=(3, 8), train_size=70, seed=1)
BOOTSTRAP = il.Bootstrap(resamples=60)


@pytest.fixture(scope="module")
def outcome():
    return il.SmoothingPath(source=SOURCE, weight_decay=DECAY, widths=WIDTHS, tests=5, count=12).run()


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
        il.vary(path, "first", [(99999,)])[0].run()
    with pytest.raises(InvalidData, match="fewer than 1000"):
        il.vary(path, "multiple", [1000])[0].run()
    for settings in ({"widths": ()}, {"widths": (0.0,)}, {"count": 0}, {"tests": 0}):
        with pytest.raises(InvalidParameter):
            il.SmoothingPath(**{"source": SOURCE, "weight_decay": DECAY, "widths": WIDTHS, **settings})


def test_labels_that_are_not_two_classes_are_refused():
    with pytest.raises(InvalidData, match=r"has 10 classes; the hinge needs exactly 2. Choose two"):
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


def test_numbers_are_those_of_the_pairs(outcome):
    table = tables.path_table(outcome, "support_vectors", bootstrap=BOOTSTRAP)
    numbers = tables.path_numbers("made_up", outcome, {"support_vectors": table})
    chosen = outcome.chosen["support_vectors"].any(1)
    actual = outcome.actual["hinge"][chosen].numpy()
    means = {}
    for t in WIDTHS:
        predicted = outcome.predicted[f"consistent/{t:g}"][chosen].numpy()
        means[t] = numpy.mean([numpy.corrcoef(predicted[:, j], actual[:, j])[0, 1] for j in range(5)])
        stem = f"made_up/consistent/{t:g}/support_vectors"
        assert numbers[f"{stem}/pearson"].value == pytest.approx(means[t])
        assert numbers[f"{stem}/pearson"].n == 60
        slopes = [numpy.polyfit(predicted[:, j], actual[:, j], 1)[0] for j in range(5)]
        assert numbers[f"{stem}/slope"].value == pytest.approx(numpy.mean(slopes))
    for t in WIDTHS:
        lost = numbers[f"made_up/consistent/{t:g}/support_vectors/lost"]
        assert lost.value == pytest.approx(max(means.values()) - means[t], abs=1e-12)
        assert lost.low <= lost.value <= lost.high


def test_headlines_are_overshoot_and_drop_on_the_first_test_point(outcome):
    numbers = tables.headline_numbers("made_up", outcome, bootstrap=BOOTSTRAP)
    rows = outcome.chosen["top"][:, 0]
    actual = outcome.actual["hinge"][rows, 0].numpy()
    predicted = {t: outcome.predicted[f"published/{t:g}"][rows, 0].numpy() for t in (0.0, 0.001, 0.1)}
    over = numbers["made_up/published/0/first/overshoot"]
    assert over.value == pytest.approx(math.sqrt((predicted[0.0] ** 2).mean() / (actual**2).mean()))
    assert 1 < over.low < over.value < over.high
    drop = numpy.corrcoef(predicted[0.001], actual)[0, 1] - numpy.corrcoef(predicted[0.1], actual)[0, 1]
    assert numbers["made_up/published/first/drop"].value == pytest.approx(drop)


def test_the_rule_is_held_against_the_oracle_and_the_fixed_t(outcome):
    table = tables.rule_table({"made_up": outcome}, bootstrap=BOOTSTRAP)
    strains = {t: outcome.facts["smoothing"][f"consistent/{t:g}"]["strain"] for t in WIDTHS}
    row = table[table["arm"] == "consistent"].iloc[0]
    assert row["t_rule"] == rule(strains) == tables.chosen_width(outcome)
    assert row["gain"] == pytest.approx(row["rule"] - row["fixed"])
    assert row["regret"] == pytest.approx(row["oracle"] - row["rule"])
    assert row["regret"] >= 0
    numbers = tables.rule_numbers(table, held_out=["made_up"])
    assert numbers["rule/held_out/consistent/gain"].value == pytest.approx(row["gain"])
    two = pandas.concat([table, table])
    both = tables.mean_over_cells(two.loc[two["arm"] == "consistent"], "gain")
    one = numbers["rule/held_out/consistent/gain"]
    assert both.high - both.low == pytest.approx((one.high - one.low) / math.sqrt(2))


def test_pairs_hold_what_was_looked_at(outcome):
    table = tables.shown_pairs({"made_up": outcome})
    assert len(table) == int((outcome.chosen["top"] | outcome.chosen["support_vectors"]).sum())
    assert table.memory_usage(deep=True).sum() < 1e6
    first = table.iloc[0]
    row = outcome.train_ids.tolist().index(first["train_id"])
    column = outcome.test_ids.tolist().index(first["test_id"])
    assert first["consistent_0.1"] == pytest.approx(float(outcome.predicted["consistent/0.1"][row, column]), rel=1e-6)


def test_every_figure_has_words_and_units_on_its_axes(outcome):
    views = {view: tables.path_table(outcome, view, bootstrap=BOOTSTRAP) for view in tables.VIEWS}
    rules = tables.rule_table({"made_up": outcome}, bootstrap=BOOTSTRAP)
    drawn = {
        "family": figures.loss_family([0.0, 0.01, 0.5]),
        "paper": figures.paper_layout(outcome, arm="published", bootstrap=BOOTSTRAP),
        "agreement": figures.agreement_over_t(views, rule=0.1),
        "carriers": figures.carriers_over_t({"linear": views["top"]}, at_bend={"linear": 7}),
        "rule": figures.rule_tested(rules, held_out=["made_up"]),
    }
    for figure in drawn.values():
        words = [axis.get_xlabel() for axis in figure.axes] + [axis.get_ylabel() for axis in figure.axes]
        assert any("nats" in text or "margin" in text or "Pearson" in text for text in words)
    assert [len(figure.axes) for figure in drawn.values()] == [2, 3, 6, 2, 2]
    offsets = drawn["paper"].axes[0].collections[0].get_offsets()
    rows = outcome.chosen["top"][:, 0]
    assert numpy.sort(numpy.asarray(offsets)[:, 1]) == pytest.approx(
        numpy.sort(outcome.predicted["published/0"][rows, 0].numpy())
    )
    plt.close("all")
