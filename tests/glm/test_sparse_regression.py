"""Absolute penalties: scikit-learn's minimum, influence on what is not 0, and refits with the same signs."""

import numpy
import pytest
import scipy.sparse
from regressions import CLASSES, COUNTS, ETA, N
from regressions import X as FEW
from sklearn.linear_model import Lasso, LogisticRegression

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter

X = numpy.c_[FEW, numpy.random.default_rng(1).normal(size=(N, 26))]
VALUES = ETA + numpy.random.default_rng(2).normal(size=N)
ROWS = numpy.arange(0, N, 29)


@pytest.mark.parametrize("change", [numpy.asarray, scipy.sparse.csr_array])
def test_coefficients_are_those_of_scikit_learn(change):
    lasso = Lasso(alpha=0.1, tol=1e-12, max_iter=100_000).fit(X, VALUES)
    found = il.sparse_regression(change(X), VALUES, l1=0.1, family=il.Gaussian())
    assert found.table.places.tolist() == numpy.flatnonzero(lasso.coef_).tolist()
    wanted = [*lasso.coef_[lasso.coef_ != 0], lasso.intercept_]
    assert found.coefficients == pytest.approx(wanted, abs=1e-8)
    theirs = LogisticRegression(l1_ratio=1.0, solver="saga", C=1 / (0.03 * N), tol=1e-10, max_iter=100_000).fit(
        X, CLASSES
    )
    found = il.sparse_regression(change(X), CLASSES, l1=0.03)
    assert found.table.places.tolist() == numpy.flatnonzero(theirs.coef_).tolist()
    wanted = [*theirs.coef_[theirs.coef_ != 0], *theirs.intercept_]
    assert found.coefficients == pytest.approx(wanted, abs=1e-6)
    assert found.converged


def slope(family, y, coefficients, weights, decay):
    """∇ of the smooth part by differences of the loss."""

    def loss(beta):
        return (
            weights @ family.working(y, X @ beta[:-1] + beta[-1]).loss / weights.sum()
            + decay * beta[:-1] @ beta[:-1] / 2
        )

    step = 1e-6 * numpy.eye(len(coefficients))
    return numpy.array([(loss(coefficients + each) - loss(coefficients - each)) / 2e-6 for each in step])


FAMILIES = [(il.Poisson(), COUNTS), (il.Binomial(il.ProbitLink()), CLASSES), (il.Gaussian(), VALUES)]


@pytest.mark.slow
@pytest.mark.parametrize("decay", [0.0, 0.02])
def test_what_anyone_fitted_is_brought_to_the_minimum_of_any_family(decay):
    weights, l1 = numpy.linspace(0.5, 2, N), 0.05
    for family, y in FAMILIES:
        given = numpy.zeros(X.shape[1] + 1)
        given[[0, 7]] = 0.1, 0.2
        settings = {"family": family, "weights": weights, "weight_decay": decay}
        found = il.sparse_regression(X, y, l1=l1, coefficients=given, **settings)
        whole = numpy.zeros(X.shape[1] + 1)
        whole[[*found.table.places, -1]] = found.coefficients
        smooth = slope(family, y, whole, weights, decay)
        active = whole[:-1] != 0
        assert 0 < active.sum() < X.shape[1]
        assert smooth[:-1][active] == pytest.approx(-l1 * numpy.sign(whole[:-1][active]), abs=1e-7)
        assert abs(smooth[:-1][~active]).max() <= l1 * (1 + 1e-5)
        assert smooth[-1] == pytest.approx(0, abs=1e-7)


def test_influence_is_that_of_the_active_columns():
    found = il.sparse_regression(X, VALUES, l1=0.1, family=il.Gaussian())
    with_ones = numpy.c_[X[:, found.table.places], numpy.ones(N)]
    hat = numpy.einsum("ij,ji->i", with_ones, numpy.linalg.pinv(with_ones))
    influence = il.row_influence(found)
    assert influence.leverage == pytest.approx(hat, rel=1e-9)
    residual = VALUES - with_ones @ found.coefficients
    assert influence.cook() == pytest.approx(residual**2 * hat / (1 - hat) ** 2, rel=1e-8)


@pytest.mark.slow
def test_deletions_are_refits_where_signs_are_kept_and_only_there():
    l1 = 0.1
    found = il.sparse_regression(X, VALUES, l1=l1, family=il.Gaussian())
    deletions = il.row_deletions(found)
    kept = il.signs_kept(deletions)
    assert 0.5 * N < kept.sum() < N
    right = numpy.zeros(N, dtype=bool)
    for row in range(N):
        rest = numpy.arange(N) != row
        # The penalty stays in total: of N − 1 rows each has more of it.
        lasso = Lasso(alpha=l1 * N / (N - 1), tol=1e-12, max_iter=100_000).fit(X[rest], VALUES[rest])
        wanted = numpy.zeros(X.shape[1])
        wanted[found.table.places] = (found.coefficients - deletions.changes[row])[:-1]
        right[row] = abs(lasso.coef_ - wanted).max() < 1e-8
    assert (right == kept).all()


def test_bad_penalties_and_coefficients_are_refused():
    with pytest.raises(InvalidParameter, match="l1 is 0, expected a finite number > 0"):
        il.sparse_regression(X, CLASSES, l1=0)
    for x in (X, scipy.sparse.csr_array(X)):
        with pytest.raises(InvalidData, match=r"All coefficients are 0 where l1 is 9. Take one below") as told:
            il.sparse_regression(x, VALUES, l1=9.0, family=il.Gaussian())
        # What is said is the least penalty under which all are 0: slopes at the mean.
        least = abs(X.T @ (VALUES - VALUES.mean())).max() / N
        assert float(str(told.value).split()[-1].rstrip(".")) == pytest.approx(least, rel=1e-2)
    assert il.sparse_regression(X, VALUES, l1=0.98 * least, family=il.Gaussian()).p == 2
    with pytest.raises(InvalidParameter, match="scikit-learn has no fit of Poisson with LogLink"):
        il.sparse_regression(X, COUNTS, l1=0.1, family=il.Poisson())
    with pytest.raises(InvalidParameter, match="coefficients are 3 numbers, expected 31 finite ones"):
        il.sparse_regression(X, COUNTS, l1=0.1, family=il.Poisson(), coefficients=[1.0, 2.0, 3.0])
    with pytest.raises(InvalidParameter, match="The regression has no absolute penalty"):
        il.signs_kept(il.row_deletions(il.regress(FEW, CLASSES), ROWS))
