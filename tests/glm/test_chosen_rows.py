"""Leverage of chosen rows by conjugate gradients: that of a matrix, in few coefficients and in many."""

import jaxtyping
import numpy
import pytest
import scipy.sparse
from regressions import CASES, CLASSES, SLOWLY, N, X

import influencelab as il
from influencelab.errors import InvalidParameter, NotConverged, WrongType

ROWS = [7, 299, 0, 7]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", SLOWLY)
def test_chosen_rows_have_the_leverage_that_all_rows_have(case):
    family, _, y = CASES[case]
    for x, decay in ((X, 0.0), (scipy.sparse.csr_array(X), 0.02)):
        table = il.ArrayTable(x, y, numpy.linspace(0.5, 2, N), numpy.linspace(-0.1, 0.1, N), rows=70)
        fitted = il.regress(table, family=family, weight_decay=decay)
        wanted, found = il.row_influence(fitted), il.chosen_rows(fitted, ROWS, workers=2)
        assert found.leverage == pytest.approx(wanted.leverage[ROWS], rel=1e-8)
        assert found.pearson == pytest.approx(wanted.pearson[ROWS], rel=1e-12)
        assert found.cook() == pytest.approx(wanted.cook()[ROWS], rel=1e-8)
        assert found.cook("published") == pytest.approx(wanted.cook("published")[ROWS], rel=1e-8)
        assert found.residual.max() <= 1e-8


@pytest.mark.slow
def test_of_many_coefficients_it_is_that_of_the_dual(monkeypatch):
    rng = numpy.random.default_rng(0)
    n, p, decay = 120, 9000, 1e-3
    x = scipy.sparse.random_array((n, p), density=0.01, rng=rng, format="csr")
    fitted = il.regress(x, (rng.uniform(size=n) < 0.5) * 1.0, weight_decay=decay, intercept=False)
    chance = 1 / (1 + numpy.exp(-(x @ fitted.coefficients)))
    rooted = x.toarray() * numpy.sqrt(chance * (1 - chance))[:, None]
    kernel = rooted @ rooted.T
    # V½ X (Xᵀ V X + n λ)⁻¹ Xᵀ V½ = K (K + n λ)⁻¹.
    wanted = numpy.diag(kernel @ numpy.linalg.inv(kernel + n * decay * numpy.eye(n)))
    sketch = il.sketched_influence(fitted, il.SparseSignProjection(k=50))
    assert "il.chosen_rows" in sketch.reason
    rows = sketch.top(20).index
    monkeypatch.setattr("influencelab.glm.chosen_rows.NUMBERS", 7 * p)
    found = il.chosen_rows(fitted, rows)
    assert found.leverage == pytest.approx(wanted[rows], rel=1e-8)
    assert list(found.table().index) == list(rows)
    assert "largest residual" in repr(found)


def test_a_residual_that_stays_and_bad_arguments_are_told(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    fitted = il.regress(X, CLASSES)
    with pytest.raises(NotConverged, match=r"Row .* is solved for to .* after 1 products, expected 1e-08"):
        il.chosen_rows(fitted, ROWS, most=1)
    with pytest.raises(InvalidParameter, match="tolerance is 0, expected a number between 0 and 1"):
        il.chosen_rows(fitted, ROWS, tolerance=0)
    with pytest.raises(InvalidParameter, match="rows go from 300 to 300"):
        il.chosen_rows(fitted, [300])
    with pytest.raises(WrongType, match=r"Make one: il\.regress"):
        il.chosen_rows(il.row_influence(fitted), ROWS)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidParameter, match="form is 'cook'"):
        il.chosen_rows(fitted, ROWS).cook("cook")
