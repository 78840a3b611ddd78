"""Relative influence is what plain algebra says, and what a model whose weights really change does on its way."""

import numpy
import pytest
import torch
from oracles import linear_hessian, model, newton, point_gradients, points_of, solve
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem

import influencelab as il
from influencelab.errors import InvalidParameter, NotConverged
from influencelab.influence import relative


def by_algebra(fitted, *, damping: float = 0.0) -> numpy.ndarray:
    """sᵢᵀ ∇L_j / ‖sᵢ‖ of a linear task, in NumPy."""
    by_hand, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    curved = linear_hessian(by_hand, theta, points) + damping * numpy.eye(len(theta))
    moves = numpy.stack([solve(curved, each) for each in point_gradients(by_hand, theta, points.x, points.y)])
    pulls = point_gradients(by_hand, theta, points.x_test, points.y_test)
    return moves @ pulls.T / numpy.linalg.norm(moves, axis=1, keepdims=True)


@pytest.mark.parametrize("damping", [0.0, 0.1])
@pytest.mark.parametrize("build", [logistic_problem, binary_problem, ridge_problem])
def test_it_is_the_slope_of_a_test_loss_along_the_move_of_theta(build, damping):
    fitted = minimum(build)
    wanted, found = by_algebra(fitted, damping=damping), il.Relatif(damping=damping).estimate(fitted)
    assert found.values.numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    assert (found.damping, found.unit) == (damping, "none")
    lengths = numpy.linalg.norm(fitted.measure_gradients().numpy(), axis=1)
    assert (abs(wanted) <= lengths * (1 + 1e-9)).all()
    wrong = (il.Exact(damping=damping), il.GradientCosine())
    for other in (each.estimate(fitted).values.numpy() for each in wrong):
        scaled = other * (wanted * other).sum() / (other * other).sum()
        assert abs(scaled - wanted).max() > 0.05 * abs(wanted).max(), "influence and cosines are something else"


def test_a_model_with_a_little_less_weight_on_a_point_goes_that_way():
    fitted = minimum(binary_problem)
    by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)
    before, values = fitted.theta.numpy(), il.Relatif().estimate(fitted).values.numpy()
    for row in (0, 11):
        lighter = points.w.copy()
        lighter[row] *= 1 - 1e-4
        move = newton(by_hand, points._replace(w=lighter), start=before) - before
        pulls = point_gradients(by_hand, before, points.x_test, points.y_test)
        assert pulls @ move / numpy.linalg.norm(move) == pytest.approx(values[row], rel=1e-3, abs=1e-6)


def test_of_a_network_it_is_influence_over_the_length_of_the_move(monkeypatch):
    fitted = minimum(mlp_problem)
    data, values = fitted.data, il.Relatif().estimate(fitted).values
    exact = il.Exact().estimate(fitted).values / fitted.weights[:, None]
    ratio = exact / values
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-6)
    assert (ratio > 0).all()
    monkeypatch.setattr(relative.derivatives, "chunks", lambda n, *, width: [slice(0, 7), slice(7, data.n)])
    assert torch.allclose(il.Relatif().estimate(fitted).values, values, rtol=1e-9, atol=1e-12)


def test_an_outlier_of_large_loss_comes_first_by_influence_and_not_by_relative_influence():
    task, data = ridge_problem(n=60, m=5, weight_decay=0.05)
    data.x_train[3] *= 2
    data.y_train[3] += 40
    fitted = il.fit(task, data, il.Newton(tolerance=1e-10))
    ranks = [
        [int((values[:, j].abs() > values[3, j].abs()).sum()) for j in range(data.m)]
        for values in (kind.estimate(fitted).values for kind in (il.Exact(), il.Relatif()))
    ]
    assert max(ranks[0]) <= 2
    assert min(ranks[1]) > max(ranks[0])


def test_a_point_whose_gradient_vanishes_has_none():
    task, data = ridge_problem(intercept=False)
    data.x_train[0] = 0
    values = il.Relatif().estimate(il.fit(task, data, il.Newton())).values
    assert (values[0] == 0).all()
    assert values[1:].isfinite().all()
    assert values[1:].abs().min() > 0


def test_what_it_cannot_do_is_refused(monkeypatch):
    with pytest.raises(InvalidParameter, match="curvature is 'fisher'"):
        il.Relatif(curvature="fisher")
    with pytest.raises(InvalidParameter, match="damping is -1"):
        il.Relatif(damping=-1)
    task, data = logistic_problem()
    rough = il.fit(task, data, il.Newton(tolerance=1e-10, max_steps=1))
    with pytest.raises(NotConverged, match="allow_unconverged=True"):
        il.Relatif().estimate(rough)
    monkeypatch.setattr(relative.Curvature, "by_products", True)
    monkeypatch.setattr(relative, "seconds_of", lambda fit, points: 3600.0)
    with pytest.raises(InvalidParameter, match=r"60 training points, of .* 60 minutes on one core"):
        il.Relatif().estimate(minimum(logistic_problem))
