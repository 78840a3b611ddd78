"""Fits of generalised linear models: other people's coefficients, any form of rows, and what cannot be fitted."""

from collections.abc import Callable
from typing import Any

import jaxtyping
import numpy
import pandas
import pytest
import scipy.sparse
import statsmodels.api as sm
from regressions import CASES, CLASSES, COUNTS, ETA, RNG, WITH, N, X
from sklearn.linear_model import LogisticRegression, PoissonRegressor

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, NotConverged, WrongType


def theirs(case: str, **settings: Any):
    """The fit of statsmodels."""
    _, family, y = CASES[case]
    return sm.GLM(y, WITH, family=family, **settings).fit(tol=1e-14, maxiter=200)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_coefficients_and_dispersion_are_those_of_statsmodels(case):
    family, _, y = CASES[case]
    found, other = il.regress(X, y, family=family), theirs(case)
    assert found.converged
    assert found.coefficients == pytest.approx(other.params, rel=1e-7, abs=1e-8)
    assert found.dispersion == pytest.approx(other.scale, rel=1e-7)
    assert 2 * found.loss * N == pytest.approx(other.deviance, rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_weights_and_offsets_are_those_of_statsmodels():
    weights, offsets = RNG.uniform(0.2, 3, N), RNG.normal(size=N) / 3
    found = il.regress(X, COUNTS, family=il.Poisson(), weights=weights, offsets=offsets)
    other = theirs("poisson", freq_weights=weights, offset=offsets)
    assert found.coefficients == pytest.approx(other.params, rel=1e-8)


def test_the_penalty_is_that_of_scikit_learn():
    alpha = 0.03
    other = PoissonRegressor(alpha=alpha, tol=1e-12, solver="newton-cholesky").fit(X, COUNTS)
    found = il.regress(X, COUNTS, family=il.Poisson(), weight_decay=alpha)
    assert found.coefficients == pytest.approx([*other.coef_, other.intercept_], rel=1e-7)
    classes = LogisticRegression(C=1 / (alpha * N), tol=1e-12, solver="newton-cholesky").fit(X, CLASSES)
    found = il.regress(X, CLASSES, weight_decay=alpha)
    assert found.coefficients == pytest.approx([*classes.coef_[0], classes.intercept_[0]], rel=1e-7)


@pytest.mark.parametrize(
    "change",
    [
        scipy.sparse.csr_matrix,
        scipy.sparse.coo_array,
        lambda x: pandas.DataFrame(x, columns=list("abcd")),
        lambda x: x.tolist(),
        numpy.asfortranarray,
    ],
)
def test_rows_of_any_form_give_one_fit(change: Callable[[Any], Any]):
    wanted = il.regress(X, CLASSES, weight_decay=0.01)
    found = il.regress(change(X), CLASSES.astype(bool), weight_decay=0.01)
    assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-10)


def test_chunks_of_any_size_and_threads_give_one_fit():
    wanted = il.regress(X, COUNTS, family=il.Poisson())
    for rows, workers in ((7, 1), (7, 3), (1, 2)):
        found = il.regress(il.ArrayTable(X, COUNTS, rows=rows), family=il.Poisson(), workers=workers)
        assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-10)


def test_threads_change_no_bit():
    one, three = (il.regress(il.ArrayTable(X, COUNTS, rows=7), family=il.Poisson(), workers=w) for w in (1, 3))
    assert (one.coefficients == three.coefficients).all()


def test_single_precision_is_summed_in_double():
    rounded = X.astype(numpy.float32)
    wanted = il.regress(rounded.astype(float), COUNTS, family=il.Poisson())
    found = il.regress(rounded, COUNTS, family=il.Poisson())
    assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-9)


def test_products_alone_arrive_at_the_same_place(monkeypatch):
    wanted = il.regress(X, CLASSES, weight_decay=0.01)
    monkeypatch.setattr("influencelab.glm.objective.SQUARE", 4)
    found = il.regress(X, CLASSES, weight_decay=0.01)
    assert found.converged
    assert found.coefficients == pytest.approx(wanted.coefficients, rel=1e-7)


def changed(place: tuple[int, int], value: float) -> numpy.ndarray:
    """Features with one number changed."""
    found = X.copy()
    found[place] = value
    return found


ZERO_ROWS = numpy.where((numpy.arange(N) < 20)[:, None], 0.0, X[:, :1])
HALF = numpy.where(numpy.arange(N) < 20, numpy.arange(N) % 2, X[:, 0] > 0).astype(float)
BAD = {
    "a twin": (lambda: il.regress(numpy.c_[X, 2 * X[:, 1]], ETA, family=il.Gaussian()), "column 4 is column 1 times"),
    "a sum": (lambda: il.regress(numpy.c_[X, X[:, 1] + X[:, 0]], ETA, family=il.Gaussian()), "column 4 is a sum of"),
    "a constant": (lambda: il.regress(WITH, ETA, family=il.Gaussian()), "the intercept is column 4 times a number"),
    "zeros": (lambda: il.regress(X * [1, 0, 1, 1], ETA, family=il.Gaussian()), "column 1 is 0 in every row"),
    "NaN": (lambda: il.regress(changed((7, 2), numpy.nan), CLASSES), "row 7 has nan in column 2"),
    "infinity": (
        lambda: il.regress(scipy.sparse.csr_array(changed((7, 2), numpy.inf)), CLASSES),
        "row 7 has inf in column 2",
    ),
    "names": (
        lambda: il.regress(pandas.DataFrame(changed((7, 2), numpy.nan), columns=list("abcd")), CLASSES),
        "in column c",
    ),
    "a class": (lambda: il.regress(X, CLASSES * 3), "has the response 3; Binomial takes numbers from 0 to 1"),
    "a count": (lambda: il.regress(X, COUNTS - 9, family=il.Poisson()), "Poisson takes numbers ≥ 0"),
    "weights": (lambda: il.regress(X, CLASSES, weights=-CLASSES), "row .* has the weight -1"),
    "no weight": (lambda: il.regress(X, CLASSES, weights=0 * CLASSES), "none of the 300 rows has any weight"),
    "lengths": (lambda: il.regress(X, CLASSES[:9]), "X has 300 rows and y 9 numbers"),
    "a vector": (lambda: il.regress(X[:, 0], CLASSES), "has shape .300,., expected rows and columns"),
    "nothing": (lambda: il.regress(X[:0], CLASSES[:0]), "X is 0 × 4"),
}


@pytest.mark.parametrize("case", BAD)
def test_rows_that_cannot_be_fitted_are_named(case):
    call, said = BAD[case]
    with pytest.raises(InvalidData, match=said):
        call()


def test_classes_that_columns_separate_have_no_minimum():
    with pytest.raises(NotConverged, match="the columns separate the two classes"):
        il.regress(X, (X[:, 0] > 0).astype(float))
    with pytest.raises(NotConverged, match="most that of column 0"):
        il.regress(ZERO_ROWS, HALF, intercept=False)
    assert il.regress(ZERO_ROWS, HALF, intercept=False, weight_decay=1e-3).converged


def test_sides_that_only_offsets_give_or_that_are_no_classes_have_a_minimum():
    sides = (X[:, 0] > 0).astype(float)
    for family in (il.Gaussian(), il.Poisson()):
        assert il.regress(numpy.where(sides == 1, 1.0, -1.0)[:, None], sides, family=family, weight_decay=0.1).converged
    assert il.regress((2 * sides - 1)[:, None], sides, family=il.Gaussian()).converged
    # Offsets put every row on its own side; the columns do not, and there is a best multiple of theirs.
    mixed = numpy.where(numpy.arange(N) % 3 == 0, -1.0, 1.0)[:, None] * (2 * sides - 1)[:, None]
    assert il.regress(mixed, sides, offsets=4 * (2 * sides - 1), intercept=False).converged


def test_arguments_of_another_kind_are_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(WrongType, match="family is the text 'poisson'"):
        il.regress(X, COUNTS, family="poisson")  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongType, match=r"expected numbers\. Encode texts"):
        il.regress(X.astype(str), COUNTS)
    with pytest.raises(WrongType, match="Encode classes as 0 and 1"):
        il.regress(X, ["yes"] * N)
    with pytest.raises(InvalidParameter, match="part of a table"):
        il.regress(il.ArrayTable(X, COUNTS), COUNTS)
    with pytest.raises(InvalidParameter, match="weight_decay is -1"):
        il.regress(X, COUNTS, weight_decay=-1.0)


def test_a_fit_says_what_it_is():
    found = il.regress(X, COUNTS, family=il.Poisson())
    assert "Poisson, LogLink, rows: 300, coefficients: 5" in repr(found)
