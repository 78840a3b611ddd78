"""Arguments that no regression can use: each an error of the library's own that says what was expected."""

import jaxtyping
import numpy
import pandas
import pytest
from regressions import CLASSES, COUNTS, N, X

import influencelab as il
from influencelab.errors import InfluenceLabError, InvalidData, InvalidParameter, NotConverged, UnknownName, WrongType

HALF = (numpy.arange(N) < 20)[:, None] * 1.0
CALLS = {
    "a penalty of text": (
        lambda f, r: il.regress(X, COUNTS, weight_decay="a"),
        WrongType,
        "expected a finite number ≥ 0",
    ),
    "no penalty": (lambda f, r: il.regress(X, COUNTS, weight_decay=None), WrongType, "weight_decay is None"),
    "a penalty of NaN": (
        lambda f, r: il.regress(X, COUNTS, weight_decay=numpy.nan),
        InvalidParameter,
        "weight_decay is nan",
    ),
    "an intercept of text": (lambda f, r: il.regress(X, CLASSES, intercept="no"), WrongType, "Give True or False"),
    "frequencies of text": (lambda f, r: il.regress(X, CLASSES, frequencies="no"), WrongType, "Give True or False"),
    "no responses": (lambda f, r: il.regress(X), InfluenceLabError, "y .*expected one number a row"),
    "two responses": (lambda f, r: il.regress(X, X[:, :2]), InvalidData, "y has shape .300, 2., expected one number"),
    "no features": (lambda f, r: il.regress(None, COUNTS), InfluenceLabError, "X .*expected rows and columns"),
    "texts": (
        lambda f, r: il.regress(pandas.DataFrame({"a": ["x"] * N}), COUNTS),
        WrongType,
        "X .*expected numbers. Encode",
    ),
    "complex numbers": (lambda f, r: il.regress(X * 1j, COUNTS), WrongType, "of complex128, expected numbers"),
    "a family's class": (lambda f, r: il.regress(X, CLASSES, family=il.Poisson), WrongType, r"Call it: Poisson\(…\)"),
    "a link by name": (lambda f, r: il.Binomial("logit"), WrongType, "link of Binomial is the text 'logit'"),
    "counts of 0 alone": (
        lambda f, r: il.regress(HALF, COUNTS * (1 - HALF[:, 0]), family=il.Poisson()),
        NotConverged,
        "most that of column 0, as where .* counts of 0",
    ),
    "a level of text": (lambda f, r: il.influential_rows(r, level="a"), WrongType, "level is the text 'a'"),
    "no measure": (lambda f, r: il.influential_rows(r, draws=20).rows(None), UnknownName, "No measure is named 'None'"),
    "measures of a fit": (lambda f, r: il.influence_measures(f), WrongType, r"Make one: il\.row_influence"),
    "a tolerance of text": (lambda f, r: il.chosen_rows(f, [1], tolerance="a"), WrongType, "tolerance is the text 'a'"),
    "a row of truth": (lambda f, r: il.chosen_rows(f, [True]), WrongType, "expected whole numbers"),
    "ragged rows": (lambda f, r: il.row_deletions(f, [[1], [2, 3]]), WrongType, "expected whole numbers"),
    "a row before the first": (
        lambda f, r: r.dfbetas([-1]),
        InvalidParameter,
        "rows go from -1 to -1, expected 0 … 299",
    ),
    "deletions of influence": (lambda f, r: il.row_deletions(r), WrongType, r"expected a Regression\. Make one"),
    "signs of a fit": (lambda f, r: il.signs_kept(f), WrongType, r"Make some: il\.row_deletions"),
    "l1 of text": (lambda f, r: il.sparse_regression(X, CLASSES, l1="a"), WrongType, "expected a finite number > 0"),
    "coefficients of text": (
        lambda f, r: il.sparse_regression(X, CLASSES, l1=0.1, coefficients="abc"),
        WrongType,
        "coefficients are the text 'abc', expected numbers",
    ),
    "more columns than coefficients": (
        lambda f, r: il.sketched_influence(f, il.GaussianProjection(k=9)),
        InvalidParameter,
        "k is 9 and there are 5 coefficients",
    ),
}


@pytest.fixture(scope="module")
def fitted():
    """A regression and what its rows do."""
    found = il.regress(X, COUNTS, family=il.Poisson())
    return found, il.row_influence(found)


@pytest.mark.parametrize("case", CALLS)
def test_what_no_regression_can_use_is_refused(case, fitted, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    call, error, said = CALLS[case]
    with pytest.raises(error, match=said):
        call(*fitted)
