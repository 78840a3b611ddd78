"""DFBETAS, DFFITS, covariance ratio and deletions: statsmodels' numbers where these are right, refits everywhere."""

import numpy
import pytest
import statsmodels.api as sm
from regressions import CASES, COUNTS, LINKS, SLOWLY, WITH, N, X

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, WrongType

WEIGHTS, OFFSETS = numpy.linspace(0.3, 2.5, N), numpy.linspace(-0.1, 0.1, N)
ROWS = numpy.arange(0, N, 23)
pytestmark = pytest.mark.filterwarnings("ignore")


def upside_down(family) -> float:
    """−1 where a mean falls as its predictor rises: there the changes of statsmodels have the other sign."""
    return -1.0 if isinstance(family.link, LINKS.InversePower | LINKS.InverseSquared) else 1.0


def refit(family, y, weights, offsets, *, decay=0.0, start):
    """Iterated least squares in plain NumPy by the family of statsmodels, to the last digits."""
    penalty = numpy.diag([*[decay] * X.shape[1], 0.0])
    for _ in range(200):
        mean = family.link.inverse(WITH @ start + offsets)
        slope, variance = 1 / family.link.deriv(mean), family.variance(mean)
        pulled = WITH.T @ (weights * (y - mean) * slope / variance) - penalty @ start
        step = numpy.linalg.solve((WITH * (weights * slope**2 / variance)[:, None]).T @ WITH + penalty, pulled)
        start = start + step
        if abs(step).max() < 1e-14:
            break
    return start


@pytest.mark.parametrize("weighted", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", SLOWLY)
def test_dfbetas_and_dffits_are_those_of_statsmodels(case, weighted):
    ours, theirs, y = CASES[case]
    settings = {"weights": WEIGHTS, "offsets": OFFSETS} if weighted else {}
    fitted = il.regress(X, y, family=ours, **settings)
    named = {"var_weights": WEIGHTS, "offset": OFFSETS} if weighted else {}
    other = sm.GLM(y, WITH, family=theirs, **named).fit(tol=1e-14, maxiter=300)
    found, wanted = il.row_influence(fitted), other.get_influence(observed=False)
    sign = upside_down(theirs)
    assert found.standard_errors == pytest.approx(other.bse, rel=1e-7)
    assert found.leverage == pytest.approx(wanted.hat_matrix_diag, abs=1e-8)
    assert found.cook() / fitted.p / fitted.dispersion == pytest.approx(wanted.cooks_distance[0], abs=1e-8)
    assert found.dfbeta() == pytest.approx(sign * wanted.d_params, abs=1e-8)
    assert found.dfbetas() == pytest.approx(sign * wanted.dfbetas, abs=1e-8)
    assert found.dfbetas([7, 3]) == pytest.approx(sign * wanted.dfbetas[[7, 3]], abs=1e-8)
    assert found.dffits == pytest.approx(sign * moved(other), abs=1e-8)


def moved(other):
    """The change of each row's own predictor by the changes that statsmodels says, in its standard errors."""
    changes = other.get_influence(observed=False).d_params
    errors = numpy.sqrt(numpy.einsum("ip,pq,iq->i", WITH, other.cov_params(), WITH))
    return (WITH * changes).sum(1) / errors


def test_of_least_squares_all_is_what_statsmodels_gets_by_refits():
    y = CASES["gaussian"][2]
    found = il.row_influence(il.regress(X, y, family=il.Gaussian()))
    theirs = sm.OLS(y, WITH).fit().get_influence()
    assert found.dfbeta() == pytest.approx(theirs.dfbeta, abs=1e-10)
    assert found.dfbetas(dispersion="without") == pytest.approx(theirs.dfbetas, abs=1e-9)
    assert found.covariance_ratio == pytest.approx(theirs.cov_ratio, rel=1e-9)
    assert found.dispersion_without == pytest.approx(theirs.sigma2_not_obsi, rel=1e-9)
    table = il.influence_measures(found)
    assert table["dffit"].to_numpy() == pytest.approx(theirs.dffits[0], abs=1e-9)
    assert table["cov.r"].to_numpy() == pytest.approx(theirs.cov_ratio, rel=1e-9)
    assert table["cook.d"].to_numpy() == pytest.approx(theirs.cooks_distance[0], abs=1e-9)
    assert table["hat"].to_numpy() == pytest.approx(theirs.hat_matrix_diag, abs=1e-9)
    assert table.filter(like="dfb.").to_numpy() == pytest.approx(theirs.dfbetas, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_covariances_without_a_row_are_near_those_of_refits(case):
    ours, theirs, y = CASES[case]
    found = il.row_influence(il.regress(X, y, family=ours))
    whole = sm.GLM(y, WITH, family=theirs).fit(tol=1e-12, maxiter=200)
    ratio = []
    for row in ROWS.tolist():
        rest = numpy.arange(N) != row
        again = sm.GLM(y[rest], WITH[rest], family=theirs).fit(tol=1e-12, maxiter=200)
        ratio.append(numpy.linalg.det(again.cov_params()) / numpy.linalg.det(whole.cov_params()))
    # To one step, in which the curvature of other rows stays; under an inverse link it moves most.
    assert found.covariance_ratio[ROWS] == pytest.approx(ratio, rel=0.2 if "Inverse" in str(ours.link) else 0.05)


def test_a_frequency_counts_as_rows_and_is_removed_whole():
    counts = numpy.tile([1.0, 2.0, 3.0], N // 3)
    ours, theirs, y = CASES["gamma, logarithm"]
    fitted = il.regress(X, y, weights=counts, family=ours, frequencies=True)
    other = sm.GLM(y, WITH, family=theirs, freq_weights=counts).fit(tol=1e-14, maxiter=300)
    assert fitted.dispersion == pytest.approx(other.scale, rel=1e-9)
    found, wanted = il.row_influence(fitted), other.get_influence(observed=False)
    # Residuals of statsmodels know no frequency, so that its changes are short of ours by a root.
    assert found.dfbetas() == pytest.approx(numpy.sqrt(counts)[:, None] * wanted.dfbetas, abs=1e-8)
    rows = numpy.repeat(numpy.arange(N), counts.astype(int))
    again = il.regress(X[rows], y[rows], family=ours)
    assert fitted.dispersion == pytest.approx(again.dispersion, rel=1e-9)
    assert il.glm_influence(other).dfbetas() == pytest.approx(found.dfbetas(), abs=1e-6)
    mixed = sm.GLM(y, WITH, family=theirs, freq_weights=counts, var_weights=WEIGHTS).fit(tol=1e-12)
    with pytest.raises(InvalidData, match="both frequencies and variance weights"):
        il.glm_influence(mixed)


def test_trials_of_results_come_along():
    trials = numpy.arange(N) % 4 + 1
    successes = numpy.minimum(COUNTS, trials)
    other = sm.GLM(numpy.c_[successes, trials - successes], WITH, family=sm.families.Binomial()).fit(tol=1e-14)
    found = il.glm_influence(other)
    assert found.dfbetas() == pytest.approx(other.get_influence(observed=False).dfbetas, abs=1e-7)


@pytest.mark.parametrize("decay", [0.03, pytest.param(0.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", SLOWLY)
def test_deletions_are_refits_to_eight_digits_with_weights_offsets_and_a_penalty(case, decay):
    ours, theirs, y = CASES[case]
    fitted = il.regress(X, y, family=ours, weights=WEIGHTS, offsets=OFFSETS, weight_decay=decay)
    found = il.row_deletions(fitted, ROWS)
    assert found.converged.all()
    total = decay * WEIGHTS.sum()
    start = refit(theirs, y, WEIGHTS, OFFSETS, decay=total, start=fitted.coefficients)
    assert fitted.coefficients == pytest.approx(start, abs=1e-9)
    for row, change in zip(ROWS.tolist(), found.changes, strict=True):
        without = numpy.where(numpy.arange(N) == row, 0.0, WEIGHTS)
        truth = start - refit(theirs, y, without, OFFSETS, decay=total, start=start)
        assert change == pytest.approx(truth, abs=1e-8 * max(1.0, abs(start).max()))


@pytest.mark.slow
def test_one_step_has_the_size_and_sign_of_refits_where_that_of_statsmodels_has_not():
    slopes = {}
    for case, (ours, theirs, y) in CASES.items():
        fitted = il.regress(X, y, family=ours)
        truth = il.row_deletions(fitted).changes.ravel()
        other = sm.GLM(y, WITH, family=theirs).fit(tol=1e-14, maxiter=300).get_influence(observed=True).d_params
        step = il.row_influence(fitted, curvature="observed").dfbeta()
        slopes[case] = [truth @ each.ravel() / (truth @ truth) for each in (step, other)]
    assert all(abs(ours - 1) < 0.02 for ours, _ in slopes.values())
    assert slopes["gamma"][1] == pytest.approx(-1, abs=0.05)
    assert slopes["inverse gaussian"][1] == pytest.approx(-1, abs=0.05)


def test_what_cannot_be_had_without_a_row_is_refused():
    alone = numpy.c_[X, numpy.arange(N) == 5]
    found = il.row_influence(il.regress(alone, COUNTS, family=il.Poisson()))
    for ask in (found.dfbeta, found.dfbetas, lambda: found.covariance_ratio, lambda: il.influential_rows(found)):
        with pytest.raises(InvalidData, match="Row 5 has leverage 1: a coefficient rests on it alone"):
            ask()
    found = il.row_influence(il.regress(X, COUNTS, family=il.Poisson()))
    with pytest.raises(InvalidParameter, match="dispersion is 'external', expected one of whole, without"):
        found.dfbetas(dispersion="external")
    with pytest.raises(WrongType, match="expected whole numbers"):
        found.dfbetas("all")
    with pytest.raises(InvalidParameter, match="rows go from 300 to 300"):
        found.dfbeta([300])
    few = il.row_influence(il.regress(X[:6], CASES["gaussian"][2][:6], family=il.Gaussian()))
    with pytest.raises(InvalidData, match="6 rows without one leave nothing to estimate a dispersion from"):
        few.dfbetas(dispersion="without")
