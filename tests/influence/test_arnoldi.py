"""Arnoldi is exact on the directions it keeps, keeps those that bend most, and says how much it left out."""

import numpy
import pytest
import torch
from oracles import gradient, hessian, model, objective, points_of
from problems import logistic_problem, minimum, mlp_problem

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimators import arnoldi
from influencelab.influence.estimators.arnoldi import Arnoldi, ritz
from influencelab.influence.estimators.exact import Exact
from influencelab.testing.bounds import SAME, check_estimate, faults
from influencelab.training.fit import fit
from influencelab.training.trainers.adam import Adam


def symmetric(values) -> torch.Tensor:
    """A matrix with these eigenvalues, in directions that no axis knows."""
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(len(values), len(values), generator=generator, dtype=torch.float64)).Q
    return turn @ torch.diag(torch.as_tensor(values, dtype=torch.float64)) @ turn.T


def found_in(matrix, *, size: int, seed: int = 0):
    return ritz(lambda vector: matrix @ vector, matrix[0], size=size, seed=seed)


def dense(fitted) -> numpy.ndarray:
    """∂²J/∂θ² by finite differences of the formulas."""
    formulas, points = model(fitted.task, fitted.data), points_of(fitted.data)
    return hessian(lambda theta: objective(formulas, theta, points), fitted.theta.numpy())


def pulls(fitted) -> tuple[numpy.ndarray, numpy.ndarray]:
    """wᵢ ∇ℓᵢ and ∇L_j by finite differences of the formulas."""
    formulas, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    train = gradient(lambda at: formulas.losses(at, points.x, points.y), theta)
    test = gradient(lambda at: formulas.losses(at, points.x_test, points.y_test), theta)
    return points.w[:, None] * train, test


def kept(matrix: numpy.ndarray, rank: int, damping: float) -> numpy.ndarray:
    """The inverse on the `rank` eigenvectors of largest |eigenvalue|, 0 elsewhere."""
    values, vectors = numpy.linalg.eigh(matrix)
    best = numpy.argsort(-numpy.abs(values))[:rank]
    return vectors[:, best] @ numpy.diag(1 / (values[best] + damping)) @ vectors[:, best].T


@pytest.fixture(scope="module")
def network():
    """A fit, its dense curvature and its gradients, differentiated once."""
    fitted = minimum(mlp_problem, width=3)
    return fitted, dense(fitted), pulls(fitted)


@pytest.mark.parametrize("rank", [1, 5, 12])
def test_estimates_are_dense_algebra_on_the_directions_that_bend_most(rank, network):
    fitted, curvature, (train, test) = network
    estimate = Arnoldi(size=len(fitted.theta), rank=rank, damping=0.02).estimate(fitted)
    wanted = train @ kept(curvature, rank, 0.02) @ test.T
    check_estimate(estimate.values.numpy(), wanted, bounds=SAME)
    assert faults(estimate.values.numpy(), train @ kept(curvature, rank + 1, 0.02) @ test.T, bounds=SAME)
    solved = kept(curvature, rank, 0.02) @ test.T
    left = curvature @ solved + 0.02 * solved - test.T
    honest = numpy.linalg.norm(left, axis=0) / numpy.linalg.norm(test, axis=1)
    assert estimate.residual.numpy() == pytest.approx(honest, rel=1e-4)
    assert honest.max() > 0.1
    assert estimate.damping == 0.02


def test_with_every_direction_it_is_exact_even_where_the_curvature_bends_down():
    task, data = mlp_problem(depth=2)
    rough = fit(task, data, Adam(learning_rate=0.03, steps=2))
    assert Curvature(rough).spectrum().values[0] < -0.1
    every = len(rough.theta)
    settings = {"damping": 0.1, "allow_unconverged": True}
    estimate = Arnoldi(size=every, rank=every, **settings).estimate(rough)
    check_estimate(estimate.values.numpy(), Exact(**settings).estimate(rough).values.numpy(), bounds=SAME)
    assert estimate.residual.max() < 1e-8


def test_a_negative_eigenvalue_counts_by_its_size(monkeypatch):
    matrix = symmetric([-5.0, 0.1, 0.2, 1.0, 3.0])
    values, vectors = found_in(matrix, size=5)
    monkeypatch.setattr(arnoldi, "ritz", lambda *_, **__: (values, vectors))
    chosen, directions = Arnoldi(rank=2).directions(minimum(logistic_problem))
    assert chosen.tolist() == pytest.approx([-5.0, 3.0])
    assert torch.allclose(matrix @ directions, directions * chosen, atol=1e-12)


def test_a_small_krylov_space_finds_the_ends_of_the_spectrum():
    truth = numpy.concatenate([numpy.linspace(0, 1, 290), numpy.linspace(2, 10, 10)])
    values, vectors = found_in(symmetric(truth), size=60)
    assert len(values) == 60
    assert values[-10:].numpy() == pytest.approx(truth[-10:], rel=1e-8)
    assert torch.allclose(vectors.T @ vectors, torch.eye(60, dtype=torch.float64), atol=1e-12)
    again, other = found_in(symmetric(truth), size=60), found_in(symmetric(truth), size=60, seed=1)
    # Equal bits: the same draws and the same products twice.
    assert torch.equal(values, again[0])
    assert not torch.equal(values, other[0])
    assert torch.allclose(values[-10:], other[0][-10:], rtol=1e-8)


def test_equal_eigenvalues_are_found_as_often_as_they_are_there_and_none_more():
    truth = [0.0] * 6 + [0.5] * 6 + [1.0] * 6 + [7.0]
    values, vectors = found_in(symmetric(truth), size=100)
    assert values.numpy() == pytest.approx(truth, abs=1e-12)
    assert torch.allclose(symmetric(truth) @ vectors, vectors * values, atol=1e-12)


def test_directions_made_orthogonal_once_would_repeat_what_was_found(monkeypatch):
    truth = numpy.geomspace(1e-8, 1e4, 120)
    assert found_in(symmetric(truth), size=100)[0][-30:].numpy() == pytest.approx(truth[-30:], rel=1e-6)
    monkeypatch.setattr(
        arnoldi,
        "outside",
        lambda basis, vector: vector - basis[-2:].T @ (basis[-2:] @ vector) if len(basis) else vector,
    )
    assert found_in(symmetric(truth), size=100)[0][-30:].numpy() != pytest.approx(truth[-30:], rel=1e-2)


def test_what_does_not_bend_is_left_out_and_the_residual_says_so():
    task, data = logistic_problem(weight_decay=0.0, n=200)
    fitted = fit(task, data, minimum(logistic_problem).trainer)
    data.x_train[:, 0] = 0
    flat = fit(task, data, fitted.trainer)
    estimate = Arnoldi().estimate(flat)
    assert estimate.values.isfinite().all()
    assert estimate.residual.min() > 0.01


@pytest.mark.parametrize("settings", [{"rank": 0}, {"size": 10, "rank": 11}])
def test_impossible_sizes_are_refused(settings):
    with pytest.raises(InvalidParameter, match="expected 1 ≤ rank ≤ size"):
        Arnoldi(**settings)


def test_curvatures_and_dampings_that_are_not_there_are_refused():
    with pytest.raises(InvalidParameter, match="curvature is 'fisher'"):
        Arnoldi(curvature="fisher")
    with pytest.raises(InvalidParameter, match="damping is -1"):
        Arnoldi(damping=-1)
