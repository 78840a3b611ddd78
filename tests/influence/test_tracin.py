"""TracIn adds up what a run of training did, step by step, and takes only runs that can be followed."""

from dataclasses import replace

import numpy
import pytest
import torch
from oracles import along, linear_gradient, model, point_gradients, points_of
from problems import binary_problem, logistic_problem, minimum, mlp_problem

from influencelab.data.removals import groups
from influencelab.errors import InvalidParameter
from influencelab.influence.estimators.tracin import TracIn
from influencelab.models import derivatives
from influencelab.testing.bounds import Bounds, check_estimate, faults
from influencelab.training.fit import fit
from influencelab.training.trainers.adam import Adam
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.sgd import SGD

SHORT = GradientDescent(learning_rate=0.02, momentum=0.0, steps=12)
NEAR = Bounds(slope=(0.9, 1.1), correlation=0.99, error=0.1, sign=0.98)
RUNS = {
    "gradient descent": GradientDescent(learning_rate=0.05, momentum=0.9, steps=12),
    "minibatches": SGD(learning_rate=0.05, batch_size=7, steps=12, seed=3),
    "adam": Adam(learning_rate=0.01, steps=12),
}


def followed(points, formulas, *, rate, steps, start):
    """θ after each step of plain gradient descent, the start first."""
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - rate * linear_gradient(formulas, path[-1], points))
    return path


@pytest.mark.parametrize(("checkpoints", "stops"), [(12, range(1, 13)), (4, (3, 6, 9, 12)), (5, (2, 5, 7, 10, 12))])
def test_scores_are_sums_over_the_checkpoints_of_a_run_by_hand(checkpoints, stops):
    task, data = logistic_problem()
    fitted = fit(task, data, SHORT)
    formulas, points = model(task, data), points_of(data)
    path = followed(points, formulas, rate=0.02, steps=12, start=fitted.start.numpy())
    wanted, before = 0, 0
    for stop in stops:
        train = point_gradients(formulas, path[stop], points.x, points.y)
        test = point_gradients(formulas, path[stop], points.x_test, points.y_test)
        wanted = wanted + points.w[:, None] * 0.02 * (stop - before) * train @ test.T
        before = stop
    estimate = TracIn(checkpoints=checkpoints).estimate(fitted)
    assert estimate.values.numpy() == pytest.approx(wanted, rel=1e-9)
    # Equal bits: one product a number.
    assert torch.equal(estimate.values, -fitted.weights[:, None] * estimate.slopes)
    assert (estimate.unit, estimate.damping, estimate.convention) == ("nats", 0.0, None)
    assert not estimate.residual.any()


def test_a_short_run_without_a_point_ends_where_the_scores_say():
    task, data = binary_problem()
    formulas, points = model(task, data), points_of(data)
    start = numpy.zeros(len(formulas.penalty))

    def ends(weights):
        path = followed(points._replace(w=weights), formulas, rate=0.002, steps=12, start=start)
        return formulas.losses(path[-1], points.x_test, points.y_test)

    slopes = numpy.stack([along(ends, points.w, axis, step=1e-3) for axis in numpy.eye(data.n)])
    actual = -points.w[:, None] * slopes
    # So little way that what one step does to later ones hardly counts.
    estimate = TracIn(checkpoints=12).estimate(fit(task, data, replace(SHORT, learning_rate=0.002)))
    said = estimate.values.numpy()
    check_estimate(said, actual, bounds=NEAR)
    for wrong in (-said, said * data.n, said / 0.002, said / 12, numpy.abs(said), numpy.roll(said, 1, 0)):
        assert faults(wrong, actual, bounds=NEAR)
    pair = estimate.predict(groups(data.n, members=[[3, 8]]))
    assert pair[0].numpy() == pytest.approx(said[3] + said[8])


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("build", [logistic_problem, mlp_problem])
def test_the_last_checkpoint_is_the_fit_itself(run, build):
    task, data = build()
    fitted = fit(task, data, RUNS[run], seed=5)
    pulls = derivatives.measure_gradients(task, data, fitted.theta)
    slopes = derivatives.point_slopes(task, data, fitted.theta, pulls)
    wanted = fitted.weights[:, None] * 12 * RUNS[run].learning_rate * slopes
    assert torch.allclose(TracIn(checkpoints=1).estimate(fitted).values, wanted, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("run", RUNS)
def test_checkpoints_are_shorter_runs_of_the_same_training(run):
    task, data = mlp_problem()
    fitted = fit(task, data, RUNS[run], seed=5)
    wanted = 0
    for stop in (4, 8, 12):
        earlier = fit(task, data, replace(RUNS[run], steps=stop), seed=5)
        wanted = wanted + TracIn(checkpoints=1).estimate(earlier).values * 4 / stop
    assert torch.allclose(TracIn(checkpoints=3).estimate(fitted).values, wanted, rtol=1e-9, atol=1e-15)


def test_a_rate_that_drops_weighs_less():
    task, data = logistic_problem()
    dropped = replace(SHORT, drops=(9,))
    estimate = TracIn(checkpoints=2).estimate(fit(task, data, dropped))
    wanted = 0
    for stop, way in ((6, 6 * 0.02), (12, 3 * 0.02 + 3 * 0.002)):
        theta = fit(task, data, replace(dropped, steps=stop)).theta
        pulls = derivatives.measure_gradients(task, data, theta)
        wanted = wanted + way / data.n * derivatives.point_slopes(task, data, theta, pulls)
    assert torch.allclose(estimate.values, wanted, rtol=1e-10)


def test_unequal_weights_count():
    task, data = logistic_problem()
    weights = torch.linspace(0, 2, data.n, dtype=torch.float64) / data.n
    values = TracIn().estimate(fit(task, data, SHORT, weights=weights)).values
    assert not values[0].any()
    assert values[-1].abs().min() > 0


def test_a_run_that_is_no_minimum_is_followed_too_and_the_docstring_says_so():
    task, data = logistic_problem()
    rough = fit(task, data, SHORT)
    assert not rough.converged
    assert "`allow_unconverged` has no effect" in (TracIn.__doc__ or "").replace("\n    ", " ")
    values = [TracIn(allow_unconverged=allowed).estimate(rough).values for allowed in (False, True)]
    # Equal bits: the same code on the same arrays.
    assert torch.equal(*values)


@pytest.mark.parametrize("trainer", ["newton", "lbfgs"])
def test_trainers_that_take_no_stated_steps_are_refused_and_the_others_named(trainer):
    task, data = logistic_problem()
    fitted = minimum(logistic_problem) if trainer == "newton" else fit(task, data, LBFGS())
    with pytest.raises(InvalidParameter, match=rf"training by '{trainer}'.*adam, gradient_descent, sgd\."):
        TracIn().estimate(fitted)


def test_more_checkpoints_than_steps_are_refused():
    task, data = logistic_problem()
    with pytest.raises(InvalidParameter, match="checkpoints is 13 and training took 12 steps"):
        TracIn(checkpoints=13).estimate(fit(task, data, SHORT))
    with pytest.raises(InvalidParameter, match="checkpoints is 0, expected at least 1"):
        TracIn(checkpoints=0)


def test_scores_in_nats_of_a_network_are_of_the_right_sign():
    task, data = mlp_problem()
    fitted = fit(task, data, SHORT)
    scores = TracIn(checkpoints=12).estimate(
        replace(fitted, data=replace(data, x_test=data.x_train[:4], y_test=data.y_train[:4]))
    )
    assert (scores.values[:4].diagonal() > 0).all()
