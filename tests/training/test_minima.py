"""Trainers that go to a minimum arrive where others do, and never call a saddle one."""

from dataclasses import dataclass, replace

import numpy
import pytest
import torch
from problems import class_data, value_data
from scipy import optimize
from sklearn.linear_model import LogisticRegression
from trainer_oracles import (
    digits,
    dropped,
    quick,
    starts,
    true_gradient,
    true_hessian,
)

from influencelab.models import derivatives
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.task import Task
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.models.tasks.ridge import Ridge
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton

KINDS = ["lbfgs", "newton"]


@pytest.mark.parametrize("trainer", [LBFGS(tolerance=1e-9), Newton(tolerance=1e-12)], ids=KINDS)
@pytest.mark.parametrize("weight_decay", [1e-2, 1e-4])
def test_logistic_minima_are_those_of_scikit_learn(trainer, weight_decay):
    data = digits(120)
    weights = dropped(data, -1, 5)
    weights[1] *= torch.linspace(0.5, 1.5, data.n)
    task = Logistic(weight_decay=weight_decay)
    trained = trainer.train(task, data, task.start(data, 0).repeat(2, 1), weights)
    assert trained.converged.all()
    for theta, weight in zip(trained.theta, weights, strict=True):
        peer = LogisticRegression(C=1 / weight_decay, solver="newton-cholesky", tol=1e-13, max_iter=500)
        peer.fit(data.x_train.numpy(), data.y_train.numpy(), sample_weight=weight.numpy())
        ours = theta.view(10, -1).numpy()
        assert numpy.abs(ours[:, :-1] - peer.coef_).max() < 1e-8 / weight_decay
        centred = ours[:, -1] - ours[:, -1].mean() - peer.intercept_ + peer.intercept_.mean()
        assert numpy.abs(centred).max() < 1e-8 / weight_decay


@pytest.mark.parametrize("trainer", [LBFGS(tolerance=1e-10), Newton(tolerance=1e-12)], ids=KINDS)
def test_binary_minima_are_those_of_scipy(trainer):
    data = class_data(5, classes=2)
    weights = dropped(data, 11) * torch.linspace(1, 2, data.n)
    x = numpy.column_stack([data.x_train.numpy(), numpy.ones(data.n)])
    signs = 2 * data.y_train.numpy() - 1

    def objective(theta):
        return weights[0].numpy() @ numpy.logaddexp(0, -signs * (x @ theta)) + 0.05 * (theta[:-1] @ theta[:-1])

    def slope(theta):
        pull = -signs * weights[0].numpy() / (1 + numpy.exp(signs * (x @ theta)))
        return pull @ x + 0.1 * numpy.append(theta[:-1], 0)

    peer = optimize.minimize(objective, numpy.zeros(5), jac=slope, method="BFGS", options={"gtol": 1e-10})
    task = BinaryLogistic(weight_decay=0.1)
    trained = trainer.train(task, data, task.start(data, 0)[None], weights)
    assert numpy.abs(trained.theta[0].numpy() - peer.x).max() < 1e-7


@pytest.mark.parametrize("trainer", [LBFGS(tolerance=1e-11), Newton(tolerance=1e-12)], ids=KINDS)
def test_ridge_minima_solve_the_normal_equations(trainer):
    data = value_data(6)
    weights = dropped(data, 2, -1)
    task = Ridge(weight_decay=0.03)
    trained = trainer.train(task, data, starts(task, data, 2), weights)
    x = numpy.column_stack([data.x_train.numpy(), numpy.ones(data.n)])
    for theta, weight in zip(trained.theta, weights.numpy(), strict=True):
        curvature = x.T @ (weight[:, None] * x) + 0.03 * numpy.diag([1, 1, 1, 1, 0])
        truth = numpy.linalg.solve(curvature, x.T @ (weight * data.y_train.numpy()))
        assert numpy.abs(theta.numpy() - truth).max() < 1e-9
    if isinstance(trainer, Newton):
        assert trained.steps == 1


@pytest.mark.parametrize("weight_decay", [1e-3, 1e-5])
def test_lbfgs_arrives_where_the_conditioning_is_bad(weight_decay):
    data = digits(400)
    task = Logistic(weight_decay=weight_decay, intercept=False)
    trained = LBFGS().train(task, data, task.start(data, 0)[None], dropped(data, -1))
    assert trained.converged.all()
    assert true_gradient(task, data, trained.theta[0], dropped(data, -1)[0]).norm() <= 1e-8


def test_newton_goes_to_the_last_digits():
    data = digits(200)
    task = Logistic(weight_decay=1e-3)
    trained = Newton(tolerance=1e-14).train(task, data, task.start(data, 0)[None], dropped(data, -1))
    assert trained.converged.all()
    assert true_gradient(task, data, trained.theta[0], dropped(data, -1)[0]).norm() <= 2e-14


@pytest.mark.parametrize("kind", KINDS)
def test_null_directions_are_left_alone(kind):
    data = class_data(7)
    task = Logistic(weight_decay=1e-2)
    theta = task.start(data, 0).repeat(2, 1).view(2, 3, -1)
    theta[1, :, -1] += 4
    trained = quick(kind, tolerance=1e-9).train(task, data, theta.flatten(1), dropped(data, -1, -1))
    means = trained.theta.view(2, 3, -1)[:, :, -1].mean(1)
    assert trained.converged.all()
    assert means.allclose(torch.tensor([0, 4], dtype=torch.float64), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tolerance_below_rounding_ends_unconverged(kind):
    data = class_data(7)
    task = Logistic(weight_decay=1e-2)
    trained = quick(kind, tolerance=1e-25, max_steps=300).train(task, data, starts(task, data, 2), dropped(data, -1, 3))
    assert not trained.converged.any()
    assert trained.grad_norm.max() < 1e-13


@pytest.mark.parametrize("kind", KINDS)
def test_models_that_have_arrived_cost_nothing(kind, monkeypatch):
    data = class_data(8)
    task = Logistic(weight_decay=1e-2)
    weights = dropped(data, -1, -1, 5)
    minimum = Newton(tolerance=1e-13).train(task, data, task.start(data, 0)[None], weights[:1]).theta
    theta = torch.cat([minimum, task.start(data, 0).repeat(2, 1)])
    batches = []
    measure = derivatives.objectives_and_gradients

    def counted(task, data, theta, weights):
        batches.append(len(theta))
        return measure(task, data, theta, weights)

    monkeypatch.setattr(derivatives, "objectives_and_gradients", counted)
    trained = quick(kind).train(task, data, theta, weights)
    assert trained.converged.all()
    assert trained.theta[0].equal(minimum[0])
    assert batches[0] == 3
    assert max(batches[1:]) == 2
    assert quick(kind).train(task, data, minimum, weights[:1]).steps == 0


# Networks: a small gradient is not yet a minimum.


@pytest.mark.slow
def test_newton_ends_at_a_minimum_from_an_indefinite_start():
    data = class_data(9)
    task = MLP(weight_decay=1e-2, depth=2, width=3)
    theta, weights = starts(task, data, 4), dropped(data, -1, 1, 2, 3)
    before = torch.stack([true_hessian(task, data, *model) for model in zip(theta, weights, strict=True)])
    assert (torch.linalg.eigvalsh(before)[:, 0] < -1e-3).all()
    trained = Newton(tolerance=1e-12).train(task, data, theta, weights)
    assert trained.converged.all()
    assert trained.grad_norm.max() <= 1e-12
    after = torch.stack([true_hessian(task, data, *model) for model in zip(trained.theta, weights, strict=True)])
    assert (torch.linalg.eigvalsh(after)[:, 0] > -1e-7).all()


def test_newton_leaves_a_saddle_and_never_calls_it_a_minimum():
    data = class_data(9)
    task = MLP(weight_decay=1e-3, depth=1, width=3, penalise_bias=False)
    saddle = torch.zeros_like(task.start(data, 0))
    saddle.view(-1)[-12:].view(3, 4)[:, -1] = (torch.bincount(data.y_train) / data.n).log()
    weights = dropped(data, -1)
    assert true_gradient(task, data, saddle, weights[0]).norm() < 1e-12
    assert not Newton(max_steps=0).train(task, data, saddle[None], weights).converged.any()
    trained = Newton().train(task, data, saddle[None], weights)
    assert trained.converged.all()
    losses = derivatives.objectives(task, data, torch.stack([saddle, trained.theta[0]]), weights.repeat(2, 1))
    assert losses[1] < losses[0] - 0.1


@dataclass(frozen=True)
class Well(Task):
    """J(v) = 200 + tilt v³ − v²/2 + v⁴/4: a hilltop at 0, from where a step of ½ descends on one side only."""

    tilt: float = 2.0
    output_loss = SquaredError()
    convex = False

    def start(self, data, seed):
        """The hilltop."""
        return data.x_train.new_zeros(1) + 0 * seed

    def penalised(self, data):
        """Nothing is."""
        return data.x_train.new_zeros(1).bool()

    def outputs(self, theta, x):
        """√(2 J), the same for every point."""
        depth = 200 + self.tilt * theta**3 - theta**2 / 2 + theta**4 / 4
        return (2 * depth).sqrt()[..., None].expand(*theta.shape, len(x))

    def measure(self, theta, x, y):
        """The loss."""
        return self.losses(theta, x, y)


@pytest.mark.parametrize("tilt", [2.0, -2.0])
def test_both_ways_off_a_hilltop_are_tried(tilt):
    data = replace(value_data(0), y_train=torch.zeros(60, dtype=torch.float64))
    task = Well(weight_decay=0.0, tilt=tilt)
    trained = Newton().train(task, data, task.start(data, 0)[None], dropped(data, -1))
    slopes = numpy.roots([1, 3 * tilt, -1, 0])
    assert trained.converged.all()
    assert numpy.abs(slopes - float(trained.theta)).min() < 1e-7
    assert float(trained.theta) * tilt < -1


# What the trainers stand on.
