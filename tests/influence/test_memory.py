"""Of a large problem one table of p × p numbers is held for each thing that is kept, and none beside it."""

import pytest
import torch
from allocated import tables
from problems import binary_problem, logistic_problem

import influencelab as il
from influencelab.influence.curvature import Curvature
from influencelab.influence.factors import FACTORS_OF
from influencelab.models.closed_forms import pairs
from influencelab.training import cholesky
from influencelab.training.trainers import newton

BUILDS = {
    "softmax": (logistic_problem, {"classes": 8, "features": 40}),
    "one output": (binary_problem, {"features": 900}),
}


@pytest.fixture(params=BUILDS)
def posed(request, monkeypatch):
    """A task and its data, of which every matrix counts as large; p is a few hundred."""
    build, settings = BUILDS[request.param]
    monkeypatch.setattr(cholesky, "LARGE", 1)
    monkeypatch.setattr(pairs, "MATRICES", 0)
    return build(n=60, m=2, weight_decay=0.1, **settings)


def fresh(posed) -> il.Fit:
    """Its minimum, about which no curvature knows anything yet."""
    return il.fit(*posed, il.Newton(tolerance=1e-10))


def test_a_factor_and_an_inverse_are_all_that_the_newton_step_holds(posed, monkeypatch):
    fitted = fresh(posed)
    found = []
    held = tables(lambda: found.append(il.NewtonStep().estimate(fitted)), size=len(fitted.theta) ** 2)
    assert 1.9 < held < 2.8
    monkeypatch.setattr(cholesky, "LARGE", 2**24)
    again = fresh(posed)
    assert found[0].values.numpy() == pytest.approx(il.NewtonStep().estimate(again).values.numpy(), rel=1e-9, abs=1e-12)
    assert tables(lambda: il.NewtonStep().estimate(fresh(posed)), size=len(fitted.theta) ** 2) > 2.9


def test_a_factor_is_all_that_exact_influence_holds(posed):
    fitted = fresh(posed)
    assert 0.9 < tables(lambda: il.Exact().estimate(fitted), size=len(fitted.theta) ** 2) < 1.8
    assert all(each.dense is None for each in FACTORS_OF[fitted].values())


def test_a_large_matrix_that_was_asked_for_is_kept_as_it_was(posed):
    fitted = fresh(posed)
    curvature = Curvature(fitted)
    dense = curvature.dense()
    before = dense.clone()
    assert il.Exact().estimate(fitted).residual.max() < 1e-10
    assert curvature.dense() is dense
    assert torch.equal(dense, before)  # nobody wrote over it


@pytest.mark.parametrize("tried", [1, 10**9], ids=["by products", "by Hessians"])
def test_steps_of_newton_hold_a_hessian_and_its_factor_at_most(posed, tried, monkeypatch):
    monkeypatch.setattr(newton, "TRIED", tried)
    task, data = posed
    start, found = task.start(data, 0)[None], []
    weights = start.new_full((1, data.n), 1 / data.n)
    trainer = il.Newton(tolerance=1e-10)
    held = tables(lambda: found.append(trainer.train(task, data, start, weights)), size=start.numel() ** 2)
    assert held < (1.0 if tried == 1 else 2.8)
    monkeypatch.setattr(cholesky, "LARGE", 2**24)
    wanted = trainer.train(task, data, start, weights)
    assert found[0].converged.all()
    # Of several classes all intercepts may grow alike, by rounding over what their curvature is lifted to.
    both = (each.theta.view(task.output_loss.size(data), -1) for each in (found[0], wanted))
    one, two = (each - each.mean(0) if len(each) > 1 else each for each in both)
    assert one.numpy() == pytest.approx(two.numpy(), abs=1e-8)
