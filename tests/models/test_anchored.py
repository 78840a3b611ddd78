"""Objectives held to a known θˢ: definitions, finite differences, the first-order response, and retraining on them."""

from dataclasses import replace

import numpy
import proximal_oracles
import pytest
import torch
from oracles import along, gradient, hessian, model, points_of, softmax
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem, value_data
from proximal_oracles import DAMPING, stopped
from tight_retraining import worst

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models import derivatives, loss_derivatives
from influencelab.models.proximal import ProximalTask, proximal, proximal_bregman_response
from influencelab.models.tasks.mlp import MLP
from influencelab.training.trainers.newton import Newton


def regression_problem(seed=0, *, n=12, m=3):
    return MLP(weight_decay=5e-2, width=2, regression=True), value_data(seed, n=n, m=m, features=2)


BUILDS = [logistic_problem, binary_problem, ridge_problem, mlp_problem, regression_problem]


def anchored(fitted, target, damping=DAMPING):
    if target == "proximal":
        return proximal(fitted.task, fitted.theta, damping=damping)
    return proximal_bregman_response(fitted.task, fitted.data, fitted.theta, fitted.weights, damping=damping)


def elsewhere(fitted):
    """Two other places with other training weights, one with a point removed."""
    generator = torch.Generator().manual_seed(3)
    theta = fitted.theta + 0.3 * torch.randn(2, len(fitted.theta), generator=generator, dtype=torch.float64)
    weights = fitted.weights * torch.rand(2, fitted.data.n, generator=generator, dtype=torch.float64)
    weights[1, 3] = 0
    return theta, weights


# The objective and its derivatives.
@pytest.mark.parametrize("target", ["proximal", "pbrf"])
@pytest.mark.parametrize("build", BUILDS)
def test_objectives_follow_their_definition_up_to_a_constant(build, target):
    fitted = stopped(build, n=12, m=3)
    task, oracle = anchored(fitted, target), proximal_oracles.held(fitted, target, DAMPING)
    theta, weights = elsewhere(fitted)
    here = derivatives.objectives(task, fitted.data, theta, weights)
    there = derivatives.objectives(task, fitted.data, fitted.theta.expand_as(theta), weights)
    for k in range(2):
        w = weights[k].numpy()
        wanted = proximal_oracles.value(oracle, theta[k].numpy(), w) - proximal_oracles.value(
            oracle, fitted.theta.numpy(), w
        )
        assert float(here[k] - there[k]) == pytest.approx(wanted, rel=1e-11, abs=1e-13)
    again, slopes = derivatives.objectives_and_gradients(task, fitted.data, theta, weights)
    assert torch.allclose(again, here, rtol=1e-13)
    assert torch.allclose(slopes, derivatives.gradients(task, fitted.data, theta, weights), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("chunk", [None, 5])
@pytest.mark.parametrize("target", ["proximal", "pbrf"])
@pytest.mark.parametrize("build", BUILDS)
def test_derivatives_are_those_of_the_definition(build, target, chunk, monkeypatch):
    if chunk:
        monkeypatch.setattr("influencelab.models.penalty.CHUNK", chunk)
        monkeypatch.setattr(loss_derivatives, "CHUNK", chunk)
    settings = {"features": 2} if build is not regression_problem else {}
    fitted = stopped(build, n=10, m=2, **settings)
    task, oracle = anchored(fitted, target), proximal_oracles.held(fitted, target, DAMPING)
    theta, weights = elsewhere(fitted)
    slopes = derivatives.gradients(task, fitted.data, theta, weights)
    bends = derivatives.hessians(task, fitted.data, theta, weights)
    eye = torch.eye(len(fitted.theta), dtype=torch.float64)
    for k in range(2):

        def objective(at, k=k):
            return proximal_oracles.value(oracle, at, weights[k].numpy())

        at = theta[k].numpy()
        assert slopes[k].numpy() == pytest.approx(gradient(objective, at), rel=1e-8, abs=1e-9)
        if chunk is None and k == 1:
            assert bends[k].numpy() == pytest.approx(hessian(objective, at), rel=1e-6, abs=1e-7)
        products = derivatives.products(task, fitted.data, theta[k], weights[k], eye)
        assert torch.allclose(products, bends[k], rtol=1e-9, atol=1e-12)
    vectors = elsewhere(fitted)[0]
    wanted = torch.einsum("kpq,kq->kp", bends, vectors)
    assert torch.allclose(derivatives.model_products(task, fitted.data, theta, weights, vectors), wanted, atol=1e-12)


@pytest.mark.parametrize("build", [logistic_problem, mlp_problem])
def test_the_divergence_of_softmax_is_the_relative_entropy_of_two_predictions(build):
    fitted = stopped(build, n=12, m=3)
    task, (theta, _) = anchored(fitted, "pbrf", damping=0.0), elsewhere(fitted)
    weights = fitted.weights[None]
    by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)
    values = [derivatives.objectives(task, fitted.data, at[None], weights)[0] for at in (theta[0], fitted.theta)]
    before, after = (softmax(by_hand.outputs(at.numpy(), points.x)) for at in (fitted.theta, theta[0]))
    entropy = (before * numpy.log(before / after)).sum(1)
    moved = (theta[0] - fitted.theta).numpy()
    assert float(values[0] - values[1]) == pytest.approx(points.w @ entropy + 0.5 * by_hand.penalty @ moved**2)
    assert numpy.abs(points.w @ entropy) > 1e-3
    labels = replace(fitted.data, y_train=fitted.data.y_train.flip(0))
    other = proximal_bregman_response(fitted.task, labels, fitted.theta, fitted.weights, damping=0.0)
    others = [derivatives.objectives(other, labels, at[None], weights)[0] for at in (theta[0], fitted.theta)]
    assert float(others[0] - others[1]) == pytest.approx(float(values[0] - values[1]))


@pytest.mark.parametrize("build", BUILDS)
def test_an_unconverged_fit_is_a_minimum_of_the_response_with_gauss_newton_curvature(build):
    fitted = stopped(build)
    assert fitted.grad_norm > 1e-3
    aim = SecondOrder(target="pbrf", target_damping=DAMPING).aim(fitted)
    assert aim.converged
    assert aim.grad_norm < 1e-14
    eye = torch.eye(len(fitted.theta), dtype=torch.float64)
    wanted = Curvature(fitted, kind="gauss_newton").dense() + DAMPING * eye
    for kind in derivatives.PRODUCTS:
        assert torch.allclose(Curvature(aim, kind=kind).dense(), wanted, rtol=1e-9, atol=1e-12)
        assert torch.allclose(Curvature(aim, kind=kind) @ eye, wanted, rtol=1e-9, atol=1e-12)
    assert torch.allclose(Curvature(aim).diagonal(), wanted.diagonal())


@pytest.mark.parametrize("target", ["proximal", "pbrf"])
def test_a_task_that_is_anchored_still_says_and_watches_the_same(target):
    fitted = stopped(mlp_problem)
    task, data = anchored(fitted, target), fitted.data
    assert fitted.task.plain
    assert not task.plain
    assert task.convex is fitted.task.convex
    assert anchored(stopped(logistic_problem), target).convex
    # Equal bits: the same draws and, below, the same functions of the same arrays.
    assert torch.equal(task.start(data, 3), fitted.task.start(data, 3))
    theta = elsewhere(fitted)[0]
    x, y = data.x_test, data.y_test
    assert torch.equal(task.outputs(theta, x), fitted.task.outputs(theta, x))
    assert torch.equal(task.losses(theta, x, y), fitted.task.losses(theta, x, y))
    assert torch.allclose(derivatives.measures(task, data, theta), derivatives.measures(fitted.task, data, theta))
    with pytest.raises(InvalidParameter, match="anchored already"):
        proximal(task, fitted.theta, damping=1.0)


@pytest.mark.parametrize("damping", [-1.0, float("nan"), float("inf")])
def test_impossible_dampings_are_refused(damping):
    fitted = stopped(ridge_problem)
    with pytest.raises(InvalidParameter, match="damping"):
        proximal(fitted.task, fitted.theta, damping=damping)
    with pytest.raises(InvalidParameter, match="target_damping"):
        SecondOrder(target="pbrf", target_damping=damping)


# The response to first order.
def gauss_newton_by_hand(oracle):
    """Σ wᵢ Jᵢᵀ(∂²ℓᵢ/∂z²)Jᵢ + penalty + damping, by finite differences of the outputs, for softmax."""
    x = oracle.points.x
    jacobians = gradient(lambda theta: oracle.model.outputs(theta, x), oracle.anchor)
    bends = numpy.array([numpy.diag(p) - numpy.outer(p, p) for p in softmax(oracle.model.outputs(oracle.anchor, x))])
    total = numpy.einsum("n,ncp,nce,neq->pq", oracle.points.w, jacobians, bends, jacobians)
    return total + numpy.diag(oracle.model.penalty + oracle.damping)


def response_slopes(fitted, row, target="pbrf"):
    """How the minimiser of the target moves with the weight of one training point, by finite differences."""
    task = anchored(fitted, target)

    def minimiser(weight):
        weights = fitted.weights.clone()
        weights[row] = weight
        trained = Newton(tolerance=1e-13).train(task, fitted.data, fitted.theta[None], weights[None])
        assert trained.grad_norm.max() < 1e-12
        return trained.theta[0].numpy()

    size = float(fitted.weights[row])
    return along(minimiser, size, 1.0, step=size / 8)


@pytest.mark.parametrize("row", [0, 7])
@pytest.mark.parametrize("converged", [True, False])
@pytest.mark.parametrize("build", [logistic_problem, mlp_problem])
def test_the_response_in_a_weight_is_gauss_newton_influence(build, converged, row):
    fitted = minimum(build, n=20, m=3) if converged else stopped(build, n=20, m=3)
    assert fitted.converged is converged
    oracle = proximal_oracles.held(fitted, "pbrf", DAMPING)
    point = oracle.points.x[row : row + 1], oracle.points.y[row : row + 1]
    pull = gradient(lambda theta: oracle.model.losses(theta, *point)[0], oracle.anchor)
    wanted = -numpy.linalg.solve(gauss_newton_by_hand(oracle), pull)
    found = response_slopes(fitted, row)
    assert numpy.linalg.norm(found - wanted) <= 1e-6 * numpy.linalg.norm(wanted)
    estimate = Exact(curvature="gauss_newton", damping=DAMPING, allow_unconverged=True).estimate(fitted)
    watched = gradient(lambda t: oracle.model.losses(t, oracle.points.x_test, oracle.points.y_test), oracle.anchor)
    assert estimate.slopes[row].numpy() == pytest.approx(watched @ found, rel=1e-6, abs=1e-8)


def test_other_objectives_do_not_respond_so():
    """An unconverged network tells Gauss-Newton from the Hessian, and this damping from another."""
    fitted = stopped(mlp_problem, n=20, m=3, steps=100)
    found = response_slopes(fitted, 0)
    for estimator in (
        Exact(curvature="hessian", damping=DAMPING, allow_unconverged=True),
        Exact(curvature="gauss_newton", damping=2 * DAMPING, allow_unconverged=True),
    ):
        oracle = proximal_oracles.held(fitted, "pbrf", DAMPING)
        watched = gradient(lambda t, o=oracle: o.model.losses(t, o.points.x_test, o.points.y_test), oracle.anchor)
        assert worst(estimator.estimate(fitted).slopes[0], watched @ found) > 1e-2
    assert numpy.linalg.norm(response_slopes(fitted, 0, "proximal") - found) > 1e-2 * numpy.linalg.norm(found)


def test_single_precision_stays_single():
    fitted = stopped(mlp_problem, n=20, m=3)
    task = anchored(fitted, "pbrf")
    assert isinstance(task, ProximalTask)
    assert task.output_linear_term is not None
    assert task.output_linear_term.shape == (3, 20)
    single = replace(fitted.data, x_train=fitted.data.x_train.float(), x_test=fitted.data.x_test.float())
    small = proximal_bregman_response(
        fitted.task, single, fitted.theta.float(), fitted.weights.float(), damping=DAMPING
    )
    theta, weights = (part.float() for part in elsewhere(fitted))
    assert derivatives.gradients(small, single, theta, weights).dtype == torch.float32
    assert derivatives.hessians(small, single, theta, weights).dtype == torch.float32
