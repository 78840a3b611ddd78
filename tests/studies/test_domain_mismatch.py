"""A mismatch of training and test: effects and ranks by NumPy, who stays in each draw, rows that claims select."""

from dataclasses import replace
from typing import Any

import numpy
import pandas
import pytest
import torch
from idx_files import cut_network

import influencelab as il
from influencelab.data.download import FOLDER_VARIABLE
from influencelab.errors import InvalidData, InvalidParameter, MissingData
from influencelab.statistics.measurements import find, joined
from influencelab.studies.domain_mismatch import analysis, draws
from influencelab.studies.domain_mismatch.claims import CLAIMS, FINDINGS, RIVALS
from influencelab.studies.domain_mismatch.cohort import Cohort, accuracy, cohort, fitted, without
from influencelab.studies.domain_mismatch.scores import beside_others, effects, estimates_of, ranks, scores

DECAY = 1e-2
QUICK = il.Bootstrap(resamples=60)


def newton(x, y, decay):
    """Weights of logistic regression without an intercept, by plain Newton steps."""
    theta = numpy.zeros(x.shape[1])
    for _ in range(60):
        chance = 1 / (1 + numpy.exp(-x @ theta))
        bend = (x.T * (chance * (1 - chance))) @ x / len(y) + decay * numpy.eye(x.shape[1])
        theta -= numpy.linalg.solve(bend, x.T @ (chance - y) / len(y) + decay * theta)
    return theta


def loss(theta, x, y):
    """−log of the probability of each point's class."""
    return numpy.logaddexp(0.0, numpy.where(y == 1, -x @ theta, x @ theta))


@pytest.fixture(scope="module")
def small() -> Cohort:
    """Generated patients, few enough to be trained again often."""
    return cohort("generated", points=200, seed=1)


@pytest.fixture(scope="module")
def model(small):
    """Of the mismatch."""
    return fitted(small.mismatched, weight_decay=DECAY)


@pytest.fixture(scope="module")
def estimates(model):
    """Influence and one Newton step."""
    return estimates_of(model)


def plain(model) -> tuple[Any, ...]:
    """Training points, and the watched test point, as arrays."""
    data = model.data
    return data.x_train.numpy(), data.y_train.numpy(), data.x_test.numpy()[0], int(data.y_test[0])


def test_the_mismatch_leaves_out_all_children_of_class_0_but_the_last(small):
    x, y = small.data.x_train.numpy(), small.data.y_train.numpy()
    child = x[:, small.child] == 1
    well = numpy.flatnonzero(child & (y == 0))
    assert small.left_out.tolist() == well[:-1].tolist()
    left = small.mismatched
    assert left.train_ids.tolist() == [row for row in range(200) if row not in set(well[:-1])]
    assert torch.equal(left.x_train, small.data.x_train[left.train_ids])
    assert int(left.y_train[small.children(left)].sum()) == 3
    assert len(small.children(left)) == 4
    assert small.mismatched.test_ids[0] == small.watched
    assert (small.tests.x_test[:, small.child] == 1).all()
    with pytest.raises(InvalidData, match="is no child"):
        _ = replace(small, watched=int(small.data.test_ids[small.data.x_test[:, small.child] == 0][0])).tests


def test_published_patients_that_cannot_be_had_are_generated_only_where_they_may_be(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    cut_network(monkeypatch)
    with pytest.raises(MissingData):
        cohort("diabetes130", points=100, seed=0)
    with pytest.warns(UserWarning, match="others generated"):
        found = cohort("diabetes130", points=100, seed=0, optional=True)
    assert found.name == "generated"


def test_effects_are_those_of_the_mean_loss_of_who_stays(model, estimates):
    x, y, x_test, y_test = plain(model)
    theta = newton(x, y, DECAY)
    chance, n = 1 / (1 + numpy.exp(-x @ theta)), len(y)
    bend = (x.T * (chance * (1 - chance))) @ x / n + DECAY * numpy.eye(x.shape[1])
    aim = numpy.linalg.solve(bend, x_test * (1 / (1 + numpy.exp(-x_test @ theta)) - y_test))
    slopes = x * (chance - y)[:, None]
    wanted = (slopes + DECAY * theta) @ aim / (n - 1)
    found = effects(estimates["exact"])
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-10)
    # The penalty's own slope is part of it: without it every effect is off by one number.
    assert found != pytest.approx(slopes @ aim / n, rel=1e-3)


def test_the_truth_is_training_again_with_the_mean_loss_of_who_stays(small, model, estimates):
    x, y, x_test, y_test = plain(model)
    rows = analysis.removed(small, estimates["exact"], count=5, seed=0)
    truth = analysis.retrained(model, rows)
    before = loss(newton(x, y, DECAY), x_test, y_test)
    every = numpy.concatenate(list(rows.values()))
    wanted = [
        loss(newton(numpy.delete(x, row, 0), numpy.delete(y, row), DECAY), x_test, y_test) - before for row in every
    ]
    assert truth.values[:, 0].numpy() == pytest.approx(numpy.array(wanted), rel=1e-4, abs=1e-9)
    assert truth.trusted.all()
    sizes = numpy.abs(effects(estimates["exact"]))
    others = numpy.delete(numpy.arange(len(sizes)), rows["children"])
    assert set(rows["top"]) == set(others[numpy.argsort(-sizes[others])[:5]])
    assert len(set(every)) == len(every) == 14


def test_accuracy_and_coefficients_are_counted(small, model):
    models = {"original": fitted(small.tests, weight_decay=DECAY), "mismatched": model}
    found = analysis.seen_at_first(small, models)
    shares = {}
    for name, each in models.items():
        theta = newton(each.data.x_train.numpy(), each.data.y_train.numpy(), DECAY)
        x_test, y_test = small.data.x_test.numpy(), small.data.y_test.numpy()
        shares[name] = numpy.mean((x_test @ theta > 0) == (y_test == 1))
        own = {"model": name, "part": "test", "statistic": "accuracy"}
        assert find(found, own).value == pytest.approx(shares[name])
        assert accuracy(each, small.data, "test") == pytest.approx(shares[name])
        counted = find(found, {"model": name, "statistic": "larger_coefficients"})
        assert counted.value == sum(abs(theta) > abs(theta[small.child]))
    change = find(found, {"part": "test", "statistic": "accuracy_change"})
    assert change.value == pytest.approx(abs(shares["mismatched"] - shares["original"]))
    _, _, x_test, y_test = plain(model)
    theta = newton(*plain(model)[:2], DECAY)
    chance = find(found, {"model": "mismatched", "statistic": "chance_of_own_class"})
    assert chance.value == pytest.approx(numpy.exp(-loss(theta, x_test, y_test)), rel=1e-6)


def test_rivals_are_what_their_names_say(model, estimates):
    x, y, x_test, y_test = plain(model)
    theta, table = newton(x, y, DECAY), scores(model, estimates)
    assert set(RIVALS.values()) | {"exact", "newton_step"} == set(table.columns)
    assert table["training_loss"].to_numpy() == pytest.approx(loss(theta, x, y), rel=1e-6)
    slopes = x * (1 / (1 + numpy.exp(-x @ theta)) - y)[:, None]
    aim = x_test * (1 / (1 + numpy.exp(-x_test @ theta)) - y_test)
    cosine = slopes @ aim / numpy.linalg.norm(slopes, axis=1) / numpy.linalg.norm(aim)
    assert table["gradient_cosine"].to_numpy() == pytest.approx(numpy.abs(cosine), rel=1e-5, abs=1e-9)
    ratio = table["gradient_dot"].to_numpy() / numpy.abs(slopes @ aim)
    assert ratio == pytest.approx(numpy.full(len(y), ratio[0]), rel=1e-5)
    assert table["nearest_features"].tolist() == [-sum(row != x_test) for row in x]
    varied = x.std(0) > 0
    z, z_test = ((each[..., varied] - x[:, varied].mean(0)) / x[:, varied].std(0) for each in (x, x_test))
    chance = 1 / (1 + numpy.exp(-x @ theta))
    assert table["gradient_product_scaled"].to_numpy() == pytest.approx(abs((chance - y) * (1 + z @ z_test)), rel=1e-5)
    assert table["nearest_scaled"].to_numpy() == pytest.approx(-(((z - z_test) ** 2).sum(1) ** 0.5))
    bend = (x.T * (chance * (1 - chance))) @ x / len(y) + DECAY * numpy.eye(x.shape[1])
    own = numpy.einsum("ia,ab,ib->i", slopes, numpy.linalg.inv(bend), slopes) / len(y)
    assert table["self_influence"].to_numpy() == pytest.approx(own, rel=1e-5)


def test_ranks_share_ties_and_a_child_is_held_against_all_who_are_none():
    assert ranks(numpy.array([5.0, 9.0, 5.0, 1.0])).tolist() == [2.5, 1.0, 2.5, 4.0]
    score = numpy.array([8.0, 1.0, 6.0, 3.0])
    assert beside_others(score, numpy.array([0]), among=numpy.array([0, 2])) == pytest.approx(8 / 3)
    assert beside_others(score, numpy.array([0, 2]), among=numpy.array([0, 2])) == pytest.approx(2.0)


def test_each_child_has_its_effect_rank_and_leverage(small, model, estimates):
    found = analysis.children_found(small, estimates, scores(model, estimates))
    values = effects(estimates["exact"])
    children = numpy.flatnonzero(model.data.x_train[:, small.child].numpy() == 1)
    ordered = sorted(values[children])
    place = {value: 1 + int((abs(values) > abs(value)).sum()) for value in ordered}
    for number, value in enumerate(ordered, start=1):
        at = {"estimator": "exact", "place": number}
        assert find(found, {**at, "statistic": "effect"}).value == pytest.approx(value)
        assert find(found, {**at, "statistic": "rank"}).value == place[value]
    assert find(found, {"estimator": "exact", "statistic": "last_rank"}).value == max(place.values())
    raised = model.data.y_train.numpy()[children] == 1
    signs = sum((values[children] < 0) == raised)
    assert find(found, {"estimator": "exact", "statistic": "signs"}).value == signs
    leverage = [find(found, {"place": number, "statistic": "leverage"}).value for number in (1, 2, 3, 4)]
    assert all(0 < each < 1 for each in leverage)


def test_training_that_is_stopped_early_gives_other_effects_and_a_long_one_the_same(small, estimates):
    found = analysis.stopped_early(small, estimates["exact"], iterations=[3, 2000])
    values = sorted(effects(estimates["exact"])[analysis.children_of(small, estimates["exact"])])
    for number, value in enumerate(values, start=1):
        long, short = (
            find(found, {"iterations": most, "place": number, "statistic": "effect"}).value for most in (2000, 3)
        )
        assert long == pytest.approx(value, rel=1e-2)
        assert short != pytest.approx(value, rel=1e-2)
    norms = [find(found, {"iterations": most, "statistic": "gradient_norm"}).value for most in (3, 2000)]
    assert norms[1] < 1e-4 < norms[0]


def test_who_stays_is_drawn_and_one_draw_is_all_there_is_where_all_stay(small):
    well = set(small.children(small.data, label=0).tolist())
    found = draws.stays(small, [0, 8, 20], draws=3, seed=0)
    assert [count for count, _ in found] == [0, 0, 0, 8, 8, 8, 20]
    for count, left_out in found:
        assert set(left_out.tolist()) <= well
        assert len(left_out) == 20 - count
    assert len({tuple(sorted(rows.tolist())) for _, rows in found[3:6]}) == 3
    assert [rows.tolist() for _, rows in found] == [
        rows.tolist() for _, rows in draws.stays(small, [0, 8, 20], draws=3, seed=0)
    ]
    with pytest.raises(InvalidParameter, match="numbers from 0 to 20"):
        draws.stays(small, [21], draws=1, seed=0)


def test_a_draw_is_judged_by_the_readmitted_beside_all_who_are_no_children(small):
    table = draws.diluted(small, [8], weight_decay=DECAY, draws=1, seed=4)
    ((_, left_out),) = draws.stays(small, [8], draws=1, seed=4)
    kept = numpy.delete(numpy.arange(200), left_out.numpy())
    x, y = small.data.x_train.numpy()[kept], small.data.y_train.numpy()[kept]
    own = fitted(without(small.tests, left_out.tolist()), weight_decay=DECAY)
    assert own.theta.numpy() == pytest.approx(newton(x, y, DECAY), rel=1e-5, abs=1e-7)
    sizes = abs(effects(il.Exact().estimate(own)))
    child = x[:, small.child] == 1
    least, others = sizes[child & (y == 1)].min(), sizes[~child]
    assert table["last_rank"].tolist() == [3 + int((others > least).sum())]
    assert table["times_the_next"].tolist() == pytest.approx([least / others.max()])
    x_test = small.tests.x_test[0].numpy()
    assert table["chance"].tolist() == pytest.approx([1 / (1 + numpy.exp(x_test @ newton(x, y, DECAY)))], rel=1e-6)


def test_means_over_draws_are_geometric_and_have_no_interval_of_fewer_than_five(small):
    six = {"kept": [0] * 6 + [4] * 2, "last_rank": [3, 3, 3, 12, 3, 3, 3, 6], "chance": [0.5] * 8}
    table = pandas.DataFrame({**six, "times_the_next": [1.0, 4.0, 1.0, 4.0, 1.0, 4.0, 2.0, 8.0]})
    found = draws.measurements(small, table, raised=3, bootstrap=QUICK)
    times = find(found, {"kept": 0, "statistic": "diluted_times_the_next"})
    assert times.value == pytest.approx(2.0)
    assert times.low < 2.0 < times.high
    assert find(found, {"kept": 0, "statistic": "diluted_last_rank"}).value == pytest.approx(4.5)
    assert find(found, {"kept": 0, "statistic": "share_first"}).value == pytest.approx(5 / 6)
    few = find(found, {"kept": 4, "statistic": "diluted_times_the_next"})
    assert (few.value, few.interval) == (pytest.approx(4.0), None)


@pytest.mark.slow
def test_claims_and_findings_select_the_numbers_of_the_children(small, model, estimates):
    called = replace(small, name="diabetes130")
    rows = analysis.removed(called, estimates["exact"], count=6, seed=0)
    truth = analysis.retrained(model, rows)
    parts = analysis.agreements(called, estimates, truth, rows, bootstrap=QUICK)
    models = {"original": fitted(small.tests, weight_decay=DECAY), "mismatched": model}
    table = scores(model, estimates)
    tables = [analysis.seen_at_first(called, models), analysis.children_found(called, estimates, table)]
    drawn = draws.diluted(called, [20], weight_decay=DECAY, draws=1, seed=0)
    tables += [
        analysis.agreement_rows(parts),
        analysis.stopped_early(called, estimates["exact"], iterations=[1000]),
        draws.measurements(called, drawn, raised=3, bootstrap=QUICK),
    ]
    measured = joined(tables)
    for claim in CLAIMS:
        assert all(cell.number(measured) is not None for cell in claim.cells), claim.name
    for finding in FINDINGS:
        assert all(find(measured, where) is not None for where in finding.quotes), finding.text
    quoted = [find(measured, where) for where in FINDINGS[0].quotes]
    assert all(quoted)
    predicted, actual = effects(estimates["exact"])[rows["children"]], truth.values[:4, 0].numpy()
    assert quoted[4].value == pytest.approx(numpy.polyfit(predicted, actual, 1)[0])
    assert quoted[4].interval is None
    assert parts[1].comparison.mask.sum() == 4 * parts[1].comparison.m
    shown = analysis.of_watched(parts)
    assert [(part.comparison.m, int(part.comparison.mask.sum())) for part in shown] == [(1, 4), (1, 12)] * 2
