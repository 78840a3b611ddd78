"""The curvature operator and what is derived from it, against dense algebra in NumPy."""

import gc
from copy import copy
from dataclasses import replace

import numpy
import pytest
import torch
from oracles import linear_hessian, model, points_of
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem

from influencelab.errors import InvalidParameter, NullSpaceMass
from influencelab.influence import factors as module
from influencelab.influence.curvature import Curvature
from influencelab.influence.leverage import amplification, effective_parameters, output_spread
from influencelab.models import derivatives, loss_derivatives
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton

PROBLEMS = [logistic_problem, binary_problem, ridge_problem, mlp_problem]
LINEAR = PROBLEMS[:3]


def fresh(build, **settings):
    """A minimum of its own, about which no curvature knows anything yet."""
    return copy(minimum(build, **settings))


def some_vectors(fitted, count: int = 3) -> torch.Tensor:
    """Right-hand sides without mass along a common shift of the intercepts."""
    generator = torch.Generator().manual_seed(0)
    return Curvature(fitted).dense() @ torch.randn(len(fitted.theta), count, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("build", LINEAR)
def test_dense_is_the_sum_over_points_and_the_penalty(build):
    fitted = minimum(build)
    wanted = linear_hessian(model(fitted.task, fitted.data), fitted.theta.numpy(), points_of(fitted.data))
    assert Curvature(fitted, damping=0.3).dense().numpy() == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("kind", derivatives.PRODUCTS)
@pytest.mark.parametrize("build", PROBLEMS)
@pytest.mark.parametrize("damping", [0.0, 0.7])
def test_products_dense_spectrum_and_inverse_are_one_matrix(build, kind, damping):
    fitted = fresh(build)
    curvature = Curvature(fitted, kind=kind, damping=damping)
    dense, vectors = curvature.dense(), some_vectors(fitted)
    assert torch.allclose(curvature @ vectors, dense @ vectors + damping * vectors, rtol=1e-10, atol=1e-14)
    spectrum = curvature.spectrum()
    assert torch.allclose(spectrum.vectors * spectrum.values @ spectrum.vectors.T, dense, atol=1e-14)
    wanted = torch.linalg.pinv(dense + damping * torch.eye(len(dense)).double(), hermitian=True, rtol=1e-12)
    assert torch.allclose(curvature.inverse(), wanted, rtol=1e-7, atol=1e-9)
    assert torch.allclose(fresh(build).theta, fitted.theta)
    unseen = Curvature(fresh(build), kind=kind, damping=damping)
    assert torch.allclose(unseen.inverse() @ vectors, wanted @ vectors, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("build", PROBLEMS)
@pytest.mark.parametrize("damping", [0.0, 1e-3, 10.0])
def test_a_solve_is_right_whatever_was_computed_before(build, damping):
    fitted = fresh(build)
    vectors = some_vectors(fitted)
    curvature = Curvature(fitted, damping=damping)
    first = curvature.solve(vectors)
    curvature.spectrum()
    second = curvature.solve(vectors)
    for solution in (first, second):
        left = curvature.dense() @ solution.values + damping * solution.values - vectors
        assert (left.norm(dim=0) <= 1e-11 * vectors.norm(dim=0)).all()
        assert (solution.residual <= 1e-11).all()
    assert torch.allclose(first.values, second.values, rtol=1e-7, atol=1e-9)


def test_a_residual_tells_of_a_bad_factor():
    fitted = fresh(ridge_problem)
    curvature, vectors = Curvature(fitted), some_vectors(fitted)
    curvature.solve(vectors)
    curvature._factors.cholesky[0.0] *= 1.1
    assert (curvature.solve(vectors).residual > 0.1).all()


@pytest.mark.parametrize("place", [(0, 0), (3, 2)])
@pytest.mark.parametrize("build", [logistic_problem, binary_problem, ridge_problem])
def test_a_residual_tells_of_a_bad_hessian_that_it_could_be_measured_with(build, place):
    fitted = fresh(build, weight_decay=0.01)
    curvature = Curvature(fitted, damping=0.1)
    vectors = some_vectors(fresh(build, weight_decay=0.01), 6)
    row, column = (each % len(fitted.theta) for each in place)
    curvature.dense()[row, column] += 0.01
    curvature.dense()[column, row] += 0.01
    assert (curvature.solve(vectors).residual.max() > 1e-4).all()


@pytest.mark.parametrize("build", PROBLEMS)
def test_what_was_computed_once_serves_every_damping(build, monkeypatch):
    fitted, calls = fresh(build), []
    original = derivatives.hessians
    monkeypatch.setattr(derivatives, "hessians", lambda *a, **k: calls.append(1) or original(*a, **k))
    vectors = torch.ones(len(fitted.theta), 1, dtype=torch.float64)
    found = [Curvature(fitted, damping=damping).solve(vectors).values for damping in (1.0, 2.0, 0.5)]
    assert len(calls) == 1
    assert Curvature(fitted).spectrum() is Curvature(fitted, damping=3.0).spectrum()
    for damping, values in zip((1.0, 2.0, 0.5), found, strict=True):
        again = Curvature(fresh(build), damping=damping).solve(vectors).values
        assert torch.allclose(values, again, rtol=1e-9)
    assert not torch.allclose(found[0], found[1], rtol=0.1)
    for damping, values in zip((1.0, 2.0, 0.5), found, strict=True):
        assert torch.allclose(Curvature(fitted, damping=damping).inverse() @ vectors, values, rtol=1e-9)


def test_kinds_share_factors_only_where_they_are_the_same():
    linear, network = fresh(logistic_problem), fresh(mlp_problem)
    assert Curvature(linear).dense() is Curvature(linear, kind="gauss_newton").dense()
    assert not torch.allclose(Curvature(network).dense(), Curvature(network, kind="gauss_newton").dense(), rtol=1e-3)


def test_factors_leave_with_their_fit():
    fitted = fresh(ridge_problem)
    Curvature(fitted).inverse()
    # What earlier tests left must not leave meanwhile.
    gc.collect()
    before = len(module.FACTORS_OF)
    del fitted
    gc.collect()
    assert len(module.FACTORS_OF) == before - 1


@pytest.mark.parametrize("damping", [-1e-9, float("nan"), float("inf")])
def test_what_is_no_damping_is_refused(damping):
    with pytest.raises(InvalidParameter, match=r"damping is .*, expected a finite number ≥ 0"):
        Curvature(minimum(ridge_problem), damping=damping)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InvalidParameter, match="'fisher', expected one of hessian, gauss_newton"):
        Curvature(minimum(ridge_problem), kind="fisher")


def test_a_null_direction_is_legal_where_nothing_points_along_it():
    fitted = fresh(logistic_problem)
    curvature = Curvature(fitted)
    assert curvature.cholesky() is None
    assert int(curvature.spectrum().null(0.0).sum()) == 1
    assert int(curvature.spectrum().null(1e-6).sum()) == 0
    pulls = derivatives.measure_gradients(fitted.task, fitted.data, fitted.theta).T
    solution = curvature.solve(pulls)
    assert (solution.residual < 1e-12).all()
    wanted = numpy.linalg.lstsq(curvature.dense().numpy(), pulls.numpy(), rcond=1e-12)[0]
    assert solution.values.numpy() == pytest.approx(wanted, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("share", [1.0, 1e-3, 1e-6])
def test_mass_along_a_null_direction_is_refused_with_the_cure(share):
    fitted = fresh(logistic_problem)
    lost = torch.zeros(3, 5, dtype=torch.float64)
    lost[:, -1] = 1 / 3**0.5
    fine = some_vectors(fitted, 1)
    vectors = torch.cat([fine, fine / fine.norm() + share * lost.reshape(-1, 1)], dim=1)
    with pytest.raises(NullSpaceMass, match=r"1 null directions .*Add damping or weight decay, or penalise"):
        Curvature(fitted).solve(vectors)
    assert Curvature(fitted, damping=1e-3).solve(vectors).residual.max() < 1e-10
    assert Curvature(fitted).solve(fine).residual.max() < 1e-10


def test_rounding_in_float32_is_no_mass_along_a_null_direction():
    task, data = logistic_problem()
    single = replace(data, x_train=data.x_train.float(), x_test=data.x_test.float())
    fitted = fit(task, single, Newton(tolerance=1e-5))
    assert fitted.theta.dtype == torch.float32
    curvature = Curvature(fitted)
    pulls = derivatives.measure_gradients(task, single, fitted.theta).T
    assert curvature.solve(pulls).residual.max() < 1e-4
    exact = Curvature(minimum(logistic_problem)).solve(pulls.double()).values
    assert torch.allclose(curvature.solve(pulls).values.double(), exact, rtol=1e-2, atol=1e-2)
    with pytest.raises(NullSpaceMass):
        curvature.solve(torch.ones_like(pulls))


def test_a_curvature_that_bends_down_is_solved_all_the_same():
    task, data = mlp_problem()
    rough = fit(task, data, Newton(max_steps=0))
    curvature = Curvature(rough)
    assert curvature.cholesky() is None
    assert curvature.spectrum().values[0] < -1e-3
    vectors = torch.ones(len(rough.theta), 1, dtype=torch.float64)
    assert curvature.solve(vectors).residual.max() < 1e-9
    wanted = torch.linalg.solve(curvature.dense(), vectors)
    assert torch.allclose(curvature.solve(vectors).values, wanted, rtol=1e-6)


@pytest.mark.parametrize("build", PROBLEMS)
def test_the_diagonal_is_that_of_gauss_newton_and_the_damping(build):
    curvature = Curvature(minimum(build), kind="gauss_newton", damping=0.2)
    assert torch.allclose(curvature.diagonal(), curvature.dense().diagonal() + 0.2, rtol=1e-11)


# Leverage.
def by_hand(fitted, damping):
    """Jacobians of the outputs (n c p), bends (n c c), and (C + damping I)⁺ as arrays."""
    jacobians = derivatives.output_jacobians(fitted.task, fitted.data.x_train, fitted.theta).numpy()
    outputs = fitted.task.outputs(fitted.theta, fitted.data.x_train)
    bends = fitted.task.output_loss.hessians(outputs, fitted.data.y_train).permute(2, 0, 1).numpy()
    dense = Curvature(fitted).dense().numpy() + damping * numpy.eye(len(fitted.theta))
    return jacobians, bends, numpy.linalg.pinv(dense, rcond=1e-12, hermitian=True)


@pytest.mark.parametrize("chunk", [5, 2**21])
@pytest.mark.parametrize("build", PROBLEMS)
@pytest.mark.parametrize("damping", [0.0, 0.1])
def test_spread_and_amplification_are_dense_algebra(build, damping, chunk, monkeypatch):
    fitted = fresh(build)
    monkeypatch.setattr(loss_derivatives, "CHUNK", chunk)
    rows = torch.tensor([3, 0, 17, 3])
    curvature = Curvature(fitted, damping=damping)
    jacobians, bends, inverse = by_hand(fitted, damping)
    spread = numpy.einsum("ncp,pq,neq->nce", jacobians, inverse, jacobians)[rows]
    assert output_spread(curvature, rows).numpy() == pytest.approx(spread, rel=1e-6, abs=1e-9)
    eye = numpy.eye(spread.shape[-1])
    wanted = numpy.linalg.inv(eye - fitted.weights.numpy()[rows, None, None] * bends[rows] @ spread)
    assert amplification(curvature, rows)[0].numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("build", PROBLEMS)
def test_one_row_is_a_row_like_any_other(build):
    """A chunk may end with a single row."""
    curvature = Curvature(fresh(build))
    whole = output_spread(curvature, torch.arange(5))
    for row in range(5):
        assert torch.allclose(output_spread(curvature, torch.tensor([row]))[0], whole[row], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("build", LINEAR)
@pytest.mark.parametrize("damping", [0.0, 0.1])
def test_effective_parameters_are_the_trace_and_the_sum_of_all_leverages(build, damping):
    fitted = fresh(build)
    jacobians, bends, inverse = by_hand(fitted, damping)
    penalty = numpy.diag(model(fitted.task, fitted.data).penalty)
    found = effective_parameters(Curvature(fitted, damping=damping))
    assert found == pytest.approx(numpy.trace((Curvature(fitted).dense().numpy() - penalty) @ inverse), rel=1e-8)
    spread = numpy.einsum("ncp,pq,neq->nce", jacobians, inverse, jacobians)
    assert found == pytest.approx(numpy.einsum("n,nce,nec->", fitted.weights.numpy(), bends, spread), rel=1e-8)
    assert 0 < found < len(fitted.theta)


def test_without_a_penalty_every_parameter_counts():
    fitted = fresh(ridge_problem, weight_decay=0.0)
    assert effective_parameters(Curvature(fitted)) == pytest.approx(5.0, rel=1e-10)
    softmax = fresh(logistic_problem, weight_decay=0.0)
    assert effective_parameters(Curvature(softmax)) == pytest.approx(2 * 5, rel=1e-8)


@pytest.mark.parametrize("build", LINEAR)
def test_leverages_lie_between_0_and_1(build):
    fitted = fresh(build, weight_decay=1e-3)
    jacobians, bends, inverse = by_hand(fitted, 0.0)
    spread = numpy.einsum("ncp,pq,neq->nce", jacobians, inverse, jacobians)
    values = numpy.linalg.eigvals(fitted.weights.numpy()[:, None, None] * bends @ spread)
    assert numpy.abs(values.imag).max() < 1e-9
    assert values.real.min() > -1e-9
    assert values.real.max() < 1


@pytest.mark.parametrize("weight_decay", [0.0, 1e-14])
def test_a_point_that_the_fit_cannot_spare_is_amplified_without_end(weight_decay):
    task, data = ridge_problem(weight_decay=weight_decay)
    data.x_train[:, 0] = 0
    data.x_train[7, 0] = 1
    fitted = fit(task, data, Newton(tolerance=1e-10))
    found = amplification(Curvature(fitted), torch.tensor([6, 7, 8]))[0][:, 0, 0]
    assert found.isinf().tolist() == [False, True, False]
    assert (found > 0).all()


def test_a_path_of_dampings_is_served_by_one_spectrum():
    fitted = minimum(logistic_problem, intercept=False, seed=9)
    vector = torch.randn(len(fitted.theta), 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    path = [Curvature(fitted, damping=damping) for damping in (0.1, 0.2, 0.3, 0.4)]
    found = [curvature.inverse_products(vector) for curvature in path]
    assert path[-1].cholesky() is None
    dense = path[0].dense()
    for curvature, solved in zip(path, found, strict=True):
        shifted = dense + curvature.damping * torch.eye(len(dense), dtype=dense.dtype)
        assert torch.allclose(shifted @ solved, vector, atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_shifts_of_all_outputs_are_left_alone_without_an_eigenvalue_problem(decay, monkeypatch):
    fitted = fresh(logistic_problem, n=200, weight_decay=decay)
    monkeypatch.setattr(torch.linalg, "eigh", None)
    curvature = Curvature(fitted)
    dense = curvature.dense().numpy()
    # Without a penalty every column may shift, with it the intercepts alone.
    count = 5 if decay == 0 else 1
    values, vectors = numpy.linalg.eigh(dense)
    assert (values[:count] < 1e-14).all()
    wanted = vectors[:, count:] / values[count:] @ vectors[:, count:].T
    assert curvature.inverse().numpy() == pytest.approx(wanted, rel=1e-8, abs=1e-8 * wanted.max())
    eye = torch.eye(len(dense), dtype=torch.float64)
    assert curvature.inverse_products(eye).numpy() == pytest.approx(wanted, rel=1e-8, abs=1e-8 * wanted.max())
    gradients = fitted.measure_gradients().T
    assert float(curvature.solve(gradients).residual.max()) < 1e-10
    leverage = numpy.trace((dense - decay * numpy.diag(fitted.task.penalised(fitted.data).numpy())) @ wanted)
    assert effective_parameters(curvature) == pytest.approx(leverage, rel=1e-8)
    gradients[4] += 1e-3
    with pytest.raises(NullSpaceMass, match=f"has {count} null directions"):
        curvature.solve(gradients)


def test_other_null_directions_than_shifts_are_still_found():
    fitted = fresh(logistic_problem, weight_decay=0.0)
    twice = torch.cat([fitted.data.x_train, fitted.data.x_train[:, :1]], 1)
    data = replace(fitted.data, x_train=twice, x_test=torch.cat([fitted.data.x_test, fitted.data.x_test[:, :1]], 1))
    again = fit(fitted.task, data, Newton())
    curvature = Curvature(again)
    assert curvature.lifted() is None
    assert int(curvature.decomposition()[0].null(0.0).sum()) == 6 + 2
    assert float(curvature.solve(again.measure_gradients().T).residual.max()) < 1e-8
