"""Who is removed, what becomes of the weights, and what an estimate predicts of it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import logistic_problem, minimum

from influencelab.data.perturbations.removals import CONVENTIONS, Removals
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidParameter
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.random import Random
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton

GROUPS = [[0, 3], [], [5], [1, 2, 4, 6]]


def rows_of_weights(removals, base):
    return removals.weights(base, slice(0, removals.count))


@pytest.fixture(scope="module")
def weighted():
    """A fit whose training weights are neither equal nor sum to 1, with its estimate."""
    task, data = logistic_problem(n=30)
    weights = torch.rand(30, generator=torch.Generator().manual_seed(3), dtype=torch.float64) + 0.1
    weights[7] = 0
    fitted = fit(task, data, Newton(tolerance=1e-10), weights=3 * weights / weights.sum())
    return Exact().estimate(fitted)


def test_dropping_puts_one_weight_to_zero_and_leaves_the_others():
    base = torch.linspace(0.1, 0.7, 7, dtype=torch.float64)
    found = rows_of_weights(leave_one_out(7), base)
    # Equal bits: copies and zeros.
    assert torch.equal(found, base * (1 - torch.eye(7)))


def test_renormalising_keeps_the_total_and_the_proportions():
    found = rows_of_weights(leave_one_out(5, convention="renormalise"), torch.full((5,), 1 / 5, dtype=torch.float64))
    assert torch.allclose(found, (1 - torch.eye(5).double()) / 4, rtol=1e-15)
    base = torch.linspace(0.1, 0.7, 7, dtype=torch.float64)
    found = rows_of_weights(groups(7, members=GROUPS, convention="renormalise"), base)
    assert torch.allclose(found.sum(1), base.sum(), rtol=1e-15)
    for row, group in zip(found, GROUPS, strict=True):
        stay = torch.tensor([i for i in range(7) if i not in group])
        assert not row[group].any()
        assert torch.allclose(row[stay] / base[stay], (row[stay] / base[stay])[0].expand(len(stay)), rtol=1e-14)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_any_slice_of_the_rows_is_that_part_of_all(convention):
    base = torch.linspace(0.1, 0.7, 7, dtype=torch.float64)
    removals = groups(7, members=GROUPS, convention=convention)
    whole = rows_of_weights(removals, base)
    for first in range(4):
        for last in range(first + 1, 6):
            assert torch.allclose(removals.weights(base, slice(first, last)), whole[first:last], rtol=1e-14)


def test_sums_are_over_the_removed_points():
    values = torch.arange(14, dtype=torch.float64).reshape(7, 2)
    found = groups(7, members=GROUPS).sums(values)
    # Equal bits: sums of small whole numbers.
    assert torch.equal(found, torch.stack([values[group].sum(0) for group in GROUPS]))


def test_only_experiments_of_one_point_each_are_single():
    assert leave_one_out(5).single
    assert leave_one_out(5, rows=torch.tensor([4, 4, 0])).single
    assert groups(7, members=[[3], [5]]).single
    assert not groups(7, members=GROUPS).single
    assert not groups(7, members=[[0, 1], []]).single


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: leave_one_out(5, convention="delete"), "'delete', expected one of drop, renormalise"),
        (lambda: leave_one_out(5, rows=torch.tensor([5])), r"from 5 to 5, expected 0 … 4"),
        (lambda: leave_one_out(5, rows=torch.tensor([-1, 3])), r"from -1 to 3, expected 0 … 4"),
        (lambda: leave_one_out(5, rows=torch.empty(0, dtype=torch.int64)), "no experiment"),
        (lambda: groups(5, members=[]), "no experiment"),
        (lambda: groups(5, members=[[1, 1]]), "each of its points once"),
        (lambda: groups(3, members=[[0, 1, 2]]), "leave at least one"),
        (lambda: Removals(torch.tensor([2]), torch.tensor([0]), 2, 5), r"rows go from 2 to 2, expected 0 … 1"),
    ],
)
def test_impossible_removals_are_refused(make, message):
    with pytest.raises(InvalidParameter, match=message):
        make()


# What an estimate predicts.
@pytest.mark.parametrize("convention", CONVENTIONS)
@given(seed=st.integers(0, 1000))
def test_predictions_are_the_change_of_weights_times_the_slopes(weighted, convention, seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(0, 29, (4,), generator=generator).tolist()
    members = [torch.randperm(30, generator=generator)[:size].tolist() for size in sizes]
    removals, base = groups(30, members=members, convention=convention), weighted.fit.weights
    wanted = (rows_of_weights(removals, base) - base) @ weighted.slopes
    assert torch.allclose(weighted.predict(removals), wanted, rtol=1e-10, atol=1e-12)


def test_values_are_the_prediction_of_dropping_each_point(weighted):
    assert torch.allclose(weighted.predict(leave_one_out(30)), weighted.values, rtol=1e-14)
    assert not weighted.values[7].any()
    shifted = weighted.predict(leave_one_out(30, convention="renormalise"))
    assert not torch.allclose(shifted, weighted.values, rtol=1e-3)
    assert torch.allclose(shifted[7], torch.zeros(5).double(), atol=1e-14)


def test_a_prediction_follows_the_order_of_the_removals(weighted):
    rows = torch.tensor([4, 29, 4, 0])
    for estimate in (weighted, Random().estimate(weighted.fit)):
        assert torch.allclose(estimate.predict(leave_one_out(30, rows=rows)), estimate.values[rows], rtol=1e-14)


def test_scores_that_only_rank_do_so_for_both_conventions_but_not_for_groups():
    estimate = Random().estimate(minimum(logistic_problem))
    for convention in CONVENTIONS:
        # Equal bits: copies.
        assert torch.equal(estimate.predict(leave_one_out(60, convention=convention)), estimate.values)
    with pytest.raises(InvalidParameter, match="single removals only; use an estimator with slopes"):
        estimate.predict(groups(60, members=GROUPS))


def test_removals_for_another_number_of_points_are_refused(weighted):
    for n in (20, 31):
        with pytest.raises(InvalidParameter, match=f"made for {n} training points and the fit has 30"):
            weighted.predict(leave_one_out(n))


def test_renormalising_nothing_is_refused():
    task, data = logistic_problem(n=30)
    weights = torch.zeros(30, dtype=torch.float64)
    weights[:3] = 1 / 3
    fitted = fit(task, data, Newton(), weights=weights)
    everything = groups(30, members=[[0, 1, 2]], convention="renormalise")
    with pytest.raises(InvalidParameter, match="removes all the weight there is"):
        Exact().estimate(fitted).predict(everything)
