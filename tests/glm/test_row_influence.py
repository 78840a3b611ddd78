"""Leverage, Cook's distance and deletions: other people's numbers where these are right, refits everywhere."""

import numpy
import pytest
import scipy.sparse
import statsmodels.api as sm
from regressions import CASES, CLASSES, COUNTS, WITH, N, P, X

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, NotConverged, WrongType
from influencelab.glm.influence import coefficient_changes

ROWS = numpy.arange(0, N, 13)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """A family, responses, our fit and that of statsmodels."""
    family, other, y = CASES[request.param]
    fitted = sm.GLM(y, WITH, family=other).fit(tol=1e-14, maxiter=200)
    return family, y, il.regress(X, y, family=family), fitted


@pytest.mark.filterwarnings("ignore")
def test_cook_and_leverage_and_residuals_are_those_of_statsmodels(case):
    _, _, fitted, other = case
    theirs = other.get_influence(observed=True)
    found = il.row_influence(fitted, curvature="observed")
    assert found.leverage == pytest.approx(theirs.hat_matrix_diag, abs=1e-8)
    assert found.studentised == pytest.approx(theirs.resid_studentized, abs=1e-7)
    assert found.cook() / fitted.p / fitted.dispersion == pytest.approx(theirs.cooks_distance[0], abs=1e-8)
    expected = il.row_influence(fitted)
    assert expected.leverage == pytest.approx(other.get_hat_matrix_diag(observed=False), abs=1e-8)
    assert expected.leverage.sum() == pytest.approx(P + 1)


@pytest.mark.filterwarnings("ignore")
def test_coefficients_without_a_row_are_those_of_a_refit(case):
    _, y, fitted, other = case
    truth = []
    for row in ROWS.tolist():
        weights = numpy.ones(N)
        weights[row] = 0
        again = sm.GLM(y, WITH, family=other.family, freq_weights=weights)
        truth.append(fitted.coefficients - again.fit(tol=1e-14, maxiter=200).params)
    size = abs(numpy.array(truth)).max()
    exact = il.row_deletions(fitted, ROWS)
    assert exact.converged.all()
    assert exact.changes == pytest.approx(numpy.array(truth), abs=1e-6 * size)
    influence = il.row_influence(fitted, curvature="observed")
    one_step = coefficient_changes(influence)[ROWS]
    assert numpy.polyfit(one_step.ravel(), numpy.ravel(truth), 1)[0] == pytest.approx(1, abs=0.03)
    assert one_step == pytest.approx(numpy.array(truth), abs=0.1 * size)
    if fitted.family.ratio is not None:
        # Under a canonical link Cook's distance is the distance that one step of Newton's goes.
        far = numpy.sqrt(influence.cook()[ROWS])
        assert numpy.polyfit(far, numpy.sqrt(exact.distance), 1) == pytest.approx([1, 0], abs=0.05)


@pytest.mark.filterwarnings("ignore")
def test_one_step_of_statsmodels_is_upside_down_under_an_inverse_link_and_ours_is_not():
    family, other, y = CASES["gamma"]
    theirs = sm.GLM(y, WITH, family=other).fit(tol=1e-14, maxiter=200).get_influence(observed=True).d_params
    fitted = il.regress(X, y, family=family)
    ours, truth = coefficient_changes(il.row_influence(fitted)), il.row_deletions(fitted).changes
    slopes = [numpy.polyfit(each.ravel(), truth.ravel(), 1)[0] for each in (ours, theirs)]
    assert slopes == pytest.approx([1, -1], abs=0.03)


def test_sparse_rows_and_chunks_have_the_leverage_of_dense_ones(monkeypatch):
    x = X * (numpy.random.default_rng(1).uniform(size=X.shape) < 0.4)
    wanted = il.row_influence(il.regress(x, CLASSES, weight_decay=0.01))
    for share in (0, 250, 10**9):
        monkeypatch.setattr("influencelab.glm.pairs.PAIR", share)
        for table in (scipy.sparse.csr_array(x), il.ArrayTable(scipy.sparse.csr_array(x), CLASSES, rows=7)):
            y = None if isinstance(table, il.ArrayTable) else CLASSES
            found = il.row_influence(il.regress(table, y, weight_decay=0.01), workers=2)
            assert found.leverage == pytest.approx(wanted.leverage, rel=1e-9)
            assert found.cook() == pytest.approx(wanted.cook(), rel=1e-8)


def test_with_a_penalty_deletions_are_refits_at_its_total():
    decay = 0.02
    fitted = il.regress(X, COUNTS, family=il.Poisson(), weight_decay=decay)
    found = il.row_deletions(fitted, [3, 200])
    for row, change in zip((3, 200), found.changes, strict=True):
        rest = numpy.arange(N) != row
        again = il.regress(X[rest], COUNTS[rest], family=il.Poisson(), weight_decay=decay * N / (N - 1))
        assert change == pytest.approx(fitted.coefficients - again.coefficients, abs=1e-9)


def test_the_door_gives_what_the_steps_give_and_the_published_form_is_below():
    wanted = il.row_influence(il.regress(X, COUNTS, family=il.Poisson()))
    assert il.cook_distances(X, COUNTS, family=il.Poisson()) == pytest.approx(wanted.cook())
    published = il.cook_distances(X, COUNTS, family=il.Poisson(), form="published")
    assert published == pytest.approx(wanted.cook() * (1 - wanted.leverage))
    assert wanted.top(3)["cook"].tolist() == sorted(wanted.cook(), reverse=True)[:3]
    assert "largest Cook's distance" in repr(wanted)


def test_what_has_no_influence_is_refused(monkeypatch):
    fitted = il.regress(X, CLASSES)
    with pytest.raises(InvalidParameter, match="form is 'cook'"):
        il.row_influence(fitted).cook("cook")
    with pytest.raises(InvalidParameter, match="curvature is 'fisher'"):
        il.row_influence(fitted, curvature="fisher")
    with pytest.raises(InvalidParameter, match="rows go from 3 to 300"):
        il.row_deletions(fitted, [3, 300])
    with pytest.raises(WrongType, match="expected whole numbers"):
        il.row_deletions(fitted, [0.5])
    with pytest.raises(NotConverged, match="Raise max_steps"):
        il.row_influence(il.regress(X, CLASSES, max_steps=1))
    monkeypatch.setattr("influencelab.glm.objective.SQUARE", 4)
    with pytest.raises(InvalidParameter, match="sketched_influence"):
        il.row_influence(fitted)


@pytest.mark.filterwarnings("ignore")
def test_one_call_takes_what_people_have(case):
    family, y, fitted, other = case
    wanted = il.row_influence(fitted).cook()
    for found in (il.glm_influence(X, y, family=family), il.glm_influence(fitted), il.glm_influence(other)):
        assert found.cook() == pytest.approx(wanted, rel=1e-5, abs=1e-9)
    assert "exact: a matrix of 5 × 5" in found.reason


@pytest.mark.filterwarnings("ignore")
def test_weights_and_offsets_of_results_come_along():
    weights, exposure = numpy.linspace(0.5, 2, N), numpy.linspace(1, 3, N)
    other = sm.GLM(COUNTS, WITH, family=sm.families.Poisson(), var_weights=weights, exposure=exposure).fit(tol=1e-12)
    table = il.ArrayTable(X, COUNTS, weights, numpy.log(exposure))
    wanted = il.row_influence(il.regress(table, family=il.Poisson())).cook()
    assert il.glm_influence(other).cook() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_results_that_are_no_maximum_and_other_models_are_refused():
    penalised = sm.GLM(CLASSES, WITH, family=sm.families.Binomial()).fit_regularized(alpha=0.1, L1_wt=0.0)
    with pytest.raises(InvalidData, match="Give X, y and weight_decay"):
        il.glm_influence(penalised)
    with pytest.raises(WrongType, match=r"il\.from_statsmodels reads other models"):
        il.glm_influence(sm.RLM(COUNTS, WITH).fit())
    with pytest.raises(InvalidParameter, match="Give it alone"):
        il.glm_influence(il.regress(X, CLASSES), CLASSES)


def test_many_coefficients_are_sketched_and_say_so(monkeypatch):
    monkeypatch.setattr("influencelab.glm.choice.SQUARE", 4)
    fitted = il.regress(X, CLASSES)
    found = il.glm_influence(fitted, projection=il.GaussianProjection(k=3), sketches=4)
    assert found.reason.startswith("sketched: 5 coefficients are seen through 3 random sums")
    table = found.table()
    assert ((table["cook_low"] <= table["cook"]) & (table["cook"] <= table["cook_high"])).all()
    with pytest.raises(InvalidParameter, match="k is 200"):
        il.glm_influence(fitted)
