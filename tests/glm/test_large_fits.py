"""Fits of more coefficients than a matrix of p × p is formed for: those of the other way, where both can be had."""

import numpy
import pytest
import scipy.sparse
from regressions import CASES, CLASSES, COUNTS, ETA, SLOWLY, WITH, N, X

import influencelab as il
from influencelab.errors import InvalidData, NotConverged
from influencelab.glm.conjugate_gradients import conjugate_gradients

EXHAUSTIVE = [pytest.mark.slow, pytest.mark.exhaustive]
WEIGHTS, OFFSETS = numpy.linspace(0.2, 3, N), numpy.linspace(-0.3, 0.3, N)


def by_products(monkeypatch, *args, **settings):
    """A fit for which no matrix is formed."""
    with monkeypatch.context() as patch:
        patch.setattr("influencelab.glm.objective.SQUARE", 4)
        return il.regress(*args, **settings)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", SLOWLY)
@pytest.mark.parametrize("decay", [0.01, pytest.param(0.0, marks=EXHAUSTIVE)])
def test_products_alone_arrive_where_matrices_do(case, decay, monkeypatch):
    family, _, y = CASES[case]
    for x in (X, scipy.sparse.csr_array(X)):
        settings = {"family": family, "weights": WEIGHTS, "offsets": OFFSETS / 3, "weight_decay": decay}
        wanted, found = il.regress(x, y, **settings), by_products(monkeypatch, x, y, **settings)
        assert wanted.converged
        assert found.converged
        assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-8, abs=1e-8)
        assert found.loss == pytest.approx(wanted.loss, rel=1e-12)


@pytest.mark.slow
def test_without_an_intercept_and_in_chunks_too(monkeypatch):
    table = il.ArrayTable(scipy.sparse.csr_array(numpy.float32(abs(X))), COUNTS + 1, rows=37)
    for family in (il.Poisson(), il.Gamma()):
        wanted = il.regress(table, family=family, intercept=False)
        found = by_products(monkeypatch, table, family=family, intercept=False, workers=2)
        assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-8)


def test_more_coefficients_than_fit_in_a_matrix_and_than_rows():
    rng = numpy.random.default_rng(0)
    x = scipy.sparse.random_array((400, 9000), density=0.004, rng=rng, format="csr")
    y = (x @ rng.normal(size=9000) > 0) * 1.0
    found = il.regress(x, y, weight_decay=1e-3)
    assert found.converged
    # At a minimum β is made of rows: 1/n Σ (y − μ) x = weight_decay · β, and no intercept moves the mean.
    residual = y - 1 / (1 + numpy.exp(-(x @ found.coefficients[:-1] + found.coefficients[-1])))
    assert x.T @ residual / 400 == pytest.approx(1e-3 * found.coefficients[:-1], abs=1e-9)
    assert residual.mean() == pytest.approx(0, abs=1e-9)
    sketch = il.sketched_influence(found, il.SparseSignProjection(k=20))
    assert numpy.isfinite(sketch.cook()).all()
    with pytest.raises(InvalidData, match="9,001 coefficients and 400 rows, so that many fit equally well"):
        il.regress(x, y)


def test_where_products_run_out_nothing_is_said_to_have_converged(monkeypatch):
    monkeypatch.setattr("influencelab.glm.newton.PRODUCTS", 1)
    found = by_products(monkeypatch, X, CLASSES, max_steps=3)
    assert not found.converged
    assert found.left == numpy.inf


@pytest.mark.parametrize("change", [scipy.sparse.csr_array, pytest.param(numpy.asarray, marks=pytest.mark.slow)])
def test_columns_that_repeat_another_are_named(change, monkeypatch):
    for x, said in (
        (numpy.c_[X, 2 * X[:, 1]], "column 4 is column 1 times a number"),
        (WITH, "the intercept is column 4 times a number"),
        (X * [1, 0, 1, 1], "column 1 is 0 in every row"),
    ):
        with pytest.raises(InvalidData, match=said):
            by_products(monkeypatch, change(x), CLASSES)
    with pytest.raises(NotConverged, match="separate the two classes"):
        by_products(monkeypatch, change(X), (ETA > 0) * 1.0)


def test_gradients_solve_several_sides_each_to_its_own_residual():
    rng = numpy.random.default_rng(0)
    half = rng.normal(size=(60, 40))
    matrix, right = half.T @ half, rng.normal(size=(40, 3)) * [1.0, 1e-6, 0.0]
    found = conjugate_gradients(lambda v: matrix @ v, matrix.diagonal(), right, tolerance=1e-10, most=200)
    assert (found.residual <= 1e-10).all()
    truth = numpy.linalg.solve(matrix, right)
    assert found.solution == pytest.approx(truth, rel=1e-6, abs=1e-15)
    short = conjugate_gradients(lambda v: matrix @ v, matrix.diagonal(), right, tolerance=1e-10, most=3)
    assert short.products == 3
    assert short.residual[0] > 1e-10
