"""Offsets: a known part of every output, against targets less it and against formulas in NumPy."""

from dataclasses import replace

import numpy
import pytest
import torch
from problems import class_data, value_data

import influencelab as il
from influencelab.models import derivatives
from influencelab.models.loss_derivatives import LossDerivatives

SHIFTS = torch.linspace(-1.5, 2.0, 65, dtype=torch.float64)


def shifted(data):
    """The same points with an offset each, as their last feature."""
    train, test = SHIFTS[: data.n, None], SHIFTS[data.n : data.n + data.m, None]
    return replace(data, x_train=torch.cat([data.x_train, train], 1), x_test=torch.cat([data.x_test, test], 1))


def less(data):
    """The same points with targets less their offsets."""
    return replace(data, y_train=data.y_train - SHIFTS[: data.n], y_test=data.y_test - SHIFTS[data.n :][: data.m])


REAL, TWO = value_data(2), class_data(1, classes=2)


@pytest.mark.parametrize("intercept", [True, False])
def test_of_squares_an_offset_is_the_same_as_targets_less_it(intercept):
    task, plain = il.OffsetLinear(0.1, intercept=intercept), il.Ridge(0.1, intercept=intercept)
    ours, theirs = il.fit(task, shifted(REAL), il.Newton()), il.fit(plain, less(REAL), il.Newton())
    assert ours.theta.numpy() == pytest.approx(theirs.theta.numpy(), rel=1e-9)
    assert ours.measures().numpy() == pytest.approx(theirs.measures().numpy(), rel=1e-9)
    for estimator in (il.Exact(), il.NewtonStep(), il.ConjugateGradient(), il.GradientCosine()):
        found, wanted = (estimator.estimate(each).values.numpy() for each in (ours, theirs))
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    removals = il.leave_one_out(REAL.n, rows=[0, 7])
    found, wanted = (il.SecondOrder().retrain(each, removals).values.numpy() for each in (ours, theirs))
    assert found == pytest.approx(wanted, rel=1e-6)
    assert il.hat_values(ours).to_numpy() == pytest.approx(il.hat_values(theirs).to_numpy(), rel=1e-9)


@pytest.mark.parametrize("loss", [il.BinaryCrossEntropy(), il.BinomialCrossEntropy("probit")])
def test_closed_forms_are_what_automatic_differentiation_gives(loss):
    task, data = il.OffsetLinear(0.0, loss=loss), shifted(TWO)
    generator = torch.Generator().manual_seed(3)
    theta = torch.randn(2, 5, generator=generator, dtype=torch.float64)
    weights = torch.rand(2, data.n, generator=generator, dtype=torch.float64)
    closed, auto = task.derivatives(data), LossDerivatives(task, data, 1)
    rows = slice(3, 40)
    for method in ("losses", "gradients"):
        found, wanted = (getattr(each, method)(theta, weights, rows) for each in (closed, auto))
        assert torch.allclose(found, wanted, rtol=1e-10)
    for found, wanted in zip(
        closed.losses_and_gradients(theta, weights, rows), auto.losses_and_gradients(theta, weights, rows), strict=True
    ):
        assert torch.allclose(found, wanted, rtol=1e-10)
    found, wanted = (each.products(theta[0], weights[0], theta, rows) for each in (closed, auto))
    assert torch.allclose(found, wanted, rtol=1e-9)
    found, wanted = (each.hessians(theta, weights, kind="hessian") for each in (closed, auto))
    assert torch.allclose(found, wanted, rtol=1e-9)
    samples = torch.randint(data.n, (3, 8), generator=generator)
    vectors = torch.randn(3, 2, 5, generator=generator, dtype=torch.float64)
    settings = {"samples": samples, "kind": "gauss_newton"}
    found, wanted = (each.sample_products(theta[0], weights[0], vectors, **settings) for each in (closed, auto))
    assert torch.allclose(found, wanted, rtol=1e-9)


def test_losses_and_outputs_are_the_formula():
    data, theta = shifted(TWO), numpy.array([0.3, -0.2, 0.5, 0.1, 0.7])
    x, y = data.x_train.numpy(), data.y_train.numpy()
    z = x[:, :4] @ theta[:4] + theta[4] + x[:, 4]
    task = il.OffsetLinear(0.0, loss=il.BinaryCrossEntropy())
    at = torch.from_numpy(theta)
    assert task.outputs(at, data.x_train)[0].numpy() == pytest.approx(z, rel=1e-12)
    wanted = numpy.logaddexp(0, numpy.where(y == 1, -z, z)).mean()
    weights = torch.full((1, data.n), 1 / data.n, dtype=torch.float64)
    assert float(derivatives.objectives(task, data, at[None], weights)[0]) == pytest.approx(wanted, rel=1e-12)


def test_a_moved_offset_moves_the_model_as_predicted():
    fit = il.fit(il.OffsetLinear(0.1, loss=il.BinaryCrossEntropy()), shifted(TWO), il.Newton())
    step = torch.zeros(1, 5, dtype=torch.float64)
    sensitivity, changes = il.Exact().sensitivity(fit), []
    for size in (1e-3, -1e-3):
        step[0, 4] = size
        moved = fit.data.x_train.clone()
        moved[6] += step[0]
        again = il.fit(fit.task, replace(fit.data, x_train=moved), il.Newton())
        changes.append(again.measures() - fit.measures())
    step[0, 4] = 1.0
    found = sensitivity.predict(il.FeatureMove(points=torch.tensor([6]), moves=step, n=fit.data.n))[0].numpy()
    assert found == pytest.approx(((changes[0] - changes[1]) / 2e-3).numpy(), rel=1e-4)
