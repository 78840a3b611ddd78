"""Training that ends when its time does, and says how far it came."""

import itertools

import pytest
import torch
from problems import binary_problem, logistic_problem

from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidParameter, NotConverged, NotSolved, WrongType
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.training import deadline
from influencelab.training.fit import fit
from influencelab.training.trainers.active_set import ActiveSet
from influencelab.training.trainers.adam import Adam
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sequential import Sequential
from influencelab.training.trainers.sgd import SGD

SMOOTH = [Newton(), LBFGS(), GradientDescent(steps=50), SGD(steps=50), Adam(steps=50), Sequential()]


@pytest.fixture
def clock(monkeypatch):
    """A clock on which a second passes whenever it is read."""
    seconds = itertools.count(0.0)
    monkeypatch.setattr(deadline.time, "perf_counter", lambda: next(seconds))


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("trainer", SMOOTH, ids=lambda trainer: type(trainer).__name__)
@pytest.mark.parametrize("seconds", [0.0, 4.0])
def test_what_was_reached_in_time_is_a_fit_that_says_how_far_it_is(trainer, seconds):
    task, data = logistic_problem()
    with pytest.warns(NotSolved, match=r"after [04] seconds and \d steps at ‖∇J‖ = .* would change .* more seconds"):
        found = fit(task, data, trainer, seconds=seconds)
    assert found.steps <= seconds
    assert not found.converged
    assert found.grad_norm > 1e-8
    assert torch.equal(found.theta, found.start) == (seconds == 0)
    with pytest.raises(NotConverged):
        Exact().estimate(found)


@pytest.mark.usefixtures("clock")
def test_the_true_hinge_ends_in_time_too():
    data = binary_problem()[1]
    with pytest.warns(NotSolved, match=r"after 2 seconds and 2 steps at ‖∇J‖ = .*: this fit is no minimum"):
        found = fit(SmoothHinge(0.01, t=0, intercept=False), data, ActiveSet(), seconds=2)
    assert found.steps == 2
    assert not found.converged


@pytest.mark.parametrize("trainer", SMOOTH, ids=lambda trainer: type(trainer).__name__)
def test_time_to_spare_changes_nothing(trainer):
    task, data = logistic_problem()
    assert torch.equal(fit(task, data, trainer, seconds=3600).theta, fit(task, data, trainer).theta)


@pytest.mark.usefixtures("clock")
def test_first_order_training_goes_on_from_where_time_ended_it():
    task, data = logistic_problem()
    whole = fit(task, data, SGD(steps=9))
    with pytest.warns(NotSolved):
        part = fit(task, data, SGD(steps=9), seconds=4)
    rest = SGD(steps=9 - part.steps).train(task, data, part.theta[None], part.weights[None], memory=part.memory)
    assert 0 < part.steps == part.memory.steps < 9
    assert torch.equal(rest.theta[0], whole.theta)


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_what_is_no_time_is_refused_before_training(seconds):
    task, data = logistic_problem()
    with pytest.raises(InvalidParameter, match=r"seconds is .*expected a number ≥ 0"):
        fit(task, data, Newton(), seconds=seconds)
    with pytest.raises(InvalidParameter, match=r"seconds is .*expected a number ≥ 0"):
        SecondOrder().retrain(fit(task, data, Newton()), leave_one_out(data.n), seconds=seconds)


@pytest.mark.parametrize("seconds", ["10", True, [1.0]])
def test_a_time_of_the_wrong_type_is_refused(seconds):
    with pytest.raises(WrongType, match=r"seconds is .*expected a number ≥ 0"):
        deadline.check_seconds(seconds)
