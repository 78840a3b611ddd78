"""Models that chord steps cannot reach: each with a curvature of its own, and none of them a saddle."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from crossing import EXHAUSTIVE
from problems import minimum, mlp_problem
from trainer_oracles import dropped, true_gradient, true_hessian

from influencelab.data.removals import leave_one_out
from influencelab.data.sources.iris import Iris
from influencelab.influence import preconditioned_lbfgs
from influencelab.influence.chord_newton import chord_of, descend
from influencelab.influence.curvature import Curvature
from influencelab.influence.retrainer import problems
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.tasks.mlp import MLP
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sequential import Sequential


@cache
def deep(depth: int):
    """A fit to Iris so deep that chord steps fail for many removals."""
    data = Iris(scaling="standard", train_size=130, test_size=20).load()
    return fit(MLP(weight_decay=5e-3, depth=depth, width=5), data, Sequential())


@pytest.mark.parametrize("dense", [0, 512])
def test_a_step_is_newtons_and_firm_where_everything_bends_up(dense, monkeypatch):
    monkeypatch.setattr(preconditioned_lbfgs, "DENSE", dense)
    fitted = minimum(mlp_problem)
    weights = dropped(fitted.data, 3, 17)
    theta = fitted.theta + 1e-3 * torch.randn(2, len(fitted.theta), generator=torch.Generator().manual_seed(0)).double()
    models = list(zip(theta, weights, strict=True))
    gradient = torch.stack([true_gradient(fitted.task, fitted.data, *model) for model in models])
    step, is_minimum = preconditioned_lbfgs.newton_check(Curvature(fitted), theta, gradient, weights)
    hessian = torch.stack([true_hessian(fitted.task, fitted.data, *model) for model in models])
    assert (torch.linalg.eigvalsh(hessian)[:, 0] > 0).all()
    assert is_minimum.all()
    wanted = torch.linalg.solve(hessian, -gradient)
    assert float((step - wanted).norm() / wanted.norm()) < 1e-5


@pytest.mark.parametrize("dense", [0, 512])
def test_nothing_that_bends_down_is_firm_however_small_its_gradient(dense, monkeypatch):
    monkeypatch.setattr(preconditioned_lbfgs, "DENSE", dense)
    fitted = minimum(mlp_problem)
    weights = dropped(fitted.data, -1)
    # Where all hidden units agree they have nothing to part for: the gradient along their difference is 0 by symmetry.
    saddle = torch.zeros(1, len(fitted.theta), dtype=torch.float64)
    saddle = Newton(max_steps=0).train(fitted.task, fitted.data, saddle, weights).theta
    gradient = torch.zeros_like(saddle)
    assert float(torch.linalg.eigvalsh(true_hessian(fitted.task, fitted.data, saddle[0], weights[0]))[0]) < 0
    assert not preconditioned_lbfgs.newton_check(Curvature(fitted), saddle, gradient, weights)[1].any()
    step, is_minimum = preconditioned_lbfgs.newton_check(Curvature(fitted), fitted.theta[None], gradient, weights)
    assert is_minimum.all()
    assert not step.any()


def test_the_guess_is_positive_and_the_forces_are_its_inverse_even_at_a_saddle():
    fitted = minimum(mlp_problem)
    saddle = replace(fitted, theta=torch.zeros_like(fitted.theta), converged=False)
    for curvature in (Curvature(fitted), Curvature(saddle), Curvature(saddle, damping=0.03)):
        eye = torch.eye(len(fitted.theta), dtype=torch.float64)
        guess = preconditioned_lbfgs.precondition(curvature, eye)
        assert float(torch.linalg.eigvalsh(guess)[0]) >= 0
        size = torch.linalg.eigvalsh(curvature.dense() + curvature.damping * eye).abs()
        assert torch.allclose(torch.linalg.eigvalsh(guess).sort().values, (1 / size).sort().values, rtol=1e-6)
        drawn = preconditioned_lbfgs.random_probes(curvature, 20_000)
        assert torch.allclose(torch.trace(drawn.T @ drawn) / 20_000, size.sum(), rtol=0.05)


@pytest.mark.slow
def test_deep_networks_all_arrive_and_none_at_a_saddle():
    fitted = deep(4)
    removals = leave_one_out(130)
    found = SecondOrder().retrain(fitted, removals)
    assert found.converged.all()
    assert found.same_basin.float().mean() > 0.9
    assert float(found.grad_norm.max()) <= 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("dense", [0, pytest.param(512, marks=EXHAUSTIVE)])
def test_gradients_reach_what_chord_steps_do_not_and_agree_with_dense_newton(dense, monkeypatch):
    monkeypatch.setattr(preconditioned_lbfgs, "DENSE", dense)
    fitted = deep(4)
    curvature, removals = Curvature(fitted), leave_one_out(130)
    test = SecondOrder().convergence_test(curvature, removals)
    problem = problems(fitted, removals, slice(0, 130))[0]
    rest = (~descend(chord_of(curvature, problem), problem, test, max_steps=30).passed).nonzero().squeeze(1)
    assert len(rest) > 10
    theta, gradient, passed = preconditioned_lbfgs.minimise_from_fit(curvature, problem.weights[rest], test, passes=100)
    assert passed.float().mean() > 0.5
    assert float(gradient[passed].norm(dim=1).max()) <= 1e-8
    # A dozen of them beside dense algebra.
    rest, theta = rest[passed][:12], theta[passed][:12]
    for end, weights in zip(theta, problem.weights[rest], strict=True):
        assert float(torch.linalg.eigvalsh(true_hessian(fitted.task, fitted.data, end, weights))[0]) > 1e-5
    # Far moves may end in another minimum than Newton's; near ones may not.
    dense = Newton(tolerance=1e-11).train(
        fitted.task, fitted.data, fitted.theta.repeat(len(rest), 1), problem.weights[rest]
    )
    near = (theta - fitted.theta).norm(dim=1) < 0.3
    assert near.float().mean() > 0.5
    assert float((dense.theta - theta)[near].norm(dim=1).max()) < 1e-4


@pytest.mark.parametrize("passes", [0, 5, 300])
def test_how_a_network_was_reached_has_no_part_in_the_truth(passes):
    fitted = minimum(mlp_problem)
    removals = leave_one_out(40)
    whole = SecondOrder(relative=0, floor=1e-9).retrain(fitted, removals)
    found = SecondOrder(relative=0, floor=1e-9, max_steps=1, passes=passes).retrain(fitted, removals)
    both = whole.trusted & found.trusted
    assert both.float().mean() > 0.8
    assert float((found.values - whole.values)[both].abs().max()) < 1e-8
