"""One contract for every estimator there is; right ones meet it with room to spare, and every impostor is refused."""

import numpy
import pytest
import torch
from oracles import (
    influence,
    linear_hessian,
    model,
    point_gradients,
    points_of,
    removal_changes,
    solve,
    weight_slopes,
    without,
)
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem

from influencelab import make, names
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidParameter, NotConverged, NotFinite
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.testing.bounds import INFLUENCE, NEWTON_STEP, SAME, check_estimate, faults
from influencelab.testing.contract import ROWS as EXAMINED
from influencelab.testing.contract import damped, truth
from influencelab.testing.impostors import IMPOSTORS, NEED_CLASSES, Impostor
from influencelab.testing.problems import PROBLEMS, SEVERAL_OUTPUTS
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton

ROWS = torch.tensor(EXAMINED)
# Kinds that only rank; a new kind belongs to neither list, and is held to the contract.
RANKING = {"gradient_dot", "gradient_cosine", "random", "relatif", "loss_relatif", "same_label"}
# Kinds that follow a training run and take no other fit: their own files hold them to what the run does.
ALONG_A_RUN = {"tracin", "unrolled"}
# Kinds in nats whose curvature is a stated approximation of the true one: their own files hold them to it.
ROUGH = {"ekfac"}
AT_A_MINIMUM = sorted(set(names(Estimator)) - ALONG_A_RUN)
IN_NATS = sorted(set(AT_A_MINIMUM) - RANKING - ROUGH)
# Kinds that make no claim about minima, and say so.
ANY_FIT = RANKING - {"relatif", "loss_relatif"}


def predicted(estimate, convention: str = "drop") -> numpy.ndarray:
    return estimate.predict(leave_one_out(200, rows=ROWS, convention=convention)).numpy()


def bounds(kind: str):
    return NEWTON_STEP if kind == "newton_step" else INFLUENCE


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("kind", IN_NATS)
def test_estimates_in_nats_meet_the_contract_with_room_to_spare(kind, problem):
    estimate = make(Estimator, kind).estimate(PROBLEMS[problem]())
    assert estimate.unit == estimate.fit.task.output_loss.unit
    check_estimate(predicted(estimate), truth(problem), bounds=bounds(kind).tightened(0.8))


@pytest.mark.parametrize(
    ("mistake", "problem"),
    [
        (mistake, problem)
        for mistake in IMPOSTORS
        for problem in PROBLEMS
        if mistake not in NEED_CLASSES or problem in SEVERAL_OUTPUTS
    ],
)
def test_every_impostor_is_refused(mistake, problem):
    fitted = PROBLEMS[problem]()
    estimate = Impostor(mistake=mistake).estimate(fitted)
    actual = damped(problem, estimate.damping)[EXAMINED] if estimate.damping else truth(problem)
    limits = SAME if estimate.damping else INFLUENCE
    with pytest.raises(AssertionError, match="refused for its"):
        check_estimate(predicted(estimate), actual, bounds=limits)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("damping", [0.0, 0.05])
def test_the_right_estimate_in_the_impostors_place_is_accepted(problem, damping):
    fitted = PROBLEMS[problem]()
    check_estimate(predicted(Exact(damping=damping).estimate(fitted)), damped(problem, damping)[EXAMINED], bounds=SAME)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("convention", ["drop", "renormalise"])
@pytest.mark.parametrize("kind", ["exact", "newton_step"])
def test_each_convention_is_right_and_refused_against_the_truth_of_the_other(kind, convention, problem):
    settings = {"convention": convention} if kind == "newton_step" else {}
    estimate = make(Estimator, kind, **settings).estimate(PROBLEMS[problem]())
    other = {"drop": "renormalise", "renormalise": "drop"}[convention]
    check_estimate(predicted(estimate, convention), truth(problem, convention), bounds=bounds(kind).tightened(0.8))
    assert faults(predicted(estimate, convention), truth(problem, other), bounds=bounds(kind))


def test_the_newton_step_contract_refuses_plain_influence_where_points_have_leverage():
    fitted = minimum(logistic_problem, n=200, m=4, weight_decay=0.05)
    by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)
    actual = removal_changes(by_hand, points, [[int(row)] for row in ROWS])
    assert "slope" in faults(predicted(Exact().estimate(fitted)), actual, bounds=NEWTON_STEP)[0]
    stepped = faults(predicted(NewtonStep().estimate(fitted)), actual, bounds=NEWTON_STEP)
    assert not any("slope" in fault for fault in stepped)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_slopes_are_the_derivatives_in_a_training_weight(problem):
    fitted = PROBLEMS[problem]()
    slopes = Exact().estimate(fitted).slopes
    for row in (0, 17):
        wanted = weight_slopes(model(fitted.task, fitted.data), points_of(fitted.data), row)
        assert slopes[row].numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("kind", ["exact", "newton_step"])
@pytest.mark.parametrize("convention", ["drop", "renormalise"])
@pytest.mark.parametrize("total", [0.2, 1.0, 3.0])
def test_unequal_weights_of_any_total_are_understood(kind, convention, total):
    task, data = logistic_problem(n=100, m=3, weight_decay=0.3 * total)
    weights = torch.linspace(0.5, 1.5, 100, dtype=torch.float64)
    weights *= total / weights.sum()
    fitted = fit(task, data, Newton(tolerance=1e-10 * total), weights=weights)
    settings = {"convention": convention} if kind == "newton_step" else {}
    rows = torch.arange(0, 100, 9)
    removals = leave_one_out(100, rows=rows, convention=convention)
    said = make(Estimator, kind, **settings).estimate(fitted).predict(removals)
    points = points_of(data, weights.numpy())
    actual = removal_changes(model(task, data), points, [[int(row)] for row in rows], convention=convention)
    limits = bounds(kind)
    check_estimate(said.numpy(), actual, bounds=limits)
    forgotten = (said / fitted.weights[rows, None] / 100 * total).numpy()
    assert faults(forgotten, actual, bounds=limits)


@pytest.mark.parametrize("kind", AT_A_MINIMUM)
def test_every_estimate_says_what_it_is(kind):
    fitted = minimum(logistic_problem)
    estimate = make(Estimator, kind).estimate(fitted)
    n, m = fitted.data.n, fitted.data.m
    assert estimate.fit is fitted
    assert estimate.values.shape == (n, m)
    assert estimate.values.isfinite().all()
    assert estimate.residual.shape == (m,)
    assert (estimate.residual >= 0).all()
    assert kind in ROUGH or estimate.residual.max() <= 1e-6
    assert estimate.damping == 0
    assert estimate.seconds > 0
    assert (estimate.unit == "none") == (kind in RANKING)
    if estimate.slopes is None:
        assert estimate.convention in (("drop", "renormalise") if estimate.unit != "none" else (None,))
    else:
        # Equal bits: one product a number.
        assert torch.equal(estimate.values, -fitted.weights[:, None] * estimate.slopes)
        assert estimate.convention is None


@pytest.mark.parametrize("kind", AT_A_MINIMUM)
def test_the_same_recipe_gives_the_same_estimate(kind):
    fitted = minimum(logistic_problem)
    again = fit(fitted.task, fitted.data, fitted.trainer)
    first, second = (make(Estimator, kind).estimate(each).values for each in (fitted, again))
    assert torch.allclose(first, second, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kind", AT_A_MINIMUM)
def test_an_unconverged_fit_is_refused_unless_allowed(kind):
    task, data = logistic_problem()
    rough = fit(task, data, Newton(tolerance=1e-10, max_steps=1))
    assert not rough.converged
    if kind in ANY_FIT:
        assert "allow_unconverged` has no effect" in type(make(Estimator, kind)).__doc__.replace("\n    ", " ")
        assert make(Estimator, kind).estimate(rough).values.isfinite().all()
        return
    with pytest.raises(NotConverged, match=r"‖∇J‖ = .*allow_unconverged=True"):
        make(Estimator, kind).estimate(rough)
    allowed = make(Estimator, kind, allow_unconverged=True).estimate(rough)
    assert allowed.values.isfinite().all()
    assert allowed.fit is rough


@pytest.mark.parametrize("kind", ["exact", "conjugate_gradient", "lissa", "newton_step", "arnoldi"])
def test_the_damping_that_is_said_is_the_damping_that_is_added(kind):
    fitted = minimum(logistic_problem)
    estimate = make(Estimator, kind, damping=0.05).estimate(fitted)
    assert estimate.damping == 0.05
    plain = make(Estimator, kind).estimate(fitted)
    assert not torch.allclose(estimate.values, plain.values, rtol=1e-3)
    if estimate.slopes is not None:
        wanted = influence(model(fitted.task, fitted.data), fitted.theta.numpy(), points_of(fitted.data), damping=0.05)
        assert faults(estimate.values.numpy(), wanted, bounds=SAME) == []


@pytest.mark.parametrize("damping", [0.0, 0.1])
@pytest.mark.parametrize("convention", ["drop", "renormalise"])
@pytest.mark.parametrize("build", [logistic_problem, binary_problem, ridge_problem])
def test_a_newton_step_solves_with_the_curvature_without_the_point(build, convention, damping):
    task, data = build(n=20, weight_decay=0.05)
    weights = torch.linspace(0.01, 0.2, 20, dtype=torch.float64)
    fitted = fit(task, data, Newton(tolerance=1e-10), weights=weights)
    by_hand, points, theta = model(task, data), points_of(data, weights.numpy()), fitted.theta.numpy()
    pulls = point_gradients(by_hand, theta, points.x_test, points.y_test)
    force = by_hand.penalty * theta / points.w.sum() if convention == "renormalise" else 0
    wanted = []
    for row, push in enumerate(point_gradients(by_hand, theta, points.x, points.y) + force):
        left = linear_hessian(by_hand, theta, points._replace(w=without(points.w, [row], "drop")))
        wanted.append(pulls @ solve(left + damping * numpy.eye(len(theta)), points.w[row] * push))
    found = NewtonStep(convention=convention, damping=damping).estimate(fitted).values
    assert found.numpy() == pytest.approx(numpy.stack(wanted), rel=1e-6, abs=1e-11)


def test_a_newton_step_is_exact_for_the_parameters_of_ridge_regression():
    fitted = minimum(ridge_problem, n=30, m=5, weight_decay=1e-3)
    said = NewtonStep().estimate(fitted).values.numpy()
    points, by_hand = points_of(fitted.data), model(fitted.task, fitted.data)
    residual = by_hand.outputs(fitted.theta.numpy(), points.x_test)[:, 0] - points.y_test
    # The loss itself is quadratic in the move of the prediction, of which the estimate is the linear part.
    moved = said / residual
    actual = removal_changes(by_hand, points, [[i] for i in range(30)])
    assert residual * moved + moved**2 / 2 == pytest.approx(actual, rel=1e-6, abs=1e-9)


def test_a_newton_step_refuses_a_point_that_the_fit_cannot_spare():
    task, data = ridge_problem(weight_decay=0.0)
    data.x_train[:, 0] = 0
    data.x_train[7, 0] = 1
    fitted = fit(task, data, Newton(tolerance=1e-10))
    with pytest.raises(NotFinite, match=r"id 7.*leverage 1.*weight decay or damping"):
        NewtonStep().estimate(fitted)


def test_a_newton_step_predicts_its_own_convention_and_single_removals_only():
    estimate = NewtonStep(convention="drop").estimate(minimum(logistic_problem))
    with pytest.raises(InvalidParameter, match="convention='renormalise'"):
        estimate.predict(leave_one_out(60, convention="renormalise"))
    with pytest.raises(InvalidParameter, match="single removals only"):
        estimate.predict(groups(60, members=[[1, 2]]))


def test_confident_test_points_have_an_influence_too():
    """A loss of 1e-12 must not be taken for mass in the null space of the intercepts by rounding."""
    task, data = logistic_problem(weight_decay=1e-3)
    data.x_test[:] = 8 * data.x_train[:5]
    data.y_test[:] = fit(task, data, Newton()).predicted(data.x_test)
    fitted = fit(task, data, Newton(tolerance=1e-10))
    assert fitted.measures().min() < 1e-12
    for kind in ("exact", "conjugate_gradient"):
        estimate = make(Estimator, kind).estimate(fitted)
        assert estimate.residual.max() < 1e-7
        wanted = influence(model(task, data), fitted.theta.numpy(), points_of(data))
        sure = fitted.measures().argmax()
        assert estimate.values[:, sure].numpy() == pytest.approx(wanted[:, sure], rel=1e-4)


def test_gauss_newton_and_hessian_are_the_same_for_linear_tasks_and_not_for_networks():
    linear, network = minimum(logistic_problem), minimum(mlp_problem)
    for fitted, same in ((linear, True), (network, False)):
        one, two = (Exact(curvature=kind).estimate(fitted).values for kind in ("hessian", "gauss_newton"))
        assert torch.allclose(one, two, rtol=1e-9, atol=1e-12) == same
