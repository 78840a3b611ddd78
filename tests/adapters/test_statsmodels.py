"""Results of statsmodels read as fits: predictions against fits of their own class, numbers against its own."""

import warnings

import numpy
import pandas
import pytest
import statsmodels.api as sm
from own_stats import (
    ALL,
    CANONICAL,
    CASES,
    GLMS,
    KINDS,
    PLAIN,
    design,
    fitted,
    frame,
    losses,
    offsets,
    polished,
    predicted,
    response,
)
from scipy.stats import spearmanr
from statsmodels.stats.outliers_influence import MLEInfluence

import influencelab as il
from influencelab.influence.deletion import removal_changes

N, REMOVED = 300, 20
GLM_KINDS = [f"glm {name}" for name in GLMS]
# One variant of some classes is quick; plain and weighted ones of the first data set are slow, all others exhaustive.
QUICK = {"ols": PLAIN, "wls": "weights", "logit": "offset", "probit": "offset", "poisson": "offset"}
QUICK |= {"glm binomial": ALL, "glm poisson": ALL, "glm gamma": ALL}
SLOW, EXHAUSTIVE = [pytest.mark.slow], [pytest.mark.slow, pytest.mark.exhaustive]
pytestmark = pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")


def parts(which):
    """Training and test points."""
    return frame(which).iloc[:N], frame(which).iloc[N:]


def marks(kind, variant, which):
    """What is tried when."""
    if which:
        return EXHAUSTIVE
    return [] if QUICK.get(kind) == variant else SLOW if variant in (PLAIN, "weights") else EXHAUSTIVE


def read(kind, variant, which=0):
    """The results and the fit that they are, with test points of their own."""
    train, test = parts(which)
    results = fitted(kind, variant, train)
    shift = offsets(kind, variant, test)
    return results, il.from_statsmodels(results, design(variant, test), test[response(kind)], offset_test=shift)


def near(found, wanted, *, rel=1e-8):
    """Whether numbers agree to a share of the largest."""
    found, wanted = numpy.asarray(found, dtype=float), numpy.asarray(wanted, dtype=float)
    assert numpy.abs(found - wanted).max() <= rel * numpy.abs(wanted).max()


@pytest.mark.parametrize(
    ("kind", "variant", "which"),
    [pytest.param(*case, which, marks=marks(*case, which)) for case in CASES for which in (0, 1)],
)
def test_removals_do_what_fitting_again_by_the_own_class_does(kind, variant, which):
    (results, fit), (train, test) = read(kind, variant, which), parts(which)
    before = losses(kind, predicted(results, kind, variant, test), test)
    near(fit.measures(), before, rel=1e-6)
    rows = numpy.random.default_rng(5).permutation(N)[:REMOVED]
    found = il.NewtonStep().estimate(fit).values[rows].numpy()
    again = [fitted(kind, variant, train.drop(train.index[row])) for row in rows]
    true = numpy.stack([losses(kind, predicted(each, kind, variant, test), test) - before for each in again])
    slopes = [numpy.polyfit(ours, own, 1)[0] for ours, own in zip(found.T, true.T, strict=True)]
    orders = [spearmanr(ours, own)[0] for ours, own in zip(found.T, true.T, strict=True)]
    assert numpy.median(slopes) == pytest.approx(1, abs=0.02)
    assert numpy.median(orders) >= 0.99
    means = numpy.stack([predicted(each, kind, variant, test) for each in again])
    moved = removal_changes(fit, il.Prediction())[rows].numpy()
    true = means - predicted(results, kind, variant, test)
    slopes = [numpy.polyfit(ours, own, 1)[0] for ours, own in zip(moved.T, true.T, strict=True)]
    assert numpy.median(slopes) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "variant"),
    [
        pytest.param(kind, variant, marks=[] if kind in ("wls", "glm gamma") else SLOW)
        for kind in ("wls", *GLM_KINDS)
        for variant in (ALL if kind.startswith("glm") else "weights",)
    ],
)
def test_influence_on_coefficients_is_their_rate_of_change_with_a_points_weight(kind, variant):
    (results, fit), (train, _) = read(kind, variant), parts(0)
    weights = results.model.weights if kind == "wls" else results.model.iweights * results.model.n_trials
    names = tuple(results.model.exog_names)
    found = il.Exact().sensitivity(fit, measure=il.Coefficients(names)).slopes()
    for row in (3, 77, 150):
        own = {}
        for step in (-0.02, -0.01, 0.01, 0.02):
            more = numpy.where(numpy.arange(N) == row, 1 + step, 1.0)
            own[step] = numpy.asarray(fitted(kind, variant, train, more=more).params)
        coarse, fine = ((own[step] - own[-step]) / (2 * step) for step in (0.02, 0.01))
        near(found[row] * float(fit.weights[row]), (4 * fine - coarse) / 3, rel=1e-5)
        assert float(fit.weights[row]) == pytest.approx(float(weights[row] / weights.sum()), rel=1e-12)


def test_diagnostics_of_least_squares_are_those_of_statsmodels():
    results = fitted("ols", PLAIN, parts(0)[0])
    fit, own = il.from_statsmodels(results), results.get_influence()
    near(il.dfbeta(fit), own.dfbeta)
    near(il.dfbetas(fit), own.dfbetas)
    near(il.hat_values(fit), own.hat_matrix_diag)
    near(il.cooks_distance(fit), own.cooks_distance[0])
    near(il.dffits(fit), own.dffits[0])
    near(il.Exact().estimate(fit).leverage, own.hat_matrix_diag)
    assert list(il.dfbetas(fit).columns) == ["const", "a", "b"]
    assert list(il.dfbetas(fit).index) == list(parts(0)[0].index)


def test_diagnostics_of_weighted_least_squares_are_those_of_the_whitened_columns_and_of_refits():
    """OLSInfluence itself leaves the weights of WLS out of its refits."""
    train = parts(0)[0]
    results = fitted("wls", "weights", train)
    fit = il.from_statsmodels(results)
    own = sm.OLS(results.model.wendog, results.model.wexog).fit().get_influence()
    for found, wanted in (
        (il.dfbeta(fit), own.dfbeta),
        (il.dfbetas(fit), own.dfbetas),
        (il.hat_values(fit), own.hat_matrix_diag),
        (il.cooks_distance(fit), own.cooks_distance[0]),
        (il.dffits(fit), own.dffits[0]),
    ):
        near(found, wanted)
    again = fitted("wls", "weights", train.drop(train.index[4]))
    near(il.dfbeta(fit).iloc[4], results.params - again.params)


@pytest.mark.parametrize("kind", ["logit", "poisson", *(f"glm {name}" for name in CANONICAL)])
@pytest.mark.parametrize("variant", [PLAIN, "offset"])
def test_diagnostics_of_canonical_links_are_those_of_statsmodels(kind, variant):
    results = fitted(kind, variant, parts(0)[0])
    fit, own = il.from_statsmodels(results), results.get_influence()
    # GLMInfluence takes residuals of the mean, which fall where the predictor rises under an inverse link.
    sign = -1 if kind in ("glm gamma", "glm inverse gaussian") else 1
    near(il.dfbeta(fit), sign * own.d_params)
    near(il.dfbetas(fit), sign * own.dfbetas)
    near(il.hat_values(fit), own.hat_matrix_diag)
    near(il.cooks_distance(fit), own.cooks_distance[0])
    if kind.startswith("glm"):
        if variant == PLAIN:
            near(il.dffits(fit), sign * own.d_linpred_scaled)
    else:
        near(il.dfbetas(fit), MLEInfluence(results).dfbetas)


@pytest.mark.parametrize("kind", [pytest.param(k, marks=[] if k == "probit" else SLOW) for k in ("probit", *GLM_KINDS)])
def test_under_any_link_the_step_without_its_leverage_is_that_of_mle_influence(kind):
    """Leverage of another kind, by the response, is what MLEInfluence divides by; frequencies count here."""
    results = fitted(kind, ALL if kind.startswith("glm") else PLAIN, parts(0)[0])
    fit, own = il.from_statsmodels(results), MLEInfluence(results)
    ours, theirs = (1 - numpy.asarray(each)[:, None] for each in (il.hat_values(fit), own.hat_matrix_diag))
    near(il.dfbeta(fit) * ours, own.d_params * theirs)
    near(il.dfbetas(fit) * ours, own.dfbetas * theirs)


def test_glm_influence_leaves_out_the_root_of_a_frequency():
    train = parts(0)[0]
    results = fitted("glm poisson", "weights", train)
    fit, own = il.from_statsmodels(results), results.get_influence()
    near(il.dfbeta(fit), own.d_params * numpy.sqrt(train.times.to_numpy())[:, None])
    near(il.cooks_distance(fit), own.cooks_distance[0] * train.times)


def test_changes_of_coefficients_by_a_removal_are_exact_for_least_squares():
    train = parts(1)[0]
    results = fitted("ols", PLAIN, train)
    fit = il.from_statsmodels(results)
    moved = removal_changes(fit, il.Coefficients(("b", "const")))
    for row in range(5):
        again = fitted("ols", PLAIN, train.drop(train.index[row]))
        near(moved[row], (again.params - results.params)[["b", "const"]])


@pytest.mark.parametrize("kind", ["logit", "glm poisson", "glm gamma"])
def test_retraining_here_finds_what_the_own_class_does(kind):
    variant = ALL if kind.startswith("glm") else "offset"
    (results, fit), (train, test), rows = read(kind, variant), parts(0), [0, 5]
    before = losses(kind, predicted(results, kind, variant, test), test)
    again = [fitted(kind, variant, train.drop(train.index[row])) for row in rows]
    true = numpy.stack([losses(kind, predicted(each, kind, variant, test), test) - before for each in again])
    retrained = il.SecondOrder().retrain(fit, il.leave_one_out(N, rows=rows))
    assert retrained.converged.all()
    near(retrained.values, true, rel=1e-4)


def test_the_training_points_are_the_test_points_by_default():
    train = parts(0)[0]
    fit = il.from_statsmodels(fitted("glm poisson", ALL, train))
    assert fit.data.n == fit.data.m == N
    assert list(fit.data.shown_ids("test")) == list(train.index)
    assert fit.data.feature_names == ("a", "b", "offset")
    assert numpy.asarray(fit.data.x_test[:, -1]) == pytest.approx(offsets("glm poisson", ALL, train))
    near(fit.measures(), losses("glm poisson", fitted("glm poisson", ALL, train).fittedvalues.to_numpy(), train))
    assert il.Exact().estimate(fit).top(0, k=3).shape[0] >= 3


def test_rows_left_out_as_missing_and_columns_of_pandas_keep_the_names_of_the_others():
    train = parts(0)[0].copy()
    train.loc[train.index[2], "a"] = numpy.nan
    fit = il.from_statsmodels(sm.OLS(train.y, sm.add_constant(train[["a", "b"]]), missing="drop").fit())
    assert list(fit.data.shown_ids("train")) == list(train.index.delete(2))
    bare = il.from_statsmodels(sm.OLS(train.y.to_numpy(), train[["b"]].to_numpy()).fit())
    assert list(bare.data.shown_ids("train")) == list(range(N))
    assert list(il.dfbeta(bare).columns) == ["x1"]
    twice = pandas.concat([train.iloc[5:], train.iloc[5:9]])
    again = il.from_statsmodels(sm.OLS(twice.y, sm.add_constant(twice[["a", "b"]])).fit())
    assert list(again.data.shown_ids("train")) == list(range(N - 1))


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[] if kind in QUICK else SLOW) for kind in KINDS])
def test_honest_fits_by_default_settings_are_accepted_and_reach_the_minimum(kind):
    tight = fitted(kind, PLAIN, parts(1)[0])
    settings = {"disp": 0} if kind in ("logit", "probit", "poisson") else {}
    fit = il.from_statsmodels(tight.model.fit(**settings))
    assert fit.converged
    near(fit.theta, tight.params, rel=1e-6)
    if settings:
        assert il.from_statsmodels(tight.model.fit(method="bfgs", disp=0, maxiter=500)).converged


def test_polishing_of_the_oracle_changes_nothing_to_speak_of():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = fitted("glm poisson", PLAIN, parts(0)[0])
    near(polished(first).params, first.params)
