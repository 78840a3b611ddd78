"""The bend of the path of minima: that of minima found by NumPy, and what leverage says of least squares."""

import numpy
import pytest
import torch
from oracles import model, newton, points_of
from problems import logistic_problem, minimum, mlp_problem, ridge_problem

import influencelab as il
from influencelab.influence.curvature import Curvature
from influencelab.influence.leverage import effective_parameters, leverage_shares
from influencelab.influence.second_order_effect import second_order_effects

POINTS = torch.tensor([3, 8, 21, 34])


def bend_of_minima(fitted, point, *, h=0.02):
    """½ d²L/dε² of each test loss as point i loses ε of its weight, by central differences of NumPy's minima."""
    by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)

    def losses(share):
        w = points.w.copy()
        w[point] *= 1 - share
        theta = newton(by_hand, points._replace(w=w), start=fitted.theta.numpy())
        return by_hand.losses(theta, points.x_test, points.y_test)

    return (losses(h) - 2 * losses(0.0) + losses(-h)) / (2 * h**2)


@pytest.mark.parametrize("problem", [logistic_problem, ridge_problem])
def test_the_bend_is_that_of_minima_by_hand(problem):
    fitted = minimum(problem, n=60, m=4, weight_decay=0.05)
    found = second_order_effects(Curvature(fitted), il.leave_one_out(60, rows=POINTS)).numpy()
    wanted = numpy.stack([bend_of_minima(fitted, point) for point in POINTS.tolist()])
    scale = numpy.abs(wanted).max()
    numpy.testing.assert_allclose(found, wanted, rtol=2e-2, atol=2e-3 * scale)
    # Without the curvature that leaves, or with the sign turned round, it would be another.
    assert numpy.abs(found + wanted).max() > 0.5 * scale


def test_second_order_of_a_network_takes_away_most_of_what_first_order_misses():
    fitted = minimum(mlp_problem, n=60, m=4, weight_decay=0.05)
    points = il.Downweighting(points=POINTS, n=60, share=0.05)
    truth = il.SecondOrder(relative=1e-9, floor=1e-9, tolerance=1e-12).retrain(fitted, points).values
    first = il.Exact().estimate(fitted).predict(points)
    second = first + second_order_effects(Curvature(fitted), points)
    assert float((second - truth).norm()) < 0.1 * float((first - truth).norm())
    assert float((first - truth).norm()) > 1e-4 * float(truth.norm())


def test_shares_of_leverage_add_up_to_the_parameters_that_data_decide():
    fitted = minimum(logistic_problem, n=60, m=4, weight_decay=0.05)
    curvature = Curvature(fitted)
    shares = leverage_shares(curvature)
    assert float(shares.sum()) == pytest.approx(effective_parameters(curvature), rel=1e-8)
    assert float(shares.min()) > -1e-12
    assert float(shares.max()) < 1


def test_of_a_network_shares_are_those_of_gauss_newton_curvature_and_lie_between_0_and_1():
    fitted = minimum(mlp_problem, n=60, m=4, weight_decay=0.05)
    task, data, p = fitted.task, fitted.data, len(fitted.theta)
    jacobians = torch.autograd.functional.jacobian(lambda theta: task.outputs(theta, data.x_train), fitted.theta)
    chance = torch.softmax(task.outputs(fitted.theta, data.x_train), dim=0).numpy()
    curved = numpy.einsum("cn,ce->cen", chance, numpy.eye(len(chance))) - numpy.einsum("cn,en->cen", chance, chance)
    loss = numpy.einsum("cnp,cen,enq->pq", jacobians.numpy(), curved, jacobians.numpy()) / data.n
    penalty = 0.05 * numpy.diag(task.penalised(data).numpy().astype(float))
    by_hand = numpy.trace(loss @ numpy.linalg.pinv(loss + penalty, hermitian=True))
    shares = leverage_shares(Curvature(fitted, kind="gauss_newton"))
    assert float(shares.sum()) == pytest.approx(by_hand, rel=1e-8)
    assert 0 < float(shares.max()) < 1
    assert 0 < by_hand < p
    # The Hessian's, of a loss that curves downwards too, is another number.
    assert abs(float(leverage_shares(Curvature(fitted)).sum()) - by_hand) > 0.01


def test_of_one_output_the_share_is_the_hat_value():
    fitted = minimum(ridge_problem, n=60, m=4, weight_decay=0.05)
    x = numpy.hstack([fitted.data.x_train.numpy(), numpy.ones((60, 1))])
    penalty = 0.05 * numpy.diag([1.0] * (x.shape[1] - 1) + [0.0])
    by_hand = numpy.einsum("id,de,ie->i", x, numpy.linalg.inv(x.T @ x / 60 + penalty), x) / 60
    assert leverage_shares(Curvature(fitted))[:, -1].numpy() == pytest.approx(by_hand, rel=1e-8)
