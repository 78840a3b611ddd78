"""Networks from a random start to a true minimum: by gradients first, and by Newton's method at the end."""

from dataclasses import dataclass, field

import pytest
import torch
from problems import class_data, logistic_problem
from trainer_oracles import dropped, starts, true_gradient, true_hessian

from influencelab.data.sources.iris import Iris
from influencelab.errors import InvalidParameter
from influencelab.models.tasks.mlp import MLP
from influencelab.training.fit import fit
from influencelab.training.trainer import Trained, Trainer
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sequential import Sequential


@pytest.mark.parametrize(
    ("depth", "weight_decay"),
    [(1, 1e-4), *(pytest.param(depth, 5e-3, marks=pytest.mark.slow) for depth in (4, 8))],
)
def test_networks_of_any_depth_arrive_where_everything_bends_up(depth, weight_decay):
    data = Iris(scaling="standard", train_size=130, test_size=20).load()
    task = MLP(weight_decay=weight_decay, depth=depth, width=5)
    theta = torch.stack([task.start(data, seed) for seed in range(2)])
    trained = Sequential().train(task, data, theta, dropped(data, -1, -1))
    assert trained.converged.all()
    for end, weights in zip(trained.theta, dropped(data, -1, -1), strict=True):
        assert float(true_gradient(task, data, end, weights).norm()) <= 2e-11
        assert float(torch.linalg.eigvalsh(true_hessian(task, data, end, weights))[0]) > 1e-6


def test_the_second_goes_on_where_the_first_stopped():
    @dataclass(frozen=True)
    class Recorder(Trainer):
        """Moves nothing, and keeps what it was given."""

        seen: list = field(default_factory=list)

        def train(self, task, data, theta, weights):
            """Remember."""
            self.seen.append((theta, self.tolerance))
            return Trained(theta, theta.norm(dim=-1), torch.zeros(len(theta)).bool(), 3)

    data, task = class_data(3), MLP(weight_decay=1e-2, width=3)
    theta, weights = starts(task, data, 2), dropped(data, -1, 4)
    first, then = GradientDescent(steps=7), Recorder()
    trained = Sequential(first=first, then=then, tolerance=1e-5, rounds=1).train(task, data, theta, weights)
    # Equal bits: the same steps.
    assert then.seen[0][0].equal(first.train(task, data, theta, weights).theta)
    assert then.seen[0][1] == 1e-5
    assert trained.steps == 10
    assert not trained.converged.any()


@dataclass(frozen=True)
class Halfway(Trainer):
    """Steps of gradient descent, after which models count as converged from a call on, and those of class 1 later."""

    from_call: tuple[int, ...] = (1,)
    calls: list = field(default_factory=list)
    inner: Trainer = field(default_factory=lambda: GradientDescent(steps=3))

    def train(self, task, data, theta, weights):
        """Count the calls."""
        self.calls.append(len(theta))
        found = self.inner.train(task, data, theta, weights)
        rest = self.from_call[-len(theta) :]
        return Trained(found.theta, found.grad_norm, torch.tensor([len(self.calls) >= each for each in rest]), 3)


def test_models_that_did_not_arrive_go_round_again():
    data, task = class_data(3), MLP(weight_decay=1e-2, width=3)
    theta, weights = starts(task, data, 2), dropped(data, -1, 4)
    then = Halfway(from_call=(1, 3))
    trained = Sequential(first=GradientDescent(steps=2), then=then).train(task, data, theta, weights)
    assert then.calls == [2, 1, 1]
    assert trained.converged.all()
    assert trained.steps == 15
    once = GradientDescent(steps=3).train(
        task, data, GradientDescent(steps=2).train(task, data, theta, weights).theta, weights
    )
    assert trained.theta[0].equal(once.theta[0])
    assert not trained.theta[1].equal(once.theta[1])
    # Three times at most, not where J has stood still, and never where minima lie at kinks.
    for settings, kink, calls in (
        ({}, "tanh", 3),
        ({"rounds": 2}, "tanh", 2),
        ({"inner": GradientDescent(steps=0)}, "tanh", 1),
        ({}, "relu", 1),
    ):
        inner = settings.pop("inner", GradientDescent(steps=3))
        never = Halfway(from_call=(9, 9), inner=inner)
        first = GradientDescent(steps=0 if inner.steps == 0 else 2)
        model = MLP(weight_decay=1e-2, width=3, activation=kink)
        assert not Sequential(first=first, then=never, **settings).train(model, data, theta, weights).converged.any()
        assert len(never.calls) == calls


def test_a_saddle_that_stops_the_first_does_not_stop_the_second():
    data = class_data(9)
    task = MLP(weight_decay=1e-3, depth=1, width=3, penalise_bias=False)
    saddle = torch.zeros_like(task.start(data, 0))
    saddle[-12:].view(3, 4)[:, -1] = (torch.bincount(data.y_train) / data.n).log()
    weights = dropped(data, -1)
    assert LBFGS().train(task, data, saddle[None], weights).theta[0].equal(saddle)
    trained = Sequential().train(task, data, saddle[None], weights)
    assert trained.converged.all()
    assert float((trained.theta[0] - saddle).norm()) > 1


def test_models_that_neither_brings_to_a_minimum_say_so():
    task, data = logistic_problem(n=30)
    assert fit(task, data, Sequential()).converged
    assert not fit(task, data, Sequential(first=LBFGS(max_steps=1), then=Newton(max_steps=0))).converged


def test_an_impossible_tolerance_is_refused():
    with pytest.raises(InvalidParameter, match="tolerance is 0"):
        Sequential(tolerance=0.0)
