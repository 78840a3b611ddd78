"""Every trainer honours one contract; each also equals an independent implementation of what it claims to be."""

from dataclasses import dataclass, replace

import numpy
import pytest
import torch
from problems import class_data, value_data
from scipy import optimize
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from influencelab import catalog, derivatives
from influencelab.dataset import Dataset
from influencelab.errors import InvalidParameter, NotFinite
from influencelab.output_losses.squared_error import SquaredError
from influencelab.task import Task
from influencelab.tasks.binary_logistic import BinaryLogistic
from influencelab.tasks.logistic import Logistic
from influencelab.tasks.mlp import MLP
from influencelab.tasks.ridge import Ridge
from influencelab.trainer import Trainer
from influencelab.trainers.adam import Adam
from influencelab.trainers.gradient_descent import GradientDescent
from influencelab.trainers.lbfgs import LBFGS
from influencelab.trainers.newton import Newton
from influencelab.trainers.sgd import SGD

KINDS = catalog.names(Trainer)
# Fewer steps than the defaults where the number of steps is the protocol; a new kind is tested with its defaults.
QUICK = {"gradient_descent": {"steps": 60}, "adam": {"steps": 60}, "sgd": {"steps": 60, "batch_size": 7}}
TO_A_MINIMUM = ["lbfgs", "newton"]
NETWORK = MLP(weight_decay=2e-2, depth=1, width=3)


def quick(kind: str, **settings) -> Trainer:
    return catalog.make(Trainer, kind, **{**QUICK.get(kind, {}), **settings})


def dropped(data: Dataset, *points: int) -> Tensor:
    """One row of weights a point, without it; −1 drops nobody."""
    weights = torch.full((len(points), data.n), 1 / data.n, dtype=torch.float64)
    for row, point in enumerate(points):
        if point >= 0:
            weights[row, point] = 0
    return weights


def starts(task: Task, data: Dataset, count: int) -> Tensor:
    """Different starts, also for tasks that always start from zeros."""
    noise = torch.randn(
        count, len(task.start(data, 0)), generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )
    return torch.stack([task.start(data, seed) for seed in range(count)]) + 0.1 * noise


def true_gradient(task: Task, data: Dataset, theta: Tensor, weights: Tensor) -> Tensor:
    """∇J of one model from the definition of J, by automatic differentiation."""
    leaf = theta.clone().requires_grad_()
    loss = (weights * task.losses(leaf, data.x_train, data.y_train)).sum()
    penalty = task.weight_decay / 2 * leaf[task.penalised(data)].square().sum()
    return torch.autograd.grad(loss + penalty, leaf)[0]


def true_hessian(task: Task, data: Dataset, theta: Tensor, weights: Tensor) -> Tensor:
    """Central differences of the gradient."""
    columns = []
    for unit in torch.eye(len(theta), dtype=theta.dtype):
        ends = [true_gradient(task, data, theta + sign * 1e-5 * unit, weights) for sign in (1, -1)]
        columns.append((ends[0] - ends[1]) / 2e-5)
    return torch.stack(columns)


def digits(n: int) -> Dataset:
    x, y = load_digits(return_X_y=True)
    x, y = torch.from_numpy(x / 16), torch.from_numpy(y)
    return Dataset(x[:n], y[:n], x[-9:], y[-9:], torch.arange(n), torch.arange(9), classes=10, name="digits")


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
@pytest.mark.parametrize("kind", KINDS)
def test_models_trained_together_are_the_models_trained_alone(kind, task):
    data = class_data(0)
    theta, weights = starts(task, data, 3), dropped(data, -1, 4, 17)
    together = quick(kind).train(task, data, theta, weights)
    alone = [quick(kind).train(task, data, theta[[row]], weights[[row]]) for row in range(3)]
    assert torch.cat([one.theta for one in alone]).allclose(together.theta, rtol=0, atol=1e-6)
    assert torch.cat([one.converged for one in alone]).equal(together.converged)
    assert max(one.steps for one in alone) == together.steps
    assert (together.theta[0] - together.theta[1]).norm() > 1e-4


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_norm_and_the_verdict_are_true(kind, task):
    data = class_data(1)
    theta, weights = starts(task, data, 2), dropped(data, -1, 3)
    for settings in ({}, {"tolerance": 1e9}, {"max_steps" if kind in TO_A_MINIMUM else "steps": 1}):
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
    ],
)
def test_settings_out_of_range_are_refused_by_name(kind, settings):
    with pytest.raises(InvalidParameter, match=next(iter(settings))):
        catalog.make(Trainer, kind, **settings)


# Published protocols, against torch.optim.


class Sibling(torch.nn.Module):
    """The network of `NETWORK` written with torch's own layers."""

    def __init__(self, theta: Tensor, features: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(features, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)).double()
        with torch.no_grad():
            used = 0
            for layer in (self.layers[0], self.layers[2]):
                matrix = theta[used : used + layer.weight.numel() + 3].view(3, -1)
                layer.weight.copy_(matrix[:, :-1])
                layer.bias.copy_(matrix[:, -1])
                used += matrix.numel()

    def theta(self) -> Tensor:
        """All parameters in the library's order."""
        layers = [self.layers[0], self.layers[2]]
        return torch.cat([torch.cat([one.weight, one.bias[:, None]], dim=1).flatten() for one in layers]).detach()


def worst_gap(trainer: Trainer, optimiser, batches: list[Tensor], **settings) -> float:
    """How far a trainer is from torch's optimiser, over all numbers of steps up to that of the batches."""
    data = class_data(4)
    start = NETWORK.start(data, 0)
    sibling = Sibling(start, data.x_train.shape[1])
    torch_optimiser = optimiser(sibling.parameters(), weight_decay=NETWORK.weight_decay, **settings)
    gaps = []
    for step, rows in enumerate(batches):
        torch_optimiser.zero_grad()
        torch.nn.functional.cross_entropy(sibling.layers(data.x_train[rows]), data.y_train[rows]).backward()
        torch_optimiser.step()
        ours = replace(trainer, steps=step + 1).train(NETWORK, data, start[None], dropped(data, -1))
        gaps.append(float((ours.theta[0] - sibling.theta()).abs().max()))
    return max(gaps)


def test_adam_is_torch_adam_step_by_step():
    batches = [torch.arange(60)] * 30
    settings = {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-6}
    trainer = Adam(learning_rate=0.02, betas=(0.8, 0.99), epsilon=1e-6)
    assert worst_gap(trainer, torch.optim.Adam, batches, **settings) < 1e-12
    assert worst_gap(trainer, torch.optim.AdamW, batches, **settings) > 1e-4


def test_gradient_descent_is_torch_sgd_on_the_full_batch():
    batches = [torch.arange(60)] * 30
    trainer = GradientDescent(learning_rate=0.2, momentum=0.7)
    assert worst_gap(trainer, torch.optim.SGD, batches, lr=0.2, momentum=0.7) < 1e-12
    assert worst_gap(trainer, torch.optim.SGD, batches, lr=0.2, momentum=0.7, nesterov=True) > 1e-3


def test_sgd_is_torch_sgd_on_its_batches():
    trainer = SGD(learning_rate=0.2, momentum=0.7, batch_size=17, steps=30, seed=3)
    batches = list(trainer.batches(class_data(4)))
    assert worst_gap(trainer, torch.optim.SGD, batches, lr=0.2, momentum=0.7) < 1e-12
    assert worst_gap(replace(trainer, seed=4), torch.optim.SGD, batches, lr=0.2, momentum=0.7) > 1e-3


def test_every_point_comes_once_an_epoch_in_an_order_that_the_seed_decides():
    data = class_data(4)
    batches = list(SGD(batch_size=17, steps=10, seed=1).batches(data))
    assert [len(rows) for rows in batches] == [17, 17, 17, 9] * 2 + [17, 17]
    first, second = torch.cat(batches[:4]), torch.cat(batches[4:8])
    assert first.sort().values.equal(torch.arange(60))
    assert second.sort().values.equal(torch.arange(60))
    assert not first.equal(second)
    assert torch.cat(list(SGD(batch_size=17, steps=4, seed=1).batches(data))).equal(first)
    assert not torch.cat(list(SGD(batch_size=17, steps=4, seed=2).batches(data))).equal(first)


def test_a_batch_as_large_as_the_data_is_gradient_descent():
    data = class_data(4)
    theta, weights = starts(NETWORK, data, 2), dropped(data, -1, 9)
    batch = SGD(batch_size=1000, steps=20).train(NETWORK, data, theta, weights).theta
    full = GradientDescent(steps=20).train(NETWORK, data, theta, weights).theta
    assert batch.allclose(full, rtol=0, atol=1e-12)


# Minima, against scikit-learn, SciPy and algebra.


@pytest.mark.parametrize("trainer", [LBFGS(tolerance=1e-9), Newton(tolerance=1e-12)], ids=TO_A_MINIMUM)
@pytest.mark.parametrize("weight_decay", [1e-2, 1e-4])
def test_logistic_minima_are_those_of_scikit_learn(trainer, weight_decay):
    data = digits(300)
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


@pytest.mark.parametrize("trainer", [LBFGS(tolerance=1e-10), Newton(tolerance=1e-12)], ids=TO_A_MINIMUM)
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


@pytest.mark.parametrize("trainer", [LBFGS(tolerance=1e-11), Newton(tolerance=1e-12)], ids=TO_A_MINIMUM)
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


@pytest.mark.parametrize("kind", TO_A_MINIMUM)
def test_null_directions_are_left_alone(kind):
    data = class_data(7)
    task = Logistic(weight_decay=1e-2)
    theta = task.start(data, 0).repeat(2, 1).view(2, 3, -1)
    theta[1, :, -1] += 4
    trained = quick(kind, tolerance=1e-9).train(task, data, theta.flatten(1), dropped(data, -1, -1))
    means = trained.theta.view(2, 3, -1)[:, :, -1].mean(1)
    assert trained.converged.all()
    assert means.allclose(torch.tensor([0, 4], dtype=torch.float64), atol=1e-6)


@pytest.mark.parametrize("kind", TO_A_MINIMUM)
def test_a_tolerance_below_rounding_ends_unconverged(kind):
    data = class_data(7)
    task = Logistic(weight_decay=1e-2)
    trained = quick(kind, tolerance=1e-25, max_steps=300).train(task, data, starts(task, data, 2), dropped(data, -1, 3))
    assert not trained.converged.any()
    assert trained.grad_norm.max() < 1e-13


@pytest.mark.parametrize("kind", TO_A_MINIMUM)
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


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
def test_one_pass_in_any_chunks_gives_what_two_give(task, monkeypatch):
    data = class_data(10)
    theta, weights = starts(task, data, 3), dropped(data, -1, 0, 59)
    whole = derivatives.hessians(task, data, theta, weights)
    gradients = torch.stack([true_gradient(task, data, *model) for model in zip(theta, weights, strict=True)])
    monkeypatch.setattr(derivatives, "CHUNK", 70)
    values, slopes = derivatives.objectives_and_gradients(task, data, theta, weights)
    assert values.allclose(derivatives.objectives(task, data, theta, weights), rtol=1e-13)
    assert slopes.allclose(gradients, rtol=0, atol=1e-14)
    assert derivatives.hessians(task, data, theta, weights).allclose(whole, rtol=0, atol=1e-13)


@pytest.mark.parametrize("task", [Logistic(weight_decay=1e-2), NETWORK], ids=["logistic", "network"])
def test_batch_gradients_add_up(task):
    data = class_data(10)
    theta, weights = starts(task, data, 2), dropped(data, -1, 0)
    order = torch.randperm(data.n, generator=torch.Generator().manual_seed(0))
    parts = [derivatives.loss_gradients(task, data, theta, weights, rows) for rows in order.split(25)]
    whole = torch.stack([true_gradient(task, data, *model) for model in zip(theta, weights, strict=True)])
    assert sum(parts).add(derivatives.penalty_gradient(task, data, theta)).allclose(whole, rtol=0, atol=1e-14)
