"""The derivative of training in a training weight: central differences of whole runs, and retraining itself."""

from dataclasses import replace

import pytest
import torch
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem

from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidParameter
from influencelab.influence.estimators import unrolled as module
from influencelab.influence.estimators.unrolled import Unrolled
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.models import loss_derivatives
from influencelab.models.closed_forms.mlp_derivatives import MLPDerivatives
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.adam import Adam
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.sgd import SGD

TRAINERS = [
    GradientDescent(steps=50, drops=(30,)),
    GradientDescent(steps=50, momentum=0.0),
    SGD(steps=50, batch_size=9, seed=3, drops=(20, 40)),
    SGD(steps=37, batch_size=9, paired=False),
    # Where a gradient starts at 0, Adam's ε decides how soon differences are no derivatives.
    Adam(steps=50, learning_rate=0.05, drops=(20,), epsilon=1e-3),
    Adam(steps=50, learning_rate=0.02, batch_size=9, betas=(0.8, 0.99), epsilon=1e-3),
]
PROBLEMS = {
    "tanh": (mlp_problem, {}),
    "deep softplus": (mlp_problem, {"depth": 3, "activation": "softplus"}),
    "logistic": (logistic_problem, {"n": 40}),
    # An odd number of points: with as many of each class, the intercept's gradient would start at 0.
    "binary": (binary_problem, {"n": 41}),
    "ridge": (ridge_problem, {"n": 40}),
}


def slope(fitted: Fit, point: int, *, step: float = 2e-4) -> torch.Tensor:
    """∂L_j/∂wᵢ of the whole run by central differences of fourth order."""
    width = step * float(fitted.weights[point])
    ends = []
    for times in (2, 1, -1, -2):
        weights = fitted.weights.clone()
        weights[point] += times * width
        ends.append(fit(fitted.task, fitted.data, fitted.trainer, weights=weights).measures())
    return (8 * (ends[1] - ends[2]) - (ends[0] - ends[3])) / (12 * width)


def gap(found, wanted) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


# Every rule on one model, and every model under one rule with state: they meet only in the chain rule.
@pytest.mark.parametrize(
    ("trainer", "problem"),
    [(trainer, "tanh") for trainer in TRAINERS] + [(TRAINERS[5], problem) for problem in PROBLEMS if problem != "tanh"],
    ids=str,
)
def test_slopes_are_central_differences_of_whole_runs(trainer, problem):
    build, settings = PROBLEMS[problem]
    task, data = build(**settings)
    # Ridge regression with a large rate diverges.
    trainer = replace(trainer, learning_rate=min(trainer.learning_rate, 0.05))
    fitted = fit(task, data, trainer)
    estimate = Unrolled().estimate(fitted)
    for point in (0, 7, 39):
        assert gap(estimate.slopes[point], slope(fitted, point)) < 1e-6
        assert gap(estimate.slopes[point], estimate.slopes[point - 1]) > 1e-2
    assert estimate.values.allclose(-fitted.weights[:, None] * estimate.slopes, rtol=1e-14)
    assert float(estimate.residual.max()) == 0


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 8, 9, 10])
@pytest.mark.parametrize("trainer", [GradientDescent(), Adam(learning_rate=0.05, epsilon=1e-3)], ids=str)
def test_any_number_of_steps_is_gone_back(trainer, steps):
    task, data = mlp_problem()
    fitted = fit(task, data, replace(trainer, steps=steps))
    estimate = Unrolled().estimate(fitted)
    if steps == 0:
        assert not estimate.slopes.any()
    else:
        assert gap(estimate.slopes[5], slope(fitted, 5)) < 1e-6


@pytest.mark.parametrize("trainer", TRAINERS[:1] + TRAINERS[-1:], ids=str)
def test_unequal_weights_and_a_parameter_that_never_moves_are_followed(trainer):
    task, data = mlp_problem(weight_decay=0.0)
    x = data.x_train.clone()
    x[:, 1] = 0
    weights = torch.linspace(0, 0.05, 40, dtype=torch.float64)
    fitted = fit(task, replace(data, x_train=x), trainer, weights=weights)
    estimate = Unrolled().estimate(fitted)
    for point in (11, 39):
        assert gap(estimate.slopes[point], slope(fitted, point)) < 1e-6
    assert not estimate.values[0].any()
    assert estimate.slopes[0].any()


# What it predicts.
@pytest.mark.parametrize(
    ("trainer", "convention"),
    [(TRAINERS[0], CONVENTIONS[0]), (TRAINERS[2], CONVENTIONS[1]), (TRAINERS[4], CONVENTIONS[0])],
    ids=str,
)
def test_it_predicts_the_same_training_from_the_same_start(trainer, convention):
    task, data = mlp_problem(n=80)
    fitted = fit(task, data, replace(trainer, steps=150, learning_rate=0.02))
    estimate = Unrolled().estimate(fitted)
    removals = leave_one_out(80, convention=convention)
    truth = Rerun(start="cold").retrain(fitted, removals).values
    said = estimate.predict(removals)
    assert correlation(said, truth) > 0.99
    assert 0.9 < float((said * truth).sum() / (said * said).sum()) < 1.1
    pairs = groups(80, members=[[i, i + 1] for i in range(0, 80, 2)], convention=convention)
    assert correlation(estimate.predict(pairs), Rerun(start="cold").retrain(fitted, pairs).values) > 0.99


def test_another_order_of_the_batches_is_predicted_less_well():
    task, data = mlp_problem(n=80)
    trainer = SGD(steps=200, batch_size=8, learning_rate=0.02)
    fitted = fit(task, data, trainer)
    said = Unrolled().estimate(fitted).values
    same, other = (
        Rerun(trainer=replace(trainer, seed=seed), start="cold").retrain(fitted, leave_one_out(80)).values
        for seed in (0, 1)
    )
    assert correlation(said, same) > 0.99
    assert correlation(said, other) < correlation(said, same) - 0.02


def test_the_derivative_of_another_rule_is_not_it():
    task, data = mlp_problem()
    fitted = fit(task, data, Adam(steps=50, learning_rate=0.05))
    plain = fit(task, data, GradientDescent(steps=50))
    wanted = slope(fitted, 5)
    assert gap(Unrolled().estimate(plain).slopes[5], wanted) > 0.05


def correlation(one, two) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1])


# How it is computed.
def test_memory_grows_with_the_root_of_the_steps(monkeypatch):
    task, data = mlp_problem()
    fitted = fit(task, data, GradientDescent(steps=100))
    held = []
    original = module.replay

    def counted(*arguments, **settings):
        moments = list(original(*arguments, **settings))
        held.append(len(moments))
        return iter(moments)

    monkeypatch.setattr(module, "replay", counted)
    Unrolled().estimate(fitted)
    assert max(held) <= 10
    assert sum(held) == 200


def test_the_closed_form_of_networks_is_what_automatic_differentiation_gives(monkeypatch):
    task, data = mlp_problem(depth=2)
    fitted = fit(task, data, SGD(steps=30, batch_size=9))
    closed = Unrolled().estimate(fitted).slopes
    used, definition = [], LossDerivatives.products_and_slopes
    monkeypatch.setattr(
        MLPDerivatives, "products_and_slopes", lambda *settings: used.append(1) or definition(*settings)
    )
    assert gap(Unrolled().estimate(fitted).slopes, closed) < 1e-11
    assert len(used) == 30


def test_points_in_any_chunks_give_the_same(monkeypatch):
    for build in (mlp_problem, logistic_problem):
        task, data = build()
        fitted = fit(task, data, GradientDescent(steps=20))
        whole = Unrolled().estimate(fitted).slopes
        with monkeypatch.context() as patch:
            patch.setattr(loss_derivatives, "CHUNK", 70)
            assert gap(Unrolled().estimate(fitted).slopes, whole) < 1e-11


def test_a_fit_that_another_run_ended_in_shows_in_the_residual():
    task, data = mlp_problem()
    fitted = fit(task, data, GradientDescent(steps=20))
    moved = replace(fitted, theta=1.5 * fitted.theta)
    assert Unrolled().estimate(moved).residual.allclose(torch.full((data.m,), 1 / 3, dtype=torch.float64))


# What it refuses.
@pytest.mark.parametrize("activation", ["relu", "selu"])
def test_kinks_are_refused(activation):
    task, data = mlp_problem(activation=activation)
    with pytest.raises(InvalidParameter, match=f"activation '{activation}'.*such as tanh or softplus"):
        Unrolled().estimate(fit(task, data, GradientDescent(steps=5)))


def test_trainers_without_a_stated_number_of_steps_are_refused():
    fitted = minimum(logistic_problem, n=40)
    with pytest.raises(InvalidParameter, match=r"the fit is by Newton.*Fit with gradient_descent, sgd or adam"):
        Unrolled().estimate(fitted)
