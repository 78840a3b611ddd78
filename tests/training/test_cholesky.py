"""Factors in place and solutions from them are NumPy's, and no second copy of a large matrix is made on the way."""

import numpy
import pytest
import torch
from allocated import tables

from influencelab.training import cholesky


def matrices(count: int, size: int) -> torch.Tensor:
    """Positive definite ones."""
    generator = torch.Generator().manual_seed(size)
    roots = torch.randn(count, size, 2 * size, generator=generator, dtype=torch.float64)
    return roots @ roots.mT


def test_a_factor_lies_where_its_matrix_was():
    matrix = matrices(1, 7)[0]
    wanted, place = numpy.linalg.cholesky(matrix.numpy()), matrix.data_ptr()
    factor, fault = cholesky.factor_in_place(matrix)
    assert factor.numpy() == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    assert not fault
    assert factor.data_ptr() == place


def test_the_minor_that_fails_is_named():
    matrix = matrices(1, 7)[0]
    matrix[3, 3] = -1.0
    assert int(cholesky.factor_in_place(matrix)[1]) == 4


def test_systems_are_solved_for_every_matrix():
    many, generator = matrices(3, 5), torch.Generator().manual_seed(0)
    vectors = torch.randn(3, 5, 2, generator=generator, dtype=torch.float64)
    found = cholesky.solve(torch.linalg.cholesky(many), vectors)
    assert found.numpy() == pytest.approx(numpy.linalg.solve(many.numpy(), vectors.numpy()), rel=1e-10)


def test_no_factor_is_copied():
    matrix, vector = matrices(1, 200)[0], torch.ones(200, 1, dtype=torch.float64)
    assert tables(lambda: cholesky.factor_in_place(matrix), size=matrix.numel()) < 0.1
    assert tables(lambda: cholesky.solve(matrix.mT, vector), size=matrix.numel()) < 0.1
    # What it is for: LAPACK's own solution, as torch calls it, copies the factor.
    assert tables(lambda: torch.cholesky_solve(vector, matrix.mT), size=matrix.numel()) > 0.9
