"""Retraining is the truth: closed forms, an independent Newton, and what must not matter to it."""

from dataclasses import replace
from functools import cache

import numpy
import pytest
import torch
from crossing import crossed
from oracles import along, model, newton, objective, points_of, removal_changes, ridge_changes
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem
from scipy.optimize import minimize
from tight_retraining import EXACT, OTHER, worst

from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import groups, leave_one_out
from influencelab.influence import retrainer
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.testing.bounds import INFLUENCE, SAME, check_estimate, faults
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton


# Against truths that share no code.
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(("intercept", "penalised"), [(False, False), (True, False), (True, True)])
def test_ridge_regression_meets_its_closed_form(convention, intercept, penalised):
    task, data = ridge_problem(n=25, intercept=intercept)
    task = replace(task, penalise_intercept=penalised)
    fitted = fit(task, data, Newton(tolerance=1e-12))
    wanted = ridge_changes(
        points_of(data), penalty=model(task, data).penalty, intercept=intercept, convention=convention
    )
    found = replace(EXACT, floor=1e-10).retrain(fitted, leave_one_out(25, convention=convention))
    assert found.converged.all()
    assert worst(found.values, wanted) < 1e-9
    also = removal_changes(model(task, data), points_of(data), [[i] for i in range(25)], convention=convention)
    assert worst(also, wanted) < 1e-9


@pytest.mark.parametrize(
    ("build", "convention", "weight_decay"),
    crossed([logistic_problem, binary_problem], CONVENTIONS, [1e-1, 1e-2, 1e-3]),
)
def test_logistic_regression_meets_twenty_dense_newton_steps(build, convention, weight_decay):
    fitted = minimum(build, n=40, weight_decay=weight_decay)
    by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)
    wanted = removal_changes(by_hand, points, [[i] for i in range(40)], convention=convention)
    found = EXACT.retrain(fitted, leave_one_out(40, convention=convention))
    assert found.trusted.all()
    assert worst(found.values, wanted) <= 1e-8
    quick = SecondOrder().retrain(fitted, leave_one_out(40, convention=convention))
    assert quick.trusted.all()
    assert worst(quick.values, wanted) <= 1e-4


@pytest.mark.parametrize("build", [logistic_problem, ridge_problem])
def test_unequal_weights_of_another_total_are_kept(build):
    task, data = build(n=30, weight_decay=0.05)
    weights = torch.linspace(0, 0.2, 30, dtype=torch.float64)
    fitted = fit(task, data, Newton(tolerance=1e-11), weights=weights)
    points = points_of(data, weights.numpy())
    members = [[0], [29], [3, 7, 11], []]
    for convention in CONVENTIONS:
        wanted = removal_changes(model(task, data), points, members, convention=convention)
        for removals in (groups(30, members=members, convention=convention),):
            found = EXACT.retrain(fitted, removals)
            assert found.converged.all()
            assert worst(found.values, wanted) <= 1e-8


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_each_convention_is_refused_against_the_truth_of_the_other(convention):
    fitted = minimum(logistic_problem, n=200, m=4, weight_decay=0.3, intercept=False)
    rows = torch.arange(0, 200, 7)
    wanted = {
        name: removal_changes(
            model(fitted.task, fitted.data), points_of(fitted.data), [[int(row)] for row in rows], convention=name
        )
        for name in CONVENTIONS
    }
    found = SecondOrder().retrain(fitted, leave_one_out(200, rows=rows, convention=convention)).values.numpy()
    check_estimate(found, wanted[convention], bounds=SAME)
    assert faults(found, wanted[OTHER[convention]], bounds=INFLUENCE)


def test_groups_and_halves_meet_the_oracle():
    fitted = minimum(logistic_problem, n=40, weight_decay=0.05)
    generator = torch.Generator().manual_seed(0)
    members = [torch.randperm(40, generator=generator)[:size].tolist() for size in (2, 5, 20, 24)]
    wanted = removal_changes(model(fitted.task, fitted.data), points_of(fitted.data), members)
    found = EXACT.retrain(fitted, groups(40, members=members))
    assert found.trusted.all()
    assert worst(found.values, wanted) <= 1e-8


def test_a_network_meets_an_independent_minimiser():
    task, data = mlp_problem(n=20, m=3, width=2)
    fitted = fit(task, data, Newton(tolerance=1e-11))
    assert fitted.converged
    rows = torch.tensor([0, 7, 13])
    found = EXACT.retrain(fitted, leave_one_out(20, rows=rows))
    assert found.trusted.all()
    by_hand, points = model(task, data), points_of(data)
    axes = numpy.eye(len(fitted.theta))
    before = by_hand.losses(fitted.theta.numpy(), points.x_test, points.y_test)
    for r, row in enumerate(rows):
        w = points.w.copy()
        w[row] = 0
        left = points._replace(w=w)
        result = minimize(
            lambda at, left=left: objective(by_hand, at, left),
            fitted.theta.numpy(),
            jac=lambda at, left=left: numpy.array(
                [along(lambda here: objective(by_hand, here, left), at, axis) for axis in axes]
            ),
            method="BFGS",
            options={"gtol": 1e-10},
        )
        change = by_hand.losses(result.x, points.x_test, points.y_test) - before
        assert found.values[r].numpy() == pytest.approx(change, rel=1e-4, abs=1e-7)


@cache
def in_one_batch(build):
    """A minimum, and what retraining without each of its points gives in one go."""
    fitted = minimum(build, n=30)
    return fitted, EXACT.retrain(fitted, leave_one_out(30))


# What must not matter.
@pytest.mark.parametrize(("build", "size"), crossed([logistic_problem, mlp_problem], [1, 3]))
def test_the_batch_size_changes_nothing(build, size, monkeypatch):
    fitted, whole = in_one_batch(build)
    monkeypatch.setattr(retrainer, "BATCH", size * (2 * 30 + 4 * len(fitted.theta)))
    batches = []
    parts = EXACT.retrain(fitted, leave_one_out(30), progress=lambda done, total: batches.append((done, total)))
    assert len(batches) == -(-30 // size)
    assert batches[-1] == (30, 30)
    trusted = whole.trusted & parts.trusted
    assert trusted.sum() >= 0.9 * whole.trusted.sum()
    assert worst(parts.values[trusted], whole.values[trusted]) < 1e-8
    assert torch.allclose(parts.control, whole.control, atol=1e-12)


def test_the_order_of_removals_and_of_training_points_changes_nothing():
    fitted = minimum(logistic_problem, n=30)
    whole = EXACT.retrain(fitted, leave_one_out(30)).values
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    assert worst(EXACT.retrain(fitted, leave_one_out(30, rows=order)).values, whole[order]) < 1e-8
    data = fitted.data
    shuffled = replace(data, x_train=data.x_train[order], y_train=data.y_train[order], train_ids=data.train_ids[order])
    again = fit(fitted.task, shuffled, fitted.trainer)
    assert worst(EXACT.retrain(again, leave_one_out(30)).values, whole[order]) < 1e-8


@pytest.mark.parametrize("build", [logistic_problem, ridge_problem])
def test_a_point_twice_at_half_its_weight_is_the_point_once(build):
    task, data = build(n=20)
    fitted = fit(task, data, Newton(tolerance=1e-11))
    twice = replace(
        data,
        x_train=torch.cat([data.x_train, data.x_train[:1]]),
        y_train=torch.cat([data.y_train, data.y_train[:1]]),
        train_ids=torch.arange(21),
    )
    weights = torch.full((21,), 1 / 20, dtype=torch.float64)
    weights[[0, 20]] = 1 / 40
    doubled = fit(task, twice, Newton(tolerance=1e-11), weights=weights)
    once = EXACT.retrain(fitted, leave_one_out(20)).values
    both = EXACT.retrain(doubled, groups(21, members=[[0, 20], [5], [0], [20]])).values
    assert worst(both[:2], once[[0, 5]]) < 1e-8
    assert worst(both[2], both[3]) < 1e-8
    assert not torch.allclose(both[2], once[0], rtol=0.1)


def test_predictions_beside_truth_follow_the_identity_where_leverage_is_small():
    fitted = minimum(logistic_problem, n=200, m=4, weight_decay=0.3, intercept=False)
    removals = leave_one_out(200, rows=torch.arange(0, 200, 5))
    found = SecondOrder().retrain(fitted, removals)
    check_estimate(Exact().estimate(fitted).predict(removals).numpy(), found.values.numpy(), bounds=INFLUENCE)


def test_the_truth_itself_is_what_the_oracle_minimises():
    """The fit's own minimum is the independent Newton's."""
    for build in (logistic_problem, binary_problem, ridge_problem):
        fitted = minimum(build)
        by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)
        theta = newton(by_hand, points)
        assert fitted.loss == pytest.approx(objective(by_hand, theta, points), rel=1e-13)
        wanted = by_hand.losses(theta, points.x_test, points.y_test)
        assert fitted.measures().numpy() == pytest.approx(wanted, rel=1e-7, abs=1e-10)
