"""Leverage is shown beside predictions, and where it is high the Newton step is recommended, which is then nearer."""

import numpy
import pytest
import scipy.stats
import torch
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem
from sklearn.datasets import load_breast_cancer

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.influence.drawn_leverage import draws_of
from influencelab.influence.leverage import amplification, effective_parameters, output_spread


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


DRAWN = {
    "ridge": lambda: minimum(ridge_problem, n=60, weight_decay=1e-2),
    "softmax": lambda: minimum(logistic_problem, n=60, weight_decay=1e-2),
    "softmax, free": lambda: minimum(logistic_problem, n=60, weight_decay=1e-3, intercept=True),
}


def errors(found, right):
    """What each block is off by, as a share of its own size."""
    return ((found - right).norm(dim=(1, 2)) / right.norm(dim=(1, 2))).square().mean().sqrt()


@pytest.mark.parametrize("damping", [0.0, 0.1])
@pytest.mark.parametrize("name", DRAWN)
def test_draws_show_leverages_to_the_share_that_is_said(name, damping):
    curvature = Curvature(DRAWN[name](), damping=damping)
    rows = torch.arange(60)
    eye = torch.eye(curvature.fit.task.output_loss.size(curvature.fit.data), dtype=torch.float64)
    # Shifts of all outputs by the same change no loss of a softmax.
    told = eye - eye.mean() if len(eye) > 1 else eye
    spread, amplified = (
        told @ each @ told for each in (output_spread(curvature, rows), amplification(curvature, rows)[0])
    )
    for count in (256, 4096):
        draws = draws_of(curvature, count=count, seed=0)
        assert draws is not None
        share = (2 / count) ** 0.5
        assert errors(draws.spread(rows), spread) < 2 * share
        grown = draws.amplification(rows)[0]
        wrong = (told @ grown @ told - amplified).norm() / (amplified - told).norm()
        assert wrong < 3 * share * float(grown.abs().max())
        assert torch.linalg.eigvals(grown).real.min() > 1 - 1e-9


def test_without_the_noise_of_the_penalty_leverages_would_be_too_small(monkeypatch):
    fitted = minimum(ridge_problem, n=60, weight_decay=1.0)
    right = output_spread(Curvature(fitted), torch.arange(60))
    penalty = type(fitted.task.penalty(fitted.data, fitted.theta))
    curvature = Curvature(fitted)
    assert curvature.cholesky() is not None
    monkeypatch.setattr(type(fitted.task), "penalty", lambda *_: penalty(torch.zeros_like(fitted.theta)))
    wrong = draws_of(curvature, count=4096, seed=0)
    assert wrong is not None
    assert errors(wrong.spread(torch.arange(60)), right) > 5 * (2 / 4096) ** 0.5


def test_a_newton_step_of_drawn_leverages_is_of_the_right_size():
    x, y = load_breast_cancer(return_X_y=True)
    x = scipy.stats.zscore(x)
    data = il.Dataset(x[:150], y[:150], x[150:170], y[150:170], name="breast cancer")
    fitted = il.fit(il.BinaryLogistic(weight_decay=1e-4), data, il.Newton())
    step, drawn = (il.NewtonStep(draws=draws).estimate(fitted) for draws in (None, 512))
    one, other = (each.values.flatten().numpy() for each in (step, drawn))
    plain = il.Exact().estimate(fitted).values.flatten().numpy()
    assert numpy.polyfit(other, one, 1)[0] == pytest.approx(1, abs=0.04)
    assert numpy.polyfit(plain, one, 1)[0] > 1.3
    assert numpy.corrcoef(scipy.stats.rankdata(one), scipy.stats.rankdata(other))[0, 1] > 0.99
    own = [each.self_influence().numpy() for each in (step, drawn)]
    assert numpy.sqrt(numpy.mean((own[1] / own[0] - 1) ** 2)) < 3 * (2 / 512) ** 0.5


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InvalidParameter, match="draws is 5, expected None or at least 20"):
        il.NewtonStep(draws=5)
    with pytest.raises(InvalidParameter, match=r"draws is 20.*at least 23.*outputs"):
        il.NewtonStep(draws=20).estimate(minimum(logistic_problem))
    with pytest.raises(InvalidParameter, match="linear tasks"):
        il.NewtonStep(draws=100).estimate(minimum(mlp_problem))
