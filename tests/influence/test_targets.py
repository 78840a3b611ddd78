"""Retraining on objectives held to the fit: dense Newton and an independent minimiser, controls, basins, impostors."""

from dataclasses import replace

import numpy
import proximal_oracles
import pytest
import torch
from crossing import crossed
from oracles import along, model, without
from problems import binary_problem, logistic_problem, mlp_problem
from proximal_oracles import DAMPING, stopped
from scipy.optimize import minimize
from tight_retraining import EXACT, rms, worst

from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidParameter
from influencelab.influence.chord_newton import chord_of, descend
from influencelab.influence.curvature import Curvature
from influencelab.influence.retrainer import problems
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.training.fit import fit
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.newton import Newton


@pytest.mark.parametrize(
    ("build", "target", "convention"),
    crossed([logistic_problem, binary_problem], ["loss", "proximal", "pbrf"], CONVENTIONS),
)
def test_retraining_meets_dense_newton_on_each_target_from_an_unconverged_fit(build, target, convention):
    fitted = stopped(build, n=20, m=3, weight_decay=0.05)
    damping = 0.0 if target == "loss" else DAMPING
    removals = leave_one_out(20, convention=convention)
    found = replace(EXACT, target=target, target_damping=damping).retrain(fitted, removals)
    assert found.fit is fitted
    assert found.trusted.all()
    oracle = proximal_oracles.held(fitted, target, damping)
    wanted = proximal_oracles.changes(oracle, [[i] for i in range(20)], convention=convention)
    assert worst(found.values, wanted) < 1e-8
    drift = proximal_oracles.rises(oracle, [oracle.points.w])[0]
    assert numpy.abs(found.control.numpy() - drift).max() < 1e-9
    assert (rms(drift) < 1e-12) == (target == "pbrf")


def test_impostors_are_refused():
    """A forgotten control, proximity around 0, and removals of the wrong sign are all far from the oracle."""
    fitted = stopped(logistic_problem, n=20, m=3, weight_decay=0.05)
    oracle = proximal_oracles.held(fitted, "proximal", DAMPING)
    alone = [[i] for i in range(20)]
    wanted = proximal_oracles.changes(oracle, alone)
    found = replace(EXACT, target="proximal", target_damping=DAMPING).retrain(fitted, leave_one_out(20))
    assert worst(found.values, wanted) < 1e-8
    assert worst(found.values + found.control, wanted) > 1
    shifted = replace(fitted.task, weight_decay=fitted.task.weight_decay + DAMPING, penalise_intercept=True)
    around_zero = proximal_oracles.Held(model(shifted, fitted.data), oracle.points, oracle.anchor, 0.0, "loss")
    assert worst(proximal_oracles.changes(around_zero, alone), wanted) > 1e-2
    response_oracle = oracle._replace(target="pbrf")
    response_found = replace(EXACT, target="pbrf", target_damping=DAMPING).retrain(fitted, leave_one_out(20)).values
    w = oracle.points.w
    twice = proximal_oracles.rises(response_oracle, [2 * w - without(w, group, "drop") for group in alone])
    assert worst(response_found, proximal_oracles.changes(response_oracle, alone)) < 1e-8
    assert worst(twice, response_found.numpy()) > 1


@pytest.mark.parametrize(("steps", "row"), [(30, 0), (None, 5)])
def test_a_network_meets_an_independent_minimiser_of_the_response(steps, row):
    task, data = mlp_problem(n=16, m=3, width=2, features=2)
    fitted = fit(task, data, Newton(tolerance=1e-11) if steps is None else GradientDescent(steps=steps))
    found = replace(EXACT, target="pbrf", target_damping=0.05).retrain(fitted, leave_one_out(16))
    assert found.trusted.all()
    assert float(found.control.abs().max()) < 1e-12
    oracle, before = proximal_oracles.held(fitted, "pbrf", 0.05), fitted.measures().numpy()
    axes = numpy.eye(len(oracle.anchor))
    w = without(oracle.points.w, [row], "drop")
    result = minimize(
        lambda at: proximal_oracles.value(oracle, at, w),
        oracle.anchor,
        jac=lambda at: numpy.array(
            [along(lambda here: proximal_oracles.value(oracle, here, w), at, axis) for axis in axes]
        ),
        method="BFGS",
        options={"gtol": 1e-10},
    )
    change = oracle.model.losses(result.x, oracle.points.x_test, oracle.points.y_test) - before
    assert found.values[row].numpy() == pytest.approx(change, rel=1e-4, abs=1e-7)


@pytest.mark.slow
def test_the_basin_of_an_unconverged_network_is_its_controls():
    """What removes nothing ends where the control ends, though a barrier lies between both and the fit."""
    task, data = mlp_problem(1, depth=2, width=4, weight_decay=1e-3)
    fitted = fit(task, data, GradientDescent(steps=500, learning_rate=0.3), seed=1)
    assert not fitted.converged
    found = SecondOrder().retrain(fitted, groups(data.n, members=[[], [0], []]))
    assert float(found.control.abs().max()) > 0.1
    assert found.trusted[[0, 2]].all()
    assert float(found.values[[0, 2]].abs().max()) < 1e-9
    problem, theta, descent = ends(fitted)
    assert SecondOrder().same_basin(fitted, problem, theta, descent).all()
    assert not SecondOrder().same_basin(replace(fitted, converged=True), problem, theta, descent).any()


def ends(fitted):
    """Where two models that lose nothing end, as `same_basin` is told of it."""
    curvature, removals = Curvature(fitted), groups(fitted.data.n, members=[[]])
    problem = problems(fitted, removals, slice(0, 1))[0]
    descent = descend(
        chord_of(curvature, problem), problem, SecondOrder().convergence_test(curvature, removals), max_steps=30
    )
    start = fitted.theta.repeat(2, 1)
    theta = Newton(tolerance=1e-10).train(fitted.task, fitted.data, start, problem.weights).theta
    return problem, theta, replace(descent, first_step=torch.full_like(descent.first_step, torch.inf))


def test_unknown_targets_and_a_damped_loss_are_refused():
    with pytest.raises(InvalidParameter, match="loss, proximal, pbrf"):
        SecondOrder(target="bregman")
    with pytest.raises(InvalidParameter, match="proximal"):
        SecondOrder(target="loss", target_damping=0.1)
