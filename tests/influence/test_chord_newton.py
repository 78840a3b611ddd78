"""Chord steps: the first gradient without a pass over the data, and the curvature that leaves with a point."""

import pytest
import torch
from problems import binary_problem, class_data, logistic_problem, mlp_problem, ridge_problem, value_data

from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import groups, leave_one_out
from influencelab.influence.chord_newton import ConvergenceTest, chord_of, first_gradients
from influencelab.influence.curvature import Curvature
from influencelab.influence.retrainer import problems
from influencelab.models import derivatives
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.ridge import Ridge
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton

LINEAR = [ridge_problem, binary_problem, logistic_problem]


def weighted(build):
    """A fit to unequal weights of another total than 1."""
    task, data = build(n=20)
    return fit(task, data, Newton(tolerance=1e-10), weights=torch.linspace(0.01, 0.2, 20, dtype=torch.float64))


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("build", [*LINEAR, mlp_problem])
def test_first_gradients_are_those_of_the_objectives_without_the_points(build, convention):
    fitted = weighted(build)
    for removals in (
        leave_one_out(20, rows=torch.tensor([19, 3, 0]), convention=convention),
        groups(20, members=[[1, 2], [], [5]], convention=convention),
    ):
        problem = problems(fitted, removals, slice(0, 3))[0]
        # Equal bits: a copy.
        assert torch.equal(problem.weights[0], fitted.weights)
        start = fitted.theta.expand(4, -1)
        wanted = derivatives.gradients(fitted.task, fitted.data, start, problem.weights)
        found = first_gradients(fitted, problem)
        assert torch.allclose(found, wanted, rtol=1e-9, atol=1e-14)
        assert float(found[0].norm()) <= 1e-9


@pytest.mark.parametrize("damping", [0.0, 0.1])
@pytest.mark.parametrize("build", LINEAR)
def test_a_step_solves_with_the_curvature_without_the_point(build, damping):
    fitted = weighted(build)
    curvature = Curvature(fitted, damping=damping)
    problem = problems(fitted, leave_one_out(20, rows=torch.tensor([19, 3])), slice(0, 2))[0]
    chord, gradient = chord_of(curvature, problem), first_gradients(fitted, problem)
    here = fitted.theta.expand(3, -1)
    dense = derivatives.hessians(fitted.task, fitted.data, here, problem.weights)
    dense += damping * torch.eye(dense.shape[1], dtype=torch.float64)
    wanted = torch.stack([torch.linalg.pinv(one, hermitian=True, rtol=1e-12) @ g for one, g in zip(dense, gradient)])  # noqa: B905 - as many
    assert torch.allclose(chord.step(gradient), wanted, rtol=1e-6, atol=1e-12)
    part = torch.tensor([2, 0])
    assert torch.allclose(chord.take(part).step(gradient[part]), chord.step(gradient)[part], rtol=1e-12)


def test_one_step_removes_a_point_from_a_ridge_regression():
    task, data = Ridge(0.05), value_data(0, n=20, m=3)
    fitted = fit(task, data, Newton(tolerance=1e-12))
    problem = problems(fitted, leave_one_out(20), slice(0, 20))[0]
    theta = fitted.theta - chord_of(Curvature(fitted), problem).step(first_gradients(fitted, problem))
    left = derivatives.gradients(task, data, theta, problem.weights)
    assert float(left.norm(dim=1).max()) < 1e-13


def test_amplification_is_the_leverage_of_the_removed_point():
    task, data = Logistic(0.01), class_data(0, n=20, m=3)
    fitted = fit(task, data, Newton(tolerance=1e-10))
    single = chord_of(Curvature(fitted), problems(fitted, leave_one_out(20), slice(0, 20))[0])
    assert float(single.amplification[0]) == 1
    assert (single.amplification[1:] > 1).all()
    group = chord_of(Curvature(fitted), problems(fitted, groups(20, members=[[0, 1]]), slice(0, 1))[0])
    assert group.amplification.tolist() == [1, 1]
    assert not group.correction.any()


def test_the_test_is_passed_by_every_test_point_or_not_at_all():
    sensitivity = torch.tensor([[1.0, 0.0], [0.0, 100.0]], dtype=torch.float64)
    test = ConvergenceTest(sensitivity, torch.tensor([1.0, 1.0]).double(), tolerance=1e-3, relative=1e-2, floor=1e-4)
    gradient = torch.tensor([[5e-5, 5e-7], [5e-5, 5e-5], [2e-3, 0.0], [float("nan"), 0.0]], dtype=torch.float64)
    nothing = torch.zeros(4, 2, dtype=torch.float64)
    assert test.passed(gradient, nothing).tolist() == [True, False, False, False]
    assert test.passed(gradient, nothing + 1).tolist() == [True, True, False, False]
    assert test.passed(gradient, nothing, torch.tensor([3.0, 1.0, 1.0, 1.0]).double()).tolist() == [False] * 4
    assert not test.passed(gradient[:1], nothing[:1], torch.tensor([torch.inf]).double()).any()
