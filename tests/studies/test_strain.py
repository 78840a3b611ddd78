"""Who carries curvature, how far removals reach, and what is said where nothing bends."""

import math
from dataclasses import replace

import numpy
import pytest
import torch
from problems import class_data, logistic_problem, minimum

from influencelab.errors import FlatLoss, InvalidParameter
from influencelab.influence.estimators.conjugate_gradient import ConjugateGradient
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.studies.smooth_hinge.strain import (
    WIDE_ENOUGH,
    at_task,
    effective_curvature_points,
    margin_shift,
    rule,
)
from influencelab.training.fit import fit
from influencelab.training.trainers.active_set import ActiveSet
from influencelab.training.trainers.newton import Newton

DATA = class_data(3, classes=2, n=30, features=3)


def smooth(t: float, decay: float = 0.05):
    return fit(SmoothHinge(decay, t=t), DATA, Newton(tolerance=1e-12))


def by_loops(fitted) -> float:
    """The strain, one removed point and one moved point at a time."""
    x, y = DATA.x_train.numpy(), numpy.where(DATA.y_train == 1, 1.0, -1.0)
    z, t, theta = y[:, None] * x, fitted.task.t, fitted.theta.numpy()
    pull = 1 / (1 + numpy.exp(-(1 - z @ theta) / t))
    bend = pull * (1 - pull) / t
    above = below = 0.0
    for i in range(30):
        rest = 0.05 * numpy.eye(3) + sum(bend[j] / 30 * numpy.outer(z[j], z[j]) for j in range(30) if j != i)
        step = numpy.linalg.solve(rest, z[i] * pull[i] / 30)
        for j in range(30):
            below += pull[i] * bend[j]
            if j != i:
                above += pull[i] * bend[j] * (z[j] @ step / t) ** 2
    return math.sqrt(above / below)


@pytest.mark.parametrize("t", [0.03, 0.3, 2.0])
def test_strain_is_the_newton_step_of_each_removal_seen_from_each_other_point(t):
    fitted = smooth(t)
    assert margin_shift(fitted) == pytest.approx(by_loops(fitted), rel=1e-9)


def test_strain_is_infinite_where_nothing_bends():
    true = fit(SmoothHinge(0.05, t=0.0), DATA, ActiveSet())
    assert margin_shift(true) == math.inf
    with pytest.raises(InvalidParameter, match="asked of a SmoothHinge only"):
        margin_shift(minimum(logistic_problem))


def test_carriers_count_the_points_that_bend():
    one = replace(DATA, x_train=torch.zeros_like(DATA.x_train))
    assert effective_curvature_points(fit(SmoothHinge(0.05, t=0.5), one, Newton())) == pytest.approx(30)
    assert effective_curvature_points(fit(SmoothHinge(0.05, t=0.0), DATA, ActiveSet())) == 0
    assert effective_curvature_points(smooth(0.01)) < effective_curvature_points(smooth(0.3)) < 30


def test_the_rule_takes_the_smallest_t_that_is_wide_enough_coming_from_above():
    assert rule({1.0: 0.1, 0.1: 0.5, 0.01: 0.9, 0.001: 2.0}) == 0.1
    assert rule({1.0: 0.1, 0.1: 0.5, 0.01: 0.9, 0.001: 0.2}) == 0.1
    assert rule({1.0: 0.1, 0.1: WIDE_ENOUGH}) == 0.1
    assert rule({1.0: 3.0, 0.1: math.inf}) == 1.0


def test_loading_weights_into_another_bend_trains_nothing_and_says_where_it_stands():
    true = fit(SmoothHinge(0.05, t=0.0), DATA, ActiveSet())
    task = SmoothHinge(0.05, t=0.1)
    seen = at_task(true, task)
    # Equal bits: a copy.
    assert torch.equal(seen.theta, true.theta)
    assert not seen.converged
    z = torch.where(DATA.y_train == 1, 1.0, -1.0).double()[:, None] * DATA.x_train
    theta = true.theta.clone().requires_grad_()
    loss = (0.1 * torch.log1p(torch.exp((1 - z @ theta) / 0.1))).mean() + 0.025 * theta.square().sum()
    (gradient,) = torch.autograd.grad(loss, theta)
    assert seen.loss == pytest.approx(loss.item(), rel=1e-12)
    assert seen.grad_norm == pytest.approx(float(gradient.norm()), rel=1e-9)
    assert at_task(replace(true, theta=smooth(0.1).theta), true.task).grad_norm > 1e-3


@pytest.mark.parametrize("estimator", [Exact(allow_unconverged=True), ConjugateGradient(allow_unconverged=True)])
def test_a_fit_without_a_point_near_the_bend_is_warned_of(estimator):
    far = at_task(smooth(1.0), SmoothHinge(0.05, t=1e-6))
    assert effective_curvature_points(far) == 0
    with pytest.warns(FlatLoss, match=r"No training point is near the bend .*t = 1e-06.* Take a larger t"):
        estimator.estimate(far)
    # Neither where some are, nor at t = 0, where it is so by definition: a warning would be an error here.
    estimator.estimate(smooth(0.1))
    estimator.estimate(at_task(smooth(1.0), SmoothHinge(0.05, t=0.0)))


def test_influence_of_a_smooth_hinge_is_the_derivative_of_its_minimum():
    fitted = smooth(0.2)
    slopes = Exact().estimate(fitted).slopes
    step = 1e-5
    for point in slopes.abs().amax(1).topk(3).indices.tolist():
        moved = []
        for sign in (1, -1):
            weights = fitted.weights.clone()
            weights[point] += sign * step
            moved.append(fit(fitted.task, DATA, fitted.trainer, weights=weights).measures())
        assert torch.allclose((moved[0] - moved[1]) / (2 * step), slopes[point], rtol=1e-5, atol=1e-8)
        assert slopes[point].abs().max() > 1e-2
