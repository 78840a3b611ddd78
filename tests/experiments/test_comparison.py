"""An estimate is held against the truth of its own fit, pair by pair, and only where there is a truth."""

from dataclasses import replace

import numpy
import pytest
import torch
from problems import logistic_problem, minimum, ridge_problem
from scipy import stats

from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.experiments.comparison import compare
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.estimators.random import Random
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton

ROWS = torch.tensor([9, 4, 30, 2, 55, 17])
FEW = Bootstrap(resamples=40)


@pytest.fixture(scope="module")
def pair():
    """An estimate and the truth of six removals, in no order, of which the third did not converge."""
    fitted = minimum(logistic_problem)
    data = replace(fitted.data, train_ids=fitted.data.train_ids + 1000)
    fitted = fit(fitted.task, data, fitted.trainer)
    truth = SecondOrder().retrain(fitted, leave_one_out(60, rows=ROWS))
    converged = truth.converged.clone()
    converged[2] = False
    return Exact().estimate(fitted), replace(truth, converged=converged)


def test_predicted_and_actual_speak_of_the_same_removals(pair):
    estimate, truth = pair
    found = compare(estimate, truth)
    # Equal bits: copies.
    assert numpy.array_equal(found.predicted, estimate.values[ROWS])
    assert numpy.array_equal(found.actual, truth.values)
    assert found.train_ids.tolist() == (ROWS + 1000).tolist()
    assert numpy.array_equal(found.train_labels, estimate.fit.data.y_train[ROWS])
    assert found.estimator == "exact"
    assert found.unit == "nats"
    assert found.classes == 3


@pytest.mark.parametrize("what", ["converged", "same_basin"])
def test_what_is_no_truth_does_not_count(pair, what):
    estimate, truth = pair
    whole = replace(truth, converged=torch.ones(6, dtype=torch.bool))
    broken = replace(whole, **{what: torch.arange(6) != 4})
    assert compare(estimate, whole).mask.all()
    assert compare(estimate, broken).mask.tolist() == [[row != 4] * 5 for row in range(6)]
    wild = replace(broken, values=torch.where(torch.arange(6)[:, None] == 4, 1e9, broken.values))
    numbers = [compare(estimate, each).statistics(FEW)["pearson"].per_test for each in (broken, wild)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)


def test_statistics_are_those_of_the_chosen_pairs(pair):
    estimate, truth = pair
    chosen = torch.rand(6, 5, generator=torch.Generator().manual_seed(0)) < 0.9
    chosen[:, 3] = False
    found = compare(estimate, truth, mask=chosen)
    assert numpy.array_equal(found.mask, chosen & truth.converged[:, None])
    numbers = found.statistics(FEW)
    kept = [j for j in range(5) if j != 3]
    for name, measure in (
        ("pearson", lambda x, y: stats.pearsonr(x, y).statistic),
        ("spearman", lambda x, y: stats.spearmanr(x, y).statistic),
        ("slope", lambda x, y: stats.linregress(x, y).slope),
        ("intercept", lambda x, y: stats.linregress(x, y).intercept),
    ):
        wanted = [measure(found.predicted[found.mask[:, j], j], found.actual[found.mask[:, j], j]) for j in kept]
        assert numbers[name].per_test == pytest.approx(wanted, rel=1e-9)


def test_the_table_has_one_row_for_each_counted_pair(pair):
    estimate, truth = pair
    chosen = torch.zeros(6, 5, dtype=torch.bool)
    chosen[[0, 2, 5], [1, 1, 4]] = True
    table = compare(estimate, truth, mask=chosen).table()
    data = estimate.fit.data
    assert table.train_id.tolist() == [1009, 1017]
    assert table.test_id.tolist() == data.test_ids[[1, 4]].tolist()
    assert table.train_label.tolist() == data.y_train[[9, 17]].tolist()
    assert table.test_label.tolist() == data.y_test[[1, 4]].tolist()
    assert table.predicted.tolist() == estimate.values[[9, 17], [1, 4]].tolist()
    assert table.actual.tolist() == truth.values[[0, 5], [1, 4]].tolist()


def test_nothing_to_count_is_refused(pair):
    estimate, truth = pair
    nothing = torch.zeros(6, 5, dtype=torch.bool)
    with pytest.raises(InvalidData, match=r"None of the 6 × 5 pairs counts: no removal .*retrained\.trusted"):
        compare(estimate, truth, mask=nothing).statistics(FEW)


def test_two_fits_are_not_compared_even_if_they_are_equal(pair):
    _, truth = pair
    again = fit(truth.fit.task, truth.fit.data, truth.fit.trainer)
    with pytest.raises(InvalidData, match="different fits: estimate and retrain the same one"):
        compare(Exact().estimate(again), truth)


def test_an_estimate_for_the_other_convention_is_refused():
    fitted = minimum(ridge_problem)
    truth = SecondOrder().retrain(fitted, leave_one_out(60, convention="renormalise"))
    with pytest.raises(InvalidParameter, match="convention='renormalise'"):
        compare(NewtonStep().estimate(fitted), truth)
    assert compare(Exact().estimate(fitted), truth).mask.all()


def test_real_targets_have_no_classes_and_scores_no_unit():
    fitted = minimum(ridge_problem)
    truth = SecondOrder().retrain(fitted, leave_one_out(60))
    found = compare(Random().estimate(fitted), truth)
    assert found.labels is None
    assert found.unit == "none"
    assert found.statistics(FEW)["pearson"].per_test == pytest.approx(0, abs=0.5)


def test_groups_are_compared_by_number_and_are_of_no_class():
    fitted = minimum(logistic_problem)
    members = [[0, 1], [5], [7, 20, 33], [40, 41], []]
    truth = SecondOrder().retrain(fitted, groups(60, members=members))
    estimate = Exact().estimate(fitted)
    found = compare(estimate, truth)
    assert found.train_ids.tolist() == list(range(5))
    assert found.labels is None
    assert found.predicted[2] == pytest.approx(estimate.values[[7, 20, 33]].sum(0).numpy())
    assert numpy.corrcoef(found.predicted.ravel(), found.actual.ravel())[0, 1] > 0.98


def test_an_unconverged_fit_is_compared_if_it_is_allowed():
    task, data = logistic_problem()
    rough = fit(task, data, Newton(tolerance=1e-10, max_steps=2))
    truth = SecondOrder().retrain(rough, leave_one_out(60))
    found = compare(Exact(allow_unconverged=True).estimate(rough), truth)
    assert numpy.corrcoef(found.predicted.ravel(), found.actual.ravel())[0, 1] > 0.9
