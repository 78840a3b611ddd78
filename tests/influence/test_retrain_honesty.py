"""A retrained model counts as truth only if it is: control, convergence, basin, and losses without a minimum."""

import warnings
from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch
from crossing import crossed
from oracles import model, points_of, removal_changes
from problems import class_data, logistic_problem, minimum, mlp_problem, ridge_problem
from tight_retraining import EXACT, Lazy, worst

from influencelab.data.dataset import Dataset
from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidParameter, LostDigits, NoMinimum
from influencelab.experiments.comparison import compare
from influencelab.influence import chord_newton
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.task import Task
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.training.fit import fit
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.newton import Newton


def beyond(found, best, accuracy: float) -> float:
    """How many times more than `accuracy` allows is missing, at worst, from a model that counts as converged."""
    allowed = accuracy * torch.maximum(best.abs(), best.square().mean(0).sqrt())
    return float(((found.values - best).abs() / allowed)[found.converged].max())


@cache
def retrained():
    """A minimum and the models without each of its points, to the last digits."""
    fitted = minimum(logistic_problem, n=40, weight_decay=1e-3)
    return fitted, EXACT.retrain(fitted, leave_one_out(40)).values


@pytest.mark.parametrize(("damping", "goal"), crossed([0.0, 1e-1, 100.0], [(1e-8, 1e-5), (1e-2, 1e-2), (1.0, 1e-1)]))
def test_the_preconditioner_has_no_part_in_the_truth_or_in_what_counts_as_truth(damping, goal):
    fitted, best = retrained()
    tolerance, accuracy = goal
    trainer = Newton(tolerance=min(tolerance, 1e-2))
    recipe = SecondOrder(trainer, tolerance=tolerance, relative=accuracy, floor=accuracy, damping=damping)
    found = recipe.retrain(fitted, leave_one_out(40))
    assert found.converged.all()
    assert beyond(found, best, accuracy) <= 2


def test_a_point_of_high_leverage_must_converge_by_the_curvature_that_is_left_without_it():
    task, data = logistic_problem(n=40, weight_decay=1e-3)
    data.x_train[:, 0] = 0
    data.x_train[[4, 9, 11], 0] = torch.tensor([10.0, 3.0, -3.0], dtype=torch.float64)
    fitted = fit(task, data, Newton(tolerance=1e-12))
    removals = leave_one_out(40, rows=torch.tensor([4, 9, 11]))
    best = EXACT.retrain(fitted, removals)
    assert best.converged.all()
    recipe = SecondOrder(Newton(tolerance=1e-2), tolerance=1.0, relative=0.1, floor=0.1)
    assert beyond(recipe.retrain(fitted, removals), best.values, 0.1) <= 2


# The control, and models that are no truth.
def test_nothing_removed_is_nothing_changed():
    fitted = minimum(logistic_problem, n=30)
    for members in ([[]], [[], [3], []]):
        found = EXACT.retrain(fitted, groups(30, members=members))
        assert found.converged.all()
        empty = torch.tensor([not group for group in members])
        assert float(found.values[empty].abs().max()) < 1e-12
    assert float(found.control.abs().max()) < 1e-9
    assert (found.steps >= 1).all()


def test_the_control_takes_away_what_the_fit_had_not_finished():
    task, data = logistic_problem(n=30)
    rough = fit(task, data, Newton(tolerance=1e-10, max_steps=2))
    assert not rough.converged
    found = EXACT.retrain(rough, leave_one_out(30))
    wanted = EXACT.retrain(minimum(logistic_problem, n=30), leave_one_out(30)).values
    assert found.converged.all()
    assert float(found.control.abs().max()) > 1e-3
    assert worst(found.values, wanted) < 1e-7


def test_without_a_control_that_converged_nothing_is_truth():
    task, data = mlp_problem(n=30)
    rough = fit(task, data, Newton(tolerance=1e-10, max_steps=1))
    # The control is the first model of the batch, and the one the trainer leaves where it was.
    recipe = SecondOrder(trainer=Lazy(moves=(1, 2, 3)), max_steps=1, passes=0)
    found = recipe.retrain(rough, leave_one_out(30, rows=torch.tensor([0, 1, 2])))
    assert not found.converged.any()
    assert not found.trusted.any()


@pytest.mark.slow
def test_stragglers_go_to_the_safeguarded_trainer_and_meet_the_same_goal():
    fitted = minimum(logistic_problem, n=30, weight_decay=1e-3)
    wanted = removal_changes(model(fitted.task, fitted.data), points_of(fitted.data), [[i] for i in range(30)])
    for steps in (1, 2):
        found = replace(EXACT, max_steps=steps).retrain(fitted, leave_one_out(30))
        assert found.trusted.all()
        assert (found.steps <= steps).all()
        assert worst(found.values, wanted) <= 1e-8


@pytest.mark.parametrize("few", [0, chord_newton.FEW])
def test_whoever_takes_the_last_steps_the_truth_is_the_same(few, monkeypatch):
    monkeypatch.setattr(chord_newton, "FEW", few)
    fitted = minimum(logistic_problem, n=30, weight_decay=1e-3)
    found = SecondOrder().retrain(fitted, leave_one_out(30))
    wanted = removal_changes(model(fitted.task, fitted.data), points_of(fitted.data), [[i] for i in range(30)])
    assert found.trusted.all()
    assert bool((found.steps > chord_newton.USUAL).any()) == (few == 0)
    assert worst(found.values, wanted) <= 1e-5


@pytest.mark.slow
def test_models_that_did_not_converge_say_so():
    fitted = minimum(mlp_problem, n=30)
    limited = SecondOrder(max_steps=1, passes=0, trainer=Newton(max_steps=1)).retrain(fitted, leave_one_out(30))
    truth = EXACT.retrain(fitted, leave_one_out(30)).values
    assert not limited.converged.all()
    assert (limited.grad_norm[~limited.converged] > 0).all()
    error = (limited.values - truth).abs()
    allowed = torch.maximum(1e-5 * truth.abs(), 1e-6 * truth.square().mean(0).sqrt())
    assert (error <= 3 * allowed)[limited.converged].all()
    assert (error > allowed).any(1)[~limited.converged].any()


def with_a_lonely_point(seed: int):
    """Thirty points, the eighth of which is the only one of its class."""
    data = class_data(seed, n=30, m=5)
    y = data.y_train.clone()
    y[y == 2] = 0
    y[7] = 2
    return replace(data, y_train=y)


@pytest.mark.parametrize(
    ("task", "convention"),
    crossed(
        [
            Logistic(0.05, penalise_intercept=True),
            Logistic(0.05, intercept=False),
            Logistic(0.05),
            MLP(0.05, width=2),
            MLP(0.05, width=2, penalise_bias=False),
        ],
        CONVENTIONS,
    ),
    ids=str,
)
def test_a_class_that_loses_its_last_point_has_a_truth_only_where_the_loss_has_a_minimum(task: Task, convention):
    data = with_a_lonely_point(0)
    fitted = fit(task, data, Newton(tolerance=1e-10))
    found = SecondOrder().retrain(fitted, leave_one_out(30, convention=convention))
    bounded = getattr(task, "penalise_intercept", True) or not getattr(task, "intercept", True)
    bounded = bounded and getattr(task, "penalise_bias", True)
    assert bool(found.converged[7]) == bounded
    assert found.converged.sum() >= 28
    if bounded and isinstance(task, Logistic):
        wanted = removal_changes(model(task, data), points_of(data), [[7]], convention=convention)
        assert found.values[7].numpy() == pytest.approx(wanted[0], rel=1e-4)


@pytest.mark.parametrize(("tolerance", "network"), crossed([1e-8, 1e-4], [(2, 1), (4, 0), (4, 2)]))
def test_one_step_far_beyond_the_tolerance_is_no_proof_of_a_minimum(tolerance: float, network: tuple[int, int]):
    """L-BFGS leaves these so far out that one step of Newton's meets every tolerance it is asked for."""
    width, seed = network
    data = with_a_lonely_point(seed)
    fitted = fit(MLP(0.01, width=width, penalise_bias=False), data, Newton(tolerance=1e-10))
    assert fitted.converged
    found = SecondOrder(tolerance=tolerance).retrain(fitted, leave_one_out(30, rows=torch.tensor([7, 3])))
    assert found.converged.tolist() == [False, True]


@pytest.mark.parametrize("weight_decay", [0.0, 1e-14])
def test_a_point_that_the_fit_cannot_spare_costs_only_its_own_truth(weight_decay):
    task, data = ridge_problem(n=20, weight_decay=weight_decay)
    data.x_train[:, 0] = 0
    data.x_train[4, 0] = 1
    fitted = fit(task, data, Newton(tolerance=1e-10))
    found = SecondOrder().retrain(fitted, leave_one_out(20))
    assert found.converged.tolist() == [row != 4 for row in range(20)]
    assert found.values.isfinite().all()


def test_convex_models_are_always_in_the_basin_and_networks_only_if_near():
    assert EXACT.retrain(minimum(ridge_problem), leave_one_out(60)).same_basin.all()
    fitted = minimum(mlp_problem)
    found = SecondOrder().retrain(fitted, leave_one_out(40))
    assert found.same_basin.float().mean() > 0.8
    assert found.converged.float().mean() > 0.9
    assert (found.grad_norm[found.converged] <= 1e-8).all()
    near = SecondOrder(basin_factor=1e-3).retrain(fitted, leave_one_out(40))
    assert not near.same_basin.any()
    assert torch.equal(near.trusted, near.converged & near.same_basin)


def test_a_model_that_crossed_a_barrier_is_in_another_basin():
    """Swapping two hidden units gives another minimum of the same J, with a barrier between the two."""
    task, data = mlp_problem(n=30, width=2)
    fitted = fit(task, data, Newton(tolerance=1e-10))
    first, last = fitted.theta[:8].view(2, 4), fitted.theta[8:].view(3, 3)
    swapped = torch.cat([first.flip(0).flatten(), last[:, [1, 0, 2]].flatten()])
    assert float((swapped - fitted.theta).norm()) > 0.1

    @dataclass(frozen=True)
    class Elsewhere(Trainer):
        """Starts from the other minimum."""

        def train(self, task, data, theta, weights):
            """Newton from there."""
            return Newton(tolerance=self.tolerance).train(task, data, swapped.expand(len(theta), -1), weights)

    removals = leave_one_out(30, rows=torch.tensor([2, 9]))
    there = SecondOrder(max_steps=1, passes=0, trainer=Elsewhere(), floor=1e-12, relative=0, basin_factor=1e9).retrain(
        fitted, removals
    )
    assert not there.same_basin.any()
    here = SecondOrder().retrain(fitted, removals)
    assert here.trusted.all()


# Settings.
def test_removals_for_another_number_of_points_are_refused():
    with pytest.raises(InvalidParameter, match="made for 40 training points and the fit has 60"):
        SecondOrder().retrain(minimum(ridge_problem), leave_one_out(40))


@pytest.mark.parametrize("wrong", ["tolerance", "floor", "max_steps", "basin_factor"])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InvalidParameter, match="must be > 0"):
        SecondOrder(**{wrong: 0})
    with pytest.raises(InvalidParameter, match="relative ≥ 0"):
        SecondOrder(relative=-1e-3)


def test_a_negative_damping_is_refused():
    with pytest.raises(InvalidParameter, match="damping is -1"):
        SecondOrder(damping=-1.0).retrain(minimum(ridge_problem), leave_one_out(60))


def test_where_time_runs_out_what_was_done_counts_and_the_rest_is_named():
    fitted = minimum(ridge_problem, n=40)
    whole = SecondOrder().retrain(fitted, leave_one_out(40))
    part = SecondOrder().retrain(fitted, leave_one_out(40), seconds=0.0)
    done = part.trusted
    assert 0 < int(done.sum()) < 40
    assert torch.allclose(part.values[done], whole.values[done], rtol=1e-9)
    assert part.values[~done].isnan().all()
    assert f"unfinished: {40 - int(done.sum())}, for want of time" in repr(part)
    assert "unfinished" not in repr(whole)
    assert compare(Exact().estimate(fitted), part).mask.sum() == int(done.sum()) * fitted.data.m
    assert SecondOrder().retrain(fitted, leave_one_out(40), seconds=600.0).trusted.all()


def test_where_nothing_is_truth_no_digits_are_said_to_be_lost():
    data = Dataset([[-1.0], [1.0]], [0, 1], [[0.1]], [1])
    with pytest.warns(NoMinimum):
        fitted = fit(BinaryLogistic(0.0, intercept=False), data, Newton())
    with warnings.catch_warnings():
        warnings.simplefilter("error", LostDigits)
        assert not SecondOrder().retrain(fitted, leave_one_out(2)).trusted.any()
