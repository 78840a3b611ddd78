"""Loss-relative influence is what plain algebra says, and knows of a point's loss no more than its side."""

import numpy
import pytest
import torch
from oracles import linear_hessian, model, point_gradients, points_of, solve
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem

import influencelab as il
from influencelab.errors import InvalidParameter


def by_algebra(fitted, *, damping: float = 0.0) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """sᵢᵀ ∇L_j / √(sᵢᵀ ∇ℓᵢ) of a linear task in NumPy, the self-influence sᵢᵀ ∇ℓᵢ, and √(∇L_jᵀ C⁻¹ ∇L_j)."""
    by_hand, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    curved = linear_hessian(by_hand, theta, points) + damping * numpy.eye(len(theta))
    gradients = point_gradients(by_hand, theta, points.x, points.y)
    pulls = point_gradients(by_hand, theta, points.x_test, points.y_test)
    own = numpy.array([each @ solve(curved, each) for each in gradients])
    bound = numpy.sqrt([each @ solve(curved, each) for each in pulls])
    values = numpy.stack([solve(curved, each) for each in gradients]) @ pulls.T / numpy.sqrt(own)[:, None]
    return values, own, bound


@pytest.mark.parametrize("damping", [0.0, 0.1])
@pytest.mark.parametrize("build", [logistic_problem, binary_problem, ridge_problem])
def test_it_is_influence_over_the_root_of_self_influence(build, damping):
    fitted = minimum(build)
    wanted, own, bound = by_algebra(fitted, damping=damping)
    found = il.LossRelatif(damping=damping).estimate(fitted)
    assert found.values.numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    assert (found.damping, found.unit) == (damping, "none")
    assert (abs(found.values.numpy()) <= bound * (1 + 1e-9)).all()
    exact = il.Exact(damping=damping).estimate(fitted).values / fitted.weights[:, None]
    assert (exact / found.values).numpy() == pytest.approx(numpy.sqrt(own)[:, None] * numpy.ones(fitted.data.m))
    for other in (
        each.estimate(fitted).values.numpy() for each in (il.Exact(damping=damping), il.Relatif(damping=damping))
    ):
        scaled = other * (wanted * other).sum() / (other * other).sum()
        assert abs(scaled - wanted).max() > 0.02 * abs(wanted).max(), "influence and θ-relative influence are others"


@pytest.mark.parametrize("build", [binary_problem, ridge_problem])
def test_of_a_point_s_loss_it_knows_the_side_and_no_size(build):
    """With one output ∇ℓᵢ = rᵢ xᵢ, so that values[i] = sign(rᵢ) xᵢᵀ C⁻¹ ∇L / √(xᵢᵀ C⁻¹ xᵢ)."""
    fitted = minimum(build)
    by_hand, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    curved = linear_hessian(by_hand, theta, points)
    gradients = point_gradients(by_hand, theta, points.x, points.y)
    rows = numpy.column_stack([points.x, numpy.ones(len(points.x))])
    side = numpy.sign((gradients * rows).sum(1))
    assert gradients == pytest.approx(rows * (gradients * rows).sum(1, keepdims=True) / (rows**2).sum(1, keepdims=True))
    moves = numpy.stack([solve(curved, each) for each in rows])
    lengths = numpy.sqrt((moves * rows).sum(1))
    wanted = (side / lengths)[:, None] * (moves @ point_gradients(by_hand, theta, points.x_test, points.y_test).T)
    assert il.LossRelatif().estimate(fitted).values.numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_a_point_whose_gradient_vanishes_has_none():
    task, data = ridge_problem(intercept=False)
    data.x_train[0] = 0
    values = il.LossRelatif().estimate(il.fit(task, data, il.Newton())).values
    assert (values[0] == 0).all()
    assert values[1:].isfinite().all()
    assert values[1:].abs().min() > 0


def test_a_network_has_it_too_unless_its_curvature_is_negative_along_a_move():
    fitted = minimum(mlp_problem)
    values = il.LossRelatif(curvature="gauss_newton", damping=0.01).estimate(fitted).values
    assert values.isfinite().all()
    with pytest.raises(InvalidParameter, match="self-influence has no root"):
        il.LossRelatif().lengths(-torch.ones(2, 1), torch.ones(2, 1))
