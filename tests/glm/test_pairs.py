"""Sums over each two entries of sparse rows are those of dense rows, however entries lie."""

import numpy
import pytest
import scipy.sparse

from influencelab.glm import pairs
from influencelab.glm.pairs import sparse_forms, sparse_gram

RNG = numpy.random.default_rng(0)
P = 40


def rows_of(counts, dtype=float):
    """Rows of so many entries each, at any columns in any order; a column may come twice."""
    total = int(sum(counts))
    columns, values = RNG.integers(0, P, total).astype(numpy.int32), RNG.normal(size=total).astype(dtype)
    ends = numpy.concatenate([[0], numpy.cumsum(counts)])
    return scipy.sparse.csr_array((values, columns, ends), shape=(len(counts), P))


@pytest.mark.parametrize("dtype", [numpy.float32, float])
@pytest.mark.parametrize("pair", [0, 10**9])
def test_gram_and_forms_are_those_of_dense_rows(monkeypatch, pair, dtype):
    monkeypatch.setattr(pairs, "PAIR", pair)
    monkeypatch.setattr(pairs, "GATHERED", 64)
    monkeypatch.setattr(pairs, "WRITTEN", 100)
    x = rows_of([0, 3, 1, 25, 3, 0, 7, 90, 2, 0], dtype)
    # Curvature of the responses themselves may be below 0.
    curvature, matrix = RNG.normal(size=10), RNG.normal(size=(P, P))
    matrix += matrix.T
    written = x.toarray().astype(float)
    tolerance = 1e-6 if dtype is numpy.float32 else 1e-12
    size = abs(written).sum() ** 2 / P
    assert sparse_gram(x, curvature) == pytest.approx(written.T @ (curvature[:, None] * written), abs=tolerance * size)
    wanted = numpy.einsum("bp,pq,bq->b", written, matrix, written)
    assert sparse_forms(x, matrix) == pytest.approx(wanted, abs=tolerance * size)


def test_rows_without_entries_have_nothing():
    x = scipy.sparse.csr_array((3, P))
    assert not sparse_gram(x, numpy.ones(3)).any()
    assert not sparse_forms(x, numpy.eye(P)).any()
