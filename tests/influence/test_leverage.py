"""Leverage is shown beside predictions, and where it is high the Newton step is recommended, which is then nearer."""

import numpy
import pytest
import torch
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem
from sklearn.datasets import load_breast_cancer

import influencelab as il
from influencelab.influence.curvature import Curvature
from influencelab.influence.leverage import effective_parameters, output_spread


def test_leverage_of_ridge_is_the_diagonal_of_the_hat_matrix():
    fitted = minimum(ridge_problem, n=30)
    x = numpy.column_stack([fitted.data.x_train.numpy(), numpy.ones(30)])
    penalty = numpy.diag([fitted.weight_decay] * 4 + [0.0])
    hat = x @ numpy.linalg.solve(x.T @ x / 30 + penalty, x.T / 30)
    estimate = il.Exact().estimate(fitted)
    assert estimate.leverage is not None
    assert estimate.leverage.numpy() == pytest.approx(hat.diagonal(), rel=1e-9)
    table = estimate.table()
    assert table["leverage"].to_numpy() == pytest.approx(hat.diagonal().repeat(fitted.data.m))
    top = estimate.top(0, k=2)
    assert top["leverage"].to_numpy() == pytest.approx(hat.diagonal()[top["train_id"]])


def test_leverages_of_classes_add_up_to_the_effective_parameters():
    fitted = minimum(logistic_problem, n=40, intercept=False)
    found = il.Exact().estimate(fitted).leverage
    assert found is not None
    assert float(found.sum()) == pytest.approx(effective_parameters(Curvature(fitted)), rel=1e-6)


@pytest.mark.parametrize("build", [logistic_problem, binary_problem])
def test_spreads_of_wide_features_are_found_strip_by_strip(build):
    """More columns than one strip has, so that what is folded over the diagonal is tried too."""
    fitted = minimum(build, n=12, m=1, features=290, weight_decay=0.1)
    curvature = Curvature(fitted, damping=0.2)
    rows = torch.tensor([1, 4, 7])
    size = fitted.task.output_loss.size(fitted.data)
    inverse = numpy.linalg.inv(curvature.dense().numpy() + 0.2 * numpy.eye(len(fitted.theta)))
    x = numpy.column_stack([fitted.data.x_train[rows].numpy(), numpy.ones(3)])
    wanted = numpy.einsum("bd,adef,bf->bae", x, inverse.reshape(size, 291, size, 291), x)
    assert output_spread(curvature, rows).numpy() == pytest.approx(wanted, rel=1e-10)


def test_what_is_not_at_hand_is_not_worked_out():
    assert il.Exact().estimate(minimum(mlp_problem)).leverage is None
    task, data = ridge_problem(n=20)
    assert il.ConjugateGradient().estimate(il.fit(task, data, il.Newton())).leverage is None


def test_where_leverage_is_high_the_newton_step_is_recommended_and_nearer():
    x, y = load_breast_cancer(return_X_y=True)
    data = il.Dataset(x[:300], y[:300], x[300:310], y[300:310], name="breast cancer, unscaled")
    fitted = il.fit(il.BinaryLogistic(weight_decay=1e-2), data, il.Newton())
    plain, step = il.Exact().estimate(fitted), il.NewtonStep().estimate(fitted)
    assert plain.leverage is not None
    assert float(plain.leverage.max()) > 0.2
    assert "NewtonStep" in repr(plain)
    assert "NewtonStep" in plain._repr_html_()
    assert "NewtonStep, and" not in repr(step)
    rows = plain.leverage.argsort(descending=True)[:5]
    truth = il.SecondOrder().retrain(fitted, il.leave_one_out(data.n, rows=rows))
    assert truth.trusted.all()
    error = {
        kind: (estimate.values[rows] - truth.values).norm() for kind, estimate in (("plain", plain), ("step", step))
    }
    assert error["step"] < 0.6 * error["plain"]


def test_a_low_leverage_is_shown_without_advice():
    estimate = il.Exact().estimate(minimum(ridge_problem, n=300, weight_decay=1.0))
    assert "largest leverage" in repr(estimate)
    assert "NewtonStep" not in repr(estimate)
    assert torch.isfinite(estimate.values).all()
