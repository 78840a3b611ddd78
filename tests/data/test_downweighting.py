"""Points that lose a share of their weight: as predicted, as trained, and one with removals where the share is 1."""

import numpy
import pytest
import torch
from oracles import model, newton, points_of
from problems import logistic_problem, minimum

import influencelab as il
from influencelab.errors import InvalidParameter, WrongType

POINTS = torch.tensor([3, 8, 21, 34])


@pytest.fixture(scope="module")
def fitted():
    return minimum(logistic_problem, n=100, m=4, weight_decay=0.05)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_what_is_left_of_a_point_is_trained_on(fitted, share):
    """By hand: Newton on NumPy weights of which one is (1 − share) of its own."""
    found = il.SecondOrder().retrain(fitted, il.Downweighting(points=POINTS, n=100, share=share))
    by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)
    before = by_hand.losses(fitted.theta.numpy(), points.x_test, points.y_test)
    for row, point in enumerate(POINTS.tolist()):
        w = points.w.copy()
        w[point] *= 1 - share
        theta = newton(by_hand, points._replace(w=w), start=fitted.theta.numpy())
        change = by_hand.losses(theta, points.x_test, points.y_test) - before
        assert found.values[row].numpy() == pytest.approx(change, rel=1e-4, abs=1e-10)


def test_a_prediction_is_the_share_of_that_of_a_removal(fitted):
    estimate = il.Exact().estimate(fitted)
    part = estimate.predict(il.Downweighting(points=POINTS, n=100, share=0.25))
    whole = estimate.predict(il.leave_one_out(100, rows=POINTS))
    numpy.testing.assert_allclose(part.numpy(), 0.25 * whole.numpy(), rtol=1e-12)
    assert not numpy.allclose(part.numpy(), -0.25 * whole.numpy(), rtol=0.1)


def test_all_of_the_weight_is_a_removal(fitted):
    whole, removal = il.Downweighting(points=POINTS, n=100, share=1), il.leave_one_out(100, rows=POINTS)
    rows = slice(1, 3)
    for one, other in zip(
        (whole.weights(fitted.weights, rows), whole.removed(rows)),
        (removal.weights(fitted.weights, rows), removal.removed(rows)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=0)  # the same arithmetic on the same numbers


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_a_share_that_leaves_no_part_is_refused(share):
    with pytest.raises(InvalidParameter, match="share is"):
        il.Downweighting(points=POINTS, n=100, share=share)


def test_what_is_no_share_or_no_point_is_refused(fitted):
    with pytest.raises(WrongType, match="share"):
        il.Downweighting(points=POINTS, n=100, share="half")
    with pytest.raises(InvalidParameter, match="points go from"):
        il.Downweighting(points=POINTS, n=10)
    with pytest.raises(InvalidParameter, match="made for 50"):
        il.Exact().estimate(fitted).predict(il.Downweighting(points=POINTS, n=50))
