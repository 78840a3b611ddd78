"""Sketches: the algorithm in plain NumPy, exact scores as k grows, one draw from any chunks, and bad arguments."""

import numpy
import pytest
import scipy.sparse
from scipy.stats import spearmanr

import influencelab as il
from influencelab import names
from influencelab.errors import InvalidParameter, NotConverged, WrongType
from influencelab.glm.projection import Projection

N, P = 1500, 60
RNG = numpy.random.default_rng(0)
X = scipy.sparse.random(N, P, 0.15, format="csr", random_state=1, data_rvs=RNG.standard_normal)
# Features of unequal size, so that long rows are not the influential ones.
X = scipy.sparse.csr_matrix(X * scipy.sparse.diags_array(numpy.logspace(-1, 1, P)))
Y = (RNG.uniform(size=N) < 1 / (1 + numpy.exp(-(X @ (RNG.normal(size=P) / numpy.logspace(-1, 1, P)))))).astype(float)


@pytest.fixture(scope="module", params=[0.0, 0.01])
def fitted(request):
    return il.regress(X, Y, weight_decay=request.param)


@pytest.mark.parametrize("name", names(Projection))
def test_a_sketch_is_algorithm_1_in_plain_numpy(fitted, name):
    projection = il.make(Projection, name, k=12, seed=3)
    omega = projection.rows(0, P + 1)
    omega = omega if isinstance(omega, numpy.ndarray) else omega.toarray()
    x = numpy.c_[X.toarray(), numpy.ones(N)]
    chance = 1 / (1 + numpy.exp(-x @ fitted.coefficients))
    z = numpy.sqrt(chance * (1 - chance))[:, None] * (x @ omega)
    held = fitted.weight_decay * N * omega[:-1].T @ omega[:-1]
    leverage = numpy.einsum("ik,kl,il->i", z, numpy.linalg.pinv(z.T @ z + held), z)
    residual = (Y - chance) / numpy.sqrt(chance * (1 - chance))
    found = il.sketched_influence(fitted, projection)
    assert found.leverage == pytest.approx(leverage, rel=1e-7)
    assert found.cook() == pytest.approx(residual**2 * leverage / (1 - leverage), rel=1e-7)
    assert found.cook("one_step") == pytest.approx(residual**2 * leverage / (1 - leverage) ** 2, rel=1e-7)


@pytest.mark.parametrize("name", names(Projection))
def test_numbers_of_a_projection_have_mean_0_and_variance_1_and_depend_on_no_place(name):
    projection = il.make(Projection, name, k=40, seed=1)
    rows = projection.rows(0, 4000)
    rows = rows if isinstance(rows, numpy.ndarray) else rows.toarray()
    later = projection.rows(1000, 50)
    later = later if isinstance(later, numpy.ndarray) else later.toarray()
    assert (rows[1000:1050] == later).all()
    assert rows.mean() == pytest.approx(0, abs=0.02)
    assert (rows**2).mean() == pytest.approx(1, abs=0.02)
    products = rows[:200] @ rows[:200].T / 40
    assert products.diagonal().mean() == pytest.approx(1, abs=0.1)
    assert (products - numpy.diag(products.diagonal())).mean() == pytest.approx(0, abs=0.01)
    other = il.make(Projection, name, k=40, seed=2).rows(0, 50)
    assert (other != projection.rows(0, 50)).sum() > 0


@pytest.mark.parametrize("name", names(Projection))
@pytest.mark.parametrize("dtype", [numpy.float32, float])
def test_sparse_rows_of_any_length_are_projected_as_dense_ones(monkeypatch, name, dtype):
    """An empty row, one that is longer than what is spread at once, and columns that come twice."""
    monkeypatch.setattr("influencelab.glm.projection.SPREAD", 50)
    counts = [0, 3, 0, 0, 90, 20, 20, 20, 1, 0]
    ends, columns = numpy.concatenate([[0], numpy.cumsum(counts)]), RNG.integers(0, P, sum(counts))
    x = scipy.sparse.csr_array((RNG.normal(size=len(columns)).astype(dtype), columns, ends), shape=(len(counts), P))
    projection = il.make(Projection, name, k=7)
    omega = projection.rows(0, P)
    omega = omega if isinstance(omega, numpy.ndarray) else omega.toarray()
    wanted = x.toarray().astype(float) @ omega
    for given in (x, x.toarray()):
        assert projection.project(given) == pytest.approx(
            wanted, rel=1e-5 if dtype is numpy.float32 else 1e-10, abs=1e-5
        )


@pytest.mark.parametrize("name", ["gaussian_projection", "sparse_sign_projection"])
def test_the_sketch_becomes_exact_as_k_grows(fitted, name):
    exact = il.row_influence(fitted)
    order = [
        spearmanr(exact.cook("published"), il.sketched_influence(fitted, il.make(Projection, name, k=k)).cook())[0]
        for k in (8, P // 2, P)
    ]
    lengths = numpy.asarray(X.power(2).sum(1)).ravel() + 1
    without = spearmanr(exact.cook("published"), exact.pearson**2 * lengths)[0]
    assert order[0] < order[1] < order[2]
    assert order[1] > without
    assert order[2] > 0.999


def test_several_sketches_are_independent_and_their_mean_is_nearer(fitted):
    exact = il.row_influence(fitted).cook("published")
    found = il.sketched_influence(fitted, il.SparseSignProjection(k=16), sketches=6)
    alone = [spearmanr(exact, each)[0] for each in found.cooks()]
    assert len(set(alone)) == 6
    assert spearmanr(exact, found.cook())[0] > max(alone)
    last = il.sketched_influence(fitted, il.SparseSignProjection(k=16, seed=5))
    assert found.cooks()[5] == pytest.approx(last.cook(), rel=1e-10)


def test_chunks_threads_and_parts_of_a_projection_give_one_sketch(fitted, monkeypatch):
    projection = il.SparseSignProjection(k=20)
    wanted = il.sketched_influence(fitted, projection)
    for limit in ("MADE", "HELD"):
        monkeypatch.setattr(f"influencelab.glm.projection.{limit}", 130)
    table = il.ArrayTable(X, Y, rows=101)
    again = il.regress(table, weight_decay=fitted.weight_decay)
    found = il.sketched_influence(again, projection, workers=3)
    assert found.cook() == pytest.approx(wanted.cook(), rel=1e-9)


def test_bad_sketches_are_refused(fitted):
    with pytest.raises(InvalidParameter, match=r"k is 200 and there are 61 coefficients.*il\.row_influence"):
        il.sketched_influence(fitted)
    with pytest.raises(InvalidParameter, match="expected k ≥ 1"):
        il.GaussianProjection(k=0)
    with pytest.raises(InvalidParameter, match="expected k ≥ 1, signs ≥ 1"):
        il.SparseSignProjection(k=5, signs=0)
    with pytest.raises(NotConverged, match="did not converge"):
        il.sketched_influence(il.regress(X, Y, max_steps=1), il.GaussianProjection(k=5))
    with pytest.raises(InvalidParameter, match="form is 'cook'"):
        il.sketched_influence(fitted, il.GaussianProjection(k=5)).cook("cook")
    with pytest.raises(WrongType, match=r"sketches is 0\.5"):
        il.sketched_influence(fitted, il.GaussianProjection(k=5), sketches=0.5)  # pyright: ignore[reportArgumentType]
