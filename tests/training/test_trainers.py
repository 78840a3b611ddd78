"""Every trainer honours one contract; each also equals an independent implementation of what it claims to be."""

from dataclasses import replace

import pytest
import torch
from problems import class_data, value_data
from trainer_oracles import KINDS, NETWORK, SHORT, TO_A_MINIMUM, dropped, quick, starts, true_gradient

from influencelab import make
from influencelab.errors import InvalidParameter, NotFinite
from influencelab.models import derivatives, loss_derivatives
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.ridge import Ridge
from influencelab.training.trainer import Trainer


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
@pytest.mark.parametrize("kind", KINDS)
def test_models_trained_together_are_the_models_trained_alone(kind, task):
    data = class_data(0)
    theta, weights = starts(task, data, 3), dropped(data, -1, 4, 17)
    together = quick(kind).train(task, data, theta, weights)
    alone = [quick(kind).train(task, data, theta[[row]], weights[[row]]) for row in range(3)]
    assert torch.cat([one.theta for one in alone]).allclose(together.theta, rtol=0, atol=1e-6)
    assert torch.cat([one.converged for one in alone]).equal(together.converged)
    # Sums over other numbers of models round otherwise, and a step more or less may then be needed.
    assert abs(max(one.steps for one in alone) - together.steps) <= 1
    assert (together.theta[0] - together.theta[1]).norm() > 1e-4


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_norm_and_the_verdict_are_true(kind, task):
    data = class_data(1)
    theta, weights = starts(task, data, 2), dropped(data, -1, 3)
    for settings in ({}, {"tolerance": 1e9}, SHORT[kind]):
        trainer = quick(kind, **settings)
        trained = trainer.train(task, data, theta, weights)
        norms = torch.stack(
            [true_gradient(task, data, *model).norm() for model in zip(trained.theta, weights, strict=True)]
        )
        assert trained.grad_norm.allclose(norms, rtol=1e-6, atol=1e-14)
        if task.convex:
            assert trained.converged.equal(norms <= trainer.tolerance)
        else:
            assert not (trained.converged & (norms > trainer.tolerance)).any()
        if trainer.tolerance < 1:
            assert trained.converged.tolist() == [kind in TO_A_MINIMUM and not settings] * 2


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_point_of_weight_zero_has_no_effect(kind, task):
    data = class_data(2)
    x, y = data.x_train.clone(), data.y_train.clone()
    x[7], y[7] = 3 - x[7], (y[7] + 1) % 3
    other = replace(data, x_train=x, y_train=y)
    theta, weights = starts(task, data, 1), dropped(data, 7)
    first, second = (quick(kind).train(task, one, theta, weights).theta for one in (data, other))
    assert first.allclose(second, rtol=0, atol=1e-9)
    first, second = (quick(kind).train(task, one, theta, dropped(data, 8)).theta for one in (data, other))
    assert (first - second).norm() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_given_stays_as_it_was(kind):
    data = class_data(3)
    task = Logistic(weight_decay=1e-2)
    theta, weights = starts(task, data, 2), dropped(data, -1, 0)
    copies = theta.clone(), weights.clone()
    quick(kind).train(task, data, theta, weights)
    assert theta.equal(copies[0])
    assert weights.equal(copies[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_that_is_not_finite_is_refused(kind):
    data = class_data(3)
    task = Logistic(weight_decay=1e-2)
    theta = starts(task, data, 2)
    theta[1, 0] = float("nan")
    with pytest.raises(NotFinite, match=r"1 of 2 models is NaN or infinite at (the start|step 0)"):
        quick(kind).train(task, data, theta, dropped(data, -1, 0))


@pytest.mark.parametrize("kind", ["gradient_descent", "sgd", "adam"])
def test_divergence_names_its_step(kind):
    data = value_data(0)
    task = Ridge(weight_decay=0.1)
    rate = 1e200 if kind == "adam" else 100.0
    with pytest.raises(NotFinite, match=r"at step \d+"):
        quick(kind, learning_rate=rate, steps=2000).train(task, data, starts(task, data, 1), dropped(data, -1))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("lbfgs", {"memory": 0}),
        ("lbfgs", {"max_steps": -1}),
        ("lbfgs", {"tolerance": float("nan")}),
        ("newton", {"max_steps": -1}),
        ("newton", {"tolerance": 0.0}),
        ("gradient_descent", {"learning_rate": 0.0}),
        ("gradient_descent", {"momentum": 1.0}),
        ("gradient_descent", {"steps": -1}),
        ("adam", {"learning_rate": float("inf")}),
        ("adam", {"betas": (0.9, 1.0)}),
        ("adam", {"epsilon": 0.0}),
        ("adam", {"steps": -1}),
        ("sgd", {"batch_size": 0}),
        ("sgd", {"momentum": -0.1}),
        ("sgd", {"seed": -1}),
        ("sgd", {"tolerance": -1.0}),
        ("sgd", {"drops": (5, -1)}),
        ("adam", {"batch_size": -1}),
        ("adam", {"seed": -1}),
    ],
)
def test_settings_out_of_range_are_refused_by_name(kind, settings):
    with pytest.raises(InvalidParameter, match=next(iter(settings))):
        make(Trainer, kind, **settings)


# Published protocols, against torch.optim.


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
def test_one_pass_in_any_chunks_gives_what_two_give(task, monkeypatch):
    data = class_data(10)
    theta, weights = starts(task, data, 3), dropped(data, -1, 0, 59)
    whole = derivatives.hessians(task, data, theta, weights)
    gradients = torch.stack([true_gradient(task, data, *model) for model in zip(theta, weights, strict=True)])
    monkeypatch.setattr(loss_derivatives, "CHUNK", 70)
    values, slopes = derivatives.objectives_and_gradients(task, data, theta, weights)
    assert values.allclose(derivatives.objectives(task, data, theta, weights), rtol=1e-13)
    assert slopes.allclose(gradients, rtol=0, atol=1e-14)
    assert derivatives.hessians(task, data, theta, weights).allclose(whole, rtol=0, atol=1e-13)


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
def test_batch_gradients_add_up(task):
    data = class_data(10)
    theta, weights = starts(task, data, 2), dropped(data, -1, 0)
    order = torch.randperm(data.n, generator=torch.Generator().manual_seed(0))
    parts = [task.derivatives(data).gradients(theta, weights, rows) for rows in order.split(25)]
    whole = torch.stack([true_gradient(task, data, *model) for model in zip(theta, weights, strict=True)])
    assert sum(parts).add(derivatives.penalty_gradient(task, data, theta)).allclose(whole, rtol=0, atol=1e-14)
