"""Blocks of right-hand sides against dense linear algebra in NumPy."""

import numpy
import pytest
import torch

from influencelab.errors import Diverged, IndefiniteCurvature, NotFinite, NullSpaceMass
from influencelab.influence.conjugate_gradients import TALL, block_conjugate_gradient, cholesky_qr
from influencelab.training.simultaneous_gradients import simultaneous_conjugate_gradients


def spread_matrix(p, least, *, seed=0, first=None):
    """A symmetric matrix with eigenvalues from 1 down to `least`, whose first columns of directions are returned."""
    generator = numpy.random.default_rng(seed)
    directions = numpy.linalg.qr(generator.standard_normal((p, p)))[0]
    values = numpy.geomspace(1, least, p)
    values[: len(first or [])] = first or []
    return directions @ numpy.diag(values) @ directions.T, directions, generator


def solved(matrix, vectors, *, tolerance=1e-8, max_iterations=500, diagonal=None):
    """The solution of a block, with the width of every product it took (the first only takes the measure of A)."""
    a, widths = torch.from_numpy(matrix), []

    def multiply(block):
        widths.append(block.shape[1])
        return a @ block

    scale = torch.ones(len(a), dtype=a.dtype) if diagonal is None else torch.from_numpy(diagonal)
    solution = block_conjugate_gradient(
        multiply, torch.from_numpy(vectors), diagonal=scale, tolerance=tolerance, max_iterations=max_iterations
    )
    return solution, widths[1:]


@pytest.mark.parametrize("k", [1, 3, 20, 70])
def test_a_block_is_solved_to_the_stated_residual(k):
    matrix, _, generator = spread_matrix(50, 1e-3)
    vectors = generator.standard_normal((50, k)) * numpy.geomspace(1e-12, 1e6, k)
    solution, _ = solved(matrix, vectors)
    truth = numpy.linalg.norm(matrix @ solution.values.numpy() - vectors, axis=0) / numpy.linalg.norm(vectors, axis=0)
    assert truth.max() <= 1e-8
    assert numpy.allclose(solution.residual.numpy(), truth, atol=1e-12)
    assert numpy.allclose(solution.values.numpy(), numpy.linalg.solve(matrix, vectors), rtol=1e-4, atol=1e-13)


def test_dependent_equal_and_zero_columns_cost_nothing_and_do_no_harm():
    matrix, _, generator = spread_matrix(80, 1e-3)
    few = generator.standard_normal((80, 3))
    many = numpy.column_stack([few, few, few @ generator.standard_normal((3, 5)), numpy.zeros((80, 2))])
    solution, widths = solved(matrix, many)
    assert numpy.allclose(matrix @ solution.values.numpy(), many, atol=1e-7)
    assert set(widths[:-1]) == {3}, "the block is as wide as there are different directions"
    assert len(widths) <= len(solved(matrix, few)[1]) + 2
    assert (solution.values[:, -2:] == 0).all()
    assert (solution.residual[-2:] == 0).all()


def test_a_block_takes_fewer_products_than_its_columns_one_by_one():
    matrix, _, generator = spread_matrix(120, 1e-4)
    vectors = generator.standard_normal((120, 12))
    together = len(solved(matrix, vectors)[1])
    alone = len(solved(matrix, vectors[:, :1], max_iterations=2000)[1])
    assert together < alone / 3


def test_scaling_by_the_diagonal_takes_fewer_products_where_sizes_differ():
    matrix, _, generator = spread_matrix(60, 1e-1)
    size = numpy.geomspace(1, 1e3, 60)
    matrix = size[:, None] * matrix * size
    vectors = generator.standard_normal((60, 1))
    plain = len(solved(matrix, vectors, max_iterations=5000)[1])
    scaled = len(solved(matrix, vectors, diagonal=numpy.diag(matrix).copy())[1])
    assert scaled < plain / 2


@pytest.mark.parametrize("k", [1, 4])
def test_what_does_not_reach_the_tolerance_raises(k):
    matrix, _, generator = spread_matrix(100, 1e-6)
    with pytest.raises(Diverged, match=r"after 5 products at a relative residual of .*max_iterations"):
        solved(matrix, generator.standard_normal((100, k)), max_iterations=5)
    with pytest.raises(Diverged, match="residual"):
        solved(matrix, generator.standard_normal((100, k)), tolerance=1e-17)


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("worst", [-1e-4, -1e-2, -3.0])
def test_a_direction_that_bends_down_is_named_with_its_cures(k, worst):
    matrix, _, generator = spread_matrix(60, 1e-2, first=[worst])
    with pytest.raises(IndefiniteCurvature, match=r"gauss_newton.*damping"):
        solved(matrix, generator.standard_normal((60, k)))


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("mass", [1.0, 1e-3, 1e-6])
def test_mass_where_nothing_bends_is_refused(k, mass):
    matrix, directions, generator = spread_matrix(60, 1e-2, first=[0.0, 0.0])
    vectors = directions[:, 2:] @ generator.standard_normal((58, k)) + mass * directions[:, :2] @ numpy.ones((2, k))
    with pytest.raises(NullSpaceMass, match="damping or weight decay"):
        solved(matrix, vectors)


def test_a_vector_with_nothing_but_null_mass_is_refused():
    matrix, directions, _ = spread_matrix(40, 1e-2, first=[0.0])
    with pytest.raises(NullSpaceMass):
        solved(matrix, directions[:, :1])


@pytest.mark.parametrize("k", [1, 4])
def test_a_null_direction_without_mass_is_legal(k):
    matrix, directions, generator = spread_matrix(60, 1e-2, first=[0.0])
    vectors = directions[:, 1:] @ generator.standard_normal((59, k))
    solution, _ = solved(matrix, vectors)
    truth = numpy.linalg.pinv(matrix, hermitian=True) @ vectors
    assert numpy.allclose(solution.values.numpy(), truth, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf])
def test_products_and_vectors_that_are_not_finite_are_refused(bad):
    matrix, _, generator = spread_matrix(10, 1e-1)
    vectors = generator.standard_normal((10, 2))
    broken = matrix.copy()
    broken[0, 0] = bad
    with pytest.raises(NotFinite):
        solved(broken, vectors)
    vectors[3, 1] = bad
    with pytest.raises(NotFinite):
        solved(matrix, vectors)


def each_solved(matrices, vectors, *, tolerance=1e-10, flat=1e-5, max_iterations=300):
    """Systems with a matrix each, all preconditioned by the first one."""
    stack, first = torch.from_numpy(numpy.stack(matrices)), torch.from_numpy(numpy.linalg.inv(matrices[0]))
    return simultaneous_conjugate_gradients(
        lambda rows, ahead: (stack[rows] @ ahead.unsqueeze(-1)).squeeze(-1),
        torch.from_numpy(vectors),
        precondition=lambda rows: rows @ first,
        tolerance=tolerance,
        max_iterations=max_iterations,
        flat=flat,
    )


def test_systems_with_a_matrix_each_are_solved_side_by_side():
    matrices = [spread_matrix(30, 1e-2, seed=seed)[0] for seed in range(4)]
    vectors = numpy.random.default_rng(9).standard_normal((4, 30))
    vectors[2] = 0
    found, solved = each_solved(matrices, vectors)
    assert solved.all()
    wanted = numpy.stack([numpy.linalg.solve(*system) for system in zip(matrices, vectors, strict=True)])
    assert numpy.allclose(found.numpy(), wanted, rtol=1e-6, atol=1e-8)
    assert not numpy.allclose(found.numpy(), numpy.linalg.solve(matrices[0], vectors.T).T, rtol=1e-2)


@pytest.mark.parametrize("worst", [0.0, -1e-2, -3.0])
def test_a_system_with_a_flat_or_falling_direction_is_not_solved_and_spoils_no_other(worst):
    matrices = [spread_matrix(30, 1e-2, seed=0)[0], spread_matrix(30, 1e-2, seed=1, first=[worst])[0]]
    vectors = numpy.random.default_rng(9).standard_normal((2, 30))
    found, solved = each_solved(matrices, vectors)
    assert solved.tolist() == [True, False]
    assert numpy.allclose(found[0].numpy(), numpy.linalg.solve(matrices[0], vectors[0]), rtol=1e-6, atol=1e-8)


def test_a_system_that_runs_out_of_products_is_not_solved():
    matrices = [spread_matrix(30, 1e-4, seed=seed)[0] for seed in (0, 1)]
    _, solved = each_solved(matrices, numpy.ones((2, 30)), max_iterations=3)
    assert solved.tolist() == [True, False]


def test_tall_blocks_are_orthonormalised_by_cholesky_factors_and_dependent_ones_refused():
    block = torch.randn(TALL, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Lengths and angles of all sizes that a search meets.
    block = block @ torch.diag(torch.logspace(0, 3, 6).double()) + 100 * block[:, :1]
    found = cholesky_qr(block)
    assert found is not None
    basis, share = found
    assert torch.allclose(basis.T @ basis, torch.eye(6, dtype=torch.float64), atol=1e-14)
    assert torch.allclose(basis @ share, block, rtol=1e-12, atol=1e-9)
    assert torch.equal(share, share.triu())
    assert cholesky_qr(torch.cat([block, block[:, :1] + block[:, 1:2]], dim=1)) is None
    assert cholesky_qr(block[: TALL - 1]) is None
