"""Closed forms of networks against automatic differentiation of a network written anew, to the last digits."""

from dataclasses import replace

import pytest
import torch
from network_oracles import CLASSES, PLAIN, VALUES, drawn, error, errors, losses, network, products
from torch.func import grad, hessian, jacrev, vmap
from torch.utils._python_dispatch import TorchDispatchMode

from influencelab.data.dataset import Dataset
from influencelab.models import derivatives
from influencelab.models.closed_forms import activation, mlp, mlp_derivatives, mlp_hessian
from influencelab.models.tasks.all_cnn import AllCNN
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import ACTIVATIONS, MLP
from influencelab.models.tasks.ridge import Ridge

CASES = {
    f"{name}, depth {depth}{', regression' * regression}": (name, depth, regression)
    for name in activation.CLOSED
    for depth, regression in ((1, False), (3, False), (2, True))
} | {"linear": ("tanh", 0, False)}


@pytest.fixture(params=CASES)
def case(request):
    """A network, its data, three parameter vectors with unequal weights, one of them 0, and a direction for each."""
    name, depth, regression = CASES[request.param]
    task = MLP(0.0, depth=depth, width=4, activation=name, regression=regression)
    return task, *drawn(task, VALUES if regression else CLASSES)


def test_closed_forms_are_the_derivatives_of_the_loss(case):
    assert max(errors(*case).values()) < 1e-12


def test_gauss_newton_is_the_bend_of_the_outputs_between_jacobians(case):
    task, data, theta, weights, vectors = case
    jacobians = vmap(jacrev(lambda at: network(task, data, at, data.x_train)))(theta)
    outputs = vmap(lambda at: network(task, data, at, data.x_train))(theta)

    def each(z: torch.Tensor) -> torch.Tensor:
        """What of one point's loss bends with its outputs."""
        return z.square().sum() / 2 if task.regression else z.logsumexp(0)

    bends = vmap(vmap(hessian(each)))(outputs)
    wanted = torch.einsum("kn,knac,knap,kncq->kpq", weights, bends, jacobians, jacobians)
    assert error(task.derivatives(data).hessians(theta, weights, kind="gauss_newton"), wanted) < 1e-12
    found = products(task, data, theta[1], weights[1], vectors, kind="gauss_newton")
    assert error(found, vectors @ wanted[1]) < 1e-12


@pytest.mark.parametrize("numbers", [1, 60, 150])
def test_chunks_change_nothing(case, numbers, monkeypatch):
    """One point a chunk, and several points whose number is not that of the models."""
    task, data, theta, weights, vectors = case
    seen = []
    original = mlp.read_points
    monkeypatch.setattr(mlp_derivatives, "CHUNK", numbers)
    monkeypatch.setattr(mlp_hessian, "CHUNK", numbers)
    monkeypatch.setattr(mlp, "read_points", lambda *of: seen.append(original(*of)) or seen[-1])
    assert max(errors(task, data, theta, weights, vectors).values()) < 1e-12
    assert {len(at.x) for at in seen} == {1} if numbers == 1 else max(len(at.x) for at in seen) > 1


def test_measures_are_the_losses_of_the_test_points(case, monkeypatch):
    task, data, theta, *_ = case
    wanted = vmap(lambda at: losses(task, data, at, data.x_test, data.y_test))(theta)
    assert error(derivatives.measures(task, data, theta), wanted) < 1e-12
    monkeypatch.setattr(mlp_derivatives, "CHUNK", 1)
    assert error(derivatives.measures(task, data, theta), wanted) < 1e-12


def test_hessians_are_exactly_symmetric(case):
    task, data, theta, weights, _ = case
    for kind in derivatives.PRODUCTS:
        found = task.derivatives(data).hessians(theta, weights, kind=kind)
        # Equal bits: one triangle is a copy of the other.
        assert torch.equal(found, found.mT)


def by_hand(task, data: Dataset, theta: torch.Tensor, weights: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Σ wᵢ ∇ℓᵢ of each model over its rows, one point after another."""
    found = []
    for model, own in enumerate(rows.expand(len(theta), -1)):
        one = grad(lambda at, i: task.losses(at, data.x_train[i : i + 1], data.y_train[i : i + 1])[0])
        found.append(sum(weights[model, i] * one(theta[model], int(i)) for i in own))
    return torch.stack(found)


TASKS = {
    "network": (MLP(0.1, width=3, depth=2), CLASSES),
    "regression network": (MLP(0.1, width=3, regression=True), VALUES),
    "logistic": (Logistic(0.1), CLASSES),
    "ridge": (Ridge(0.1), VALUES),
}


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("chunk", [2**18, 1])
def test_some_rows_are_the_same_for_all_models_or_each_models_own(name, chunk, monkeypatch):
    monkeypatch.setattr(mlp_derivatives, "CHUNK", chunk)
    task, data = TASKS[name]
    data, theta, weights, _ = drawn(task, data)
    shared, own = torch.tensor([4, 1, 1, 9]), torch.tensor([[4, 1, 1, 9], [0, 3, 13, 2], [5, 5, 5, 6]])
    for rows in (shared, own):
        found = task.derivatives(data).gradients(theta, weights, rows)
        assert error(found, by_hand(task, data, theta, weights, rows)) < 1e-12
    some = task.derivatives(data).gradients(theta, weights, slice(2, 5))
    assert error(some, by_hand(task, data, theta, weights, torch.arange(2, 5))) < 1e-12


@pytest.mark.parametrize("name", TASKS)
def test_model_products_are_each_models_own_hessian_times_its_own_vector(name):
    task, data = TASKS[name]
    data, theta, weights, vectors = drawn(task, data)
    dense = derivatives.hessians(task, data, theta, weights)
    found = derivatives.model_products(task, data, theta, weights, vectors)
    assert error(found, (dense @ vectors.unsqueeze(-1)).squeeze(-1)) < 1e-12
    turned = derivatives.model_products(task, data, theta, weights, vectors.roll(1, 0))
    assert error(turned, found) > 1e-2


def test_model_products_of_any_task_are_the_difference_of_its_gradients():
    """A convolutional network has no closed form here."""
    task = AllCNN(weight_decay=0.1)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(6, 14, 14, generator=generator, dtype=torch.float64)
    ids = torch.arange(4)
    data = Dataset(
        x_train=x[:4],
        y_train=ids % 2,
        x_test=x[4:],
        y_test=ids[:2],
        train_ids=ids,
        test_ids=ids[:2],
        classes=2,
        name="x",
    )
    theta = torch.stack([task.start(data, seed) for seed in range(2)])
    weights = torch.rand(2, 4, generator=generator, dtype=torch.float64)
    vectors = torch.randn(theta.shape, generator=generator, dtype=torch.float64)
    there, back = (derivatives.gradients(task, data, theta + step * vectors, weights) for step in (1e-6, -1e-6))
    found = derivatives.model_products(task, data, theta, weights, vectors)
    assert error(found, (there - back) / 2e-6) < 1e-7
    rows = torch.tensor([[0, 2], [3, 3]])
    parts = task.derivatives(data).gradients(theta, weights, rows)
    assert error(parts, by_hand(task, data, theta, weights, rows)) < 1e-12


def test_float32_stays_float32(case):
    task, data, theta, weights, vectors = case
    y = data.y_train.float() if task.regression else data.y_train
    single = replace(data, x_train=data.x_train.float(), x_test=data.x_test.float(), y_train=y)
    small = (theta.float(), weights.float())
    for found, wanted in (
        (derivatives.gradients(task, single, *small), derivatives.gradients(task, data, theta, weights)),
        (
            derivatives.model_products(task, single, *small, vectors.float()),
            derivatives.model_products(task, data, theta, weights, vectors),
        ),
        (derivatives.hessians(task, single, *small), derivatives.hessians(task, data, theta, weights)),
    ):
        assert found.dtype == torch.float32
        assert error(found.double(), wanted) < 1e-4


@pytest.mark.parametrize("regression", [False, True])
def test_an_activation_without_a_closed_form_has_all_derivatives_too(regression):
    task = MLP(0.0, depth=2, width=4, activation="gelu", regression=regression)
    case = task, *drawn(task, VALUES if regression else CLASSES)
    assert max(errors(*case).values()) < 1e-12
    assert task.kink is None


def test_every_activation_but_gelu_has_its_closed_form():
    assert {*activation.CLOSED, "gelu"} == set(ACTIVATIONS) == set(PLAIN)
    # Without 0 itself, where the plain softplus, max(z, 0) + log(1 + exp(−|z|)), has no slope of its own.
    z = torch.cat([torch.linspace(-45, 45, 4000, dtype=torch.float64), torch.logspace(-12, 0, 100).double()])
    for name, closed in activation.CLOSED.items():
        for count in (len(z), 500):
            part = z[-count:]
            found = closed.write(part.clone(), torch.empty_like(part))
            assert torch.allclose(found, ACTIVATIONS[name](part), rtol=1e-14, atol=4e-16)
            slope = vmap(grad(PLAIN[name]))(part)
            assert torch.allclose(closed.backward(torch.ones_like(found), found), slope, rtol=1e-14, atol=2e-15)


class Count(TorchDispatchMode):
    """How many calls of torch there are."""

    calls = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls += 1
        return func(*args, **(kwargs or {}))


def calls(depth: int) -> int:
    task = MLP(0.1, depth=depth, width=5)
    data, theta, weights, _ = drawn(task, CLASSES, k=1)
    derivatives.gradients(task, data, theta, weights)
    with Count() as count:
        derivatives.gradients(task, data, theta, weights)
    return count.calls


def test_a_gradient_takes_few_calls():
    """Published protocols take 60,000 steps of networks so small that each call of torch costs as much as its work."""
    assert calls(1) <= 60
    assert calls(8) - calls(7) <= 20


MISTAKES = {
    "slope of tanh without its square": ("backward", lambda g, u: g * (1 - u.abs())),
    "no slope": ("backward", lambda g, u: g * torch.ones_like(u)),
    "no bend of the units": ("second", torch.zeros_like),
    "half the bend": ("second", lambda u: -u),
    "bend of the wrong sign": ("second", lambda u: 2 * u),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_slope_or_bend_is_seen(name, monkeypatch):
    task = MLP(0.0, depth=2, width=4)
    field, wrong = MISTAKES[name]
    monkeypatch.setitem(activation.CLOSED, "tanh", activation.CLOSED["tanh"]._replace(**{field: wrong}))
    found = errors(task, *drawn(task, CLASSES))
    curved = ("model products", "products", "hessians")
    for what in (*curved, "gradients") if field == "backward" else curved:
        assert found[what] > 1e-3, what


def unweighted(network, data, weights, rows):
    """All points alike."""
    at = mlp.read_points(network, data, weights, rows)
    return at._replace(weights=torch.ones_like(at.weights))


def without_bias(network, data, weights, rows):
    """A last unit of 0."""
    at = mlp.read_points(network, data, weights, rows)
    return at._replace(x=torch.cat([at.x[:, :-1], 0 * at.x[:, -1:]], 1))


def labels_of_others(network, data, weights, rows):
    """The labels of the wrong points."""
    at = mlp.read_points(network, data, weights, rows)
    return at._replace(target=at.target.roll(1, -1))


@pytest.mark.parametrize("wrong", [unweighted, without_bias, labels_of_others])
def test_points_read_wrongly_are_seen(wrong, monkeypatch):
    task = MLP(0.0, depth=2, width=4)
    of = drawn(task, CLASSES)
    original = mlp.read_points
    honest = errors(task, *of)

    def mistaken(*what):
        monkeypatch.setattr(mlp, "read_points", original)
        at = wrong(*what)
        monkeypatch.setattr(mlp, "read_points", mistaken)
        return at

    monkeypatch.setattr(mlp, "read_points", mistaken)
    found = errors(task, *of)
    for what in ("gradients", "model products", "products", "hessians"):
        assert honest[what] < 1e-12 < 1e-3 < found[what], what
