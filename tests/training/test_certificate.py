"""Curvature by products alone is bounded on the right side of the truth, and Newton's method by products arrives."""

import math
from dataclasses import replace

import pytest
import torch
from problems import class_data
from trainer_oracles import dropped, starts, true_gradient, true_hessian

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.training.certificate import lowest_of
from influencelab.training.trainers.newton import evaluate
from influencelab.training.trainers.newton_cg import newton_steps

DATA = class_data(3, n=40, m=4, features=3)
TASK = il.MLP(weight_decay=2e-2, depth=1, width=4)


@pytest.fixture(scope="module")
def fitted():
    """A small network at a minimum."""
    return il.fit(TASK, DATA, il.NewtonCG())


def rotated(values, seed):
    """A symmetric matrix with these eigenvalues."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(len(values), len(values), generator=generator, dtype=torch.float64))[0]
    return (turn * values) @ turn.T


SPECTRA = {
    "even": torch.linspace(0.5, 3, 150, dtype=torch.float64),
    "one low": torch.cat([torch.tensor([0.02]), torch.linspace(1, 3, 149)]).double(),
    "crowded low": torch.cat([torch.linspace(0.02, 0.021, 140), torch.linspace(1, 30, 10)]).double(),
    "one negative": torch.cat([torch.tensor([-0.3]), torch.linspace(0.1, 3, 149)]).double(),
    "two values, one rare": torch.cat([torch.tensor([0.5]), torch.full((149,), 2.0)]).double(),
    "a hair below 0": torch.cat([torch.tensor([-1e-4]), torch.linspace(1e-3, 3, 149)]).double(),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_the_lowest_eigenvalue_lies_between_the_bound_and_what_was_found(name):
    values, short = SPECTRA[name], []
    for seed in range(6):
        matrix = rotated(values, seed)
        start = torch.randn(150, generator=torch.Generator().manual_seed(50 + seed), dtype=torch.float64)
        for products in (5, 30, 150):
            found = lowest_of(lambda v, a=matrix: a @ v, start, products=products)
            assert found.bound <= values[0] + 1e-12
            assert found.value >= values[0] - 1e-12
            assert float(found.direction @ matrix @ found.direction) == pytest.approx(found.value, rel=1e-8, abs=1e-10)
            assert found.products <= products
            short += [found.value] if products == 5 else []
        assert (found.bound > 0) == (values[0] > 0)
        assert found.negative == (values[0] < 0)
    if name == "one low":
        # What was found is no bound: five products do not see the lowest one.
        assert min(short) > 1.2 * values[0]


def test_a_certificate_says_what_the_dense_hessian_says(fitted):
    found = il.certificate(fitted)
    values = torch.linalg.eigvalsh(true_hessian(TASK, DATA, fitted.theta, fitted.weights))
    assert found.proven
    assert 0 < found.bound <= values[0] + 1e-12
    assert found.largest_curvature == pytest.approx(float(values[-1]), rel=1e-6)
    assert found.smallest_curvature >= float(values[0]) * (1 - 1e-9)
    assert "minimum: proven" in repr(found)


def test_the_decrement_is_newtons(fitted):
    nudge = 1e-3 * torch.randn(len(fitted.theta), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    moved = il.fit_at(TASK, DATA, fitted.theta + nudge, trainer=il.Newton())
    gradient = true_gradient(TASK, DATA, moved.theta, moved.weights)
    hessian = true_hessian(TASK, DATA, moved.theta, moved.weights)
    wanted = float(gradient @ torch.linalg.solve(hessian, gradient)) ** 0.5
    found = il.certificate(moved)
    assert found.decrement == pytest.approx(wanted, rel=0.02)
    # It bends up everywhere, and is no minimum.
    assert found.bound > 0
    assert not found.proven


def test_kinks_at_which_curvature_says_nothing_are_refused():
    task = replace(TASK, activation="relu")
    with pytest.raises(InvalidParameter, match=r"needs a task without kinks.*activation 'relu'"):
        il.certificate(il.fit_at(task, DATA, task.start(DATA, 0), trainer=il.Newton()))


@pytest.fixture(scope="module")
def saddle():
    """A network of zeros but for its last biases, which alone have a slope there by symmetry; its task and weights."""
    task, weights = il.MLP(weight_decay=1e-2, width=3), dropped(DATA, -1)
    biases = il.NewtonCG(proof=0).train(task, DATA, torch.zeros_like(task.start(DATA, 0))[None], weights)
    assert biases.converged.all()
    return task, weights, biases.theta


def test_a_saddle_is_not_proven_and_is_left(saddle):
    task, weights, theta = saddle
    at = il.certificate(il.fit_at(task, DATA, theta[0] + 1e-3, trainer=il.Newton()))
    assert not at.proven
    assert at.smallest_curvature < 0
    assert math.isnan(at.decrement)
    left = il.NewtonCG().train(task, DATA, theta, weights)
    assert left.converged.all()
    assert float(torch.linalg.eigvalsh(true_hessian(task, DATA, left.theta[0], weights[0]))[0]) > 0


def test_a_step_descends_where_newtons_own_would_climb_back_to_a_saddle(saddle):
    task, weights, theta = saddle
    values, vectors = torch.linalg.eigh(true_hessian(task, DATA, theta[0], weights[0]))
    assert values[0] < -1e-3
    beside = theta + 1e-2 * (vectors[:, 0] + 0.1 * vectors[:, -1])
    gradient, hessian = (of(task, DATA, beside[0], weights[0]) for of in (true_gradient, true_hessian))
    assert gradient @ torch.linalg.solve(hessian, -gradient) > 0
    step = newton_steps(task, DATA, evaluate(task, DATA, beside, weights), weights, most=250)[0]
    assert gradient @ step < 0
    assert gradient @ step + step @ hessian @ step / 2 < 0
    after = il.NewtonCG(max_steps=1).train(task, DATA, beside, weights).theta
    before, after = (float(derivatives.objectives(task, DATA, at, weights)) for at in (beside, after))
    assert after < before


def test_models_of_a_batch_arrive_where_dense_newton_leads_from_there():
    theta, weights = starts(TASK, DATA, 2), dropped(DATA, -1, 4)
    near = il.LBFGS(tolerance=1e-3).train(TASK, DATA, theta, weights).theta
    found = il.NewtonCG(tolerance=1e-10).train(TASK, DATA, near, weights)
    assert found.converged.all()
    for end, weight in zip(found.theta, weights, strict=True):
        assert float(true_gradient(TASK, DATA, end, weight).norm()) < 2e-10
        assert float(torch.linalg.eigvalsh(true_hessian(TASK, DATA, end, weight))[0]) > 0
    wanted = il.Newton(tolerance=1e-10).train(TASK, DATA, found.theta + 1e-4, weights)
    assert found.theta.numpy() == pytest.approx(wanted.theta.numpy(), abs=1e-7)


def test_what_is_never_proven_does_not_count_as_converged(fitted):
    found = il.NewtonCG(proof=3).train(TASK, DATA, fitted.theta[None], fitted.weights[None])
    assert not found.converged.any()


@pytest.mark.parametrize(
    "settings",
    [{"max_steps": -1}, {"products": 0}, {"proof": -1}, {"tolerance": 0.0}],
    ids=lambda each: next(iter(each)),
)
def test_settings_without_meaning_are_refused(settings):
    with pytest.raises(InvalidParameter, match="expected"):
        il.NewtonCG(**settings)
