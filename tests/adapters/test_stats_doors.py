"""What of statsmodels is taken and what is refused, and why: other classes, no minimum, test points."""

import re
import warnings
from pathlib import Path

import numpy
import pandas
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from own_stats import LINKS, fitted, frame
from statsmodels.tsa.arima.model import ARIMA

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, NotConverged, NullSpaceMass, WrongType

TRAIN, TEST = frame(0).iloc[:300], frame(0).iloc[300:]
X = sm.add_constant(TRAIN[["a", "b"]])
FAMILIES = sm.families
pytestmark = pytest.mark.filterwarnings("ignore")


def groups():
    """Clusters of ten points."""
    return numpy.arange(len(TRAIN)) // 10


def without_data():
    """Results as they are stored to take little room."""
    results = sm.OLS(TRAIN.y, X).fit()
    results.remove_data()
    return results


REFUSED = {
    "gls": (lambda: sm.GLS(TRAIN.y, X, sigma=TRAIN.weight).fit(), r"correlated.*WLS"),
    "mixed": (lambda: smf.mixedlm("y ~ a", TRAIN, groups=groups()).fit(), "random effects"),
    "gee": (lambda: smf.gee("y ~ a", groups(), TRAIN).fit(), "estimating equations"),
    "rlm": (lambda: sm.RLM(TRAIN.y, X).fit(), r"scale.*HuberRegressor"),
    "arima": (lambda: ARIMA(TRAIN.y.to_numpy(), order=(1, 0, 0)).fit(), "series"),
    "quantile": (lambda: sm.QuantReg(TRAIN.y, X).fit(), "kink"),
    "multinomial": (lambda: sm.MNLogit(TRAIN["count"].clip(upper=2), X).fit(disp=0), "LogisticRegression"),
    "negative binomial": (lambda: sm.NegativeBinomial(TRAIN["count"], X).fit(disp=0), r"dispersion.*GLM"),
    "ridge": (lambda: sm.OLS(TRAIN.y, X).fit_regularized(alpha=0.1, L1_wt=0.0), r"do not hold their penalty.*Ridge"),
    "lasso": (lambda: sm.Logit(TRAIN.side, X).fit_regularized(alpha=1.0, disp=0), "do not hold their penalty"),
    "penalised glm": (lambda: sm.GLM(TRAIN.y, X).fit_regularized(alpha=0.1), "do not hold their penalty"),
    "constrained": (lambda: smf.glm("y ~ a + b", TRAIN).fit_constrained("a = 0"), "fit_constrained holds"),
    "family": (lambda: sm.GLM(TRAIN["count"], X, family=FAMILIES.NegativeBinomial()).fit(), "family NegativeBinomial"),
    "link": (lambda: sm.GLM(TRAIN.side, X, family=FAMILIES.Binomial(LINKS.Cauchy())).fit(), "link Cauchy"),
    "model": (lambda: sm.OLS(TRAIN.y, X), "no fitted result"),
    "without data": (without_data, "remove_data took"),
    "text": (lambda: "results", "expected what the fit method"),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in ("mixed", "arima", "gee") else []) for name in REFUSED],
)
def test_other_classes_are_refused_with_the_reason_and_what_would_answer(name):
    made, reason = REFUSED[name]
    with pytest.raises(WrongType, match=f"(?s){reason}"):
        il.from_statsmodels(made())


@pytest.mark.parametrize("make", [lambda: sm.Logit(TRAIN.side, X), lambda: sm.Poisson(TRAIN["count"], X)])
def test_fits_that_did_not_converge_are_refused_and_polished_on_request(make):
    stopped = make().fit(maxiter=2, disp=0)
    with pytest.raises(NotConverged, match="polish=True"):
        il.from_statsmodels(stopped)
    whole = make().fit(disp=0, tol=1e-12, method="newton")
    fit = il.from_statsmodels(stopped, polish=True)
    assert fit.theta.numpy() == pytest.approx(whole.params.to_numpy(), rel=1e-6)


def test_an_early_glm_and_changed_coefficients_are_refused():
    with pytest.raises(NotConverged, match="did not converge"):
        il.from_statsmodels(sm.GLM(TRAIN["count"], X, family=FAMILIES.Poisson()).fit(maxiter=2))
    results = sm.OLS(TRAIN.y, X).fit()
    results._results.params = results._results.params + 1e-3
    with pytest.raises(NotConverged, match=r"no minimum on this data.*it did not end there"):
        il.from_statsmodels(results)


def test_where_there_is_no_minimum_the_reason_is_given():
    sides = (TRAIN.a > 1).astype(int)
    for results in (
        sm.Logit(sides, X).fit(disp=0, maxiter=50),
        sm.Probit(sides, X).fit(disp=0, maxiter=20, method="bfgs"),
        sm.GLM(sides, X, family=FAMILIES.Binomial()).fit(),
    ):
        with pytest.raises(NotConverged, match=r"no minimum: .*separate"):
            il.from_statsmodels(results)
    group = X.assign(group=(TRAIN.a > 1.4).astype(float))
    none = TRAIN["count"].where(group.group == 0, 0)
    with pytest.raises(NotConverged, match=r"no minimum: .*counts of 0"):
        il.from_statsmodels(sm.GLM(none, group, family=FAMILIES.Poisson()).fit())
    shares = (TRAIN.won / TRAIN.trials).where(group.group == 0, 1.0)
    with pytest.raises(NotConverged, match=r"no minimum: .*shares of 0 and 1"):
        il.from_statsmodels(sm.GLM(shares, group, family=FAMILIES.Binomial(), var_weights=TRAIN.trials).fit())


def test_an_offset_that_knows_the_classes_separates_nothing():
    """What counts is whether coefficients can, which these cannot."""
    offset = 6.0 * (2 * TRAIN.side.to_numpy() - 1)
    fit = il.from_statsmodels(sm.Logit(TRAIN.side, X, offset=offset).fit(disp=0, maxiter=200, tol=1e-10))
    assert fit.converged
    assert fit.accuracy()[0] == 1.0


@pytest.mark.slow
def test_of_columns_that_are_sums_of_others_predictions_are_answered_and_coefficients_refused():
    both = X.assign(c=X.a + X.b)
    fit = il.from_statsmodels(sm.OLS(TRAIN.y, both).fit())
    plain = il.from_statsmodels(sm.OLS(TRAIN.y, X).fit())
    found, wanted = (il.NewtonStep().estimate(each).values for each in (fit, plain))
    assert found.numpy() == pytest.approx(wanted.numpy(), rel=1e-6, abs=1e-9 * float(wanted.abs().max()))
    assert il.hat_values(fit).to_numpy() == pytest.approx(il.hat_values(plain).to_numpy(), rel=1e-6)
    for asked in (il.dfbeta, il.dfbetas):
        with pytest.raises(NullSpaceMass):
            asked(fit)
    assert il.dfbeta(plain).shape == (300, 3)


def test_a_table_goes_through_the_models_own_formula():
    table = TRAIN.assign(kind=numpy.where(groups() % 3 == 0, "u", "v"))
    results = smf.ols("y ~ numpy.log(a) + C(kind) + b", table).fit()
    names = ("Intercept", "C(kind)[T.v]", "numpy.log(a)", "b")
    new = TEST.assign(kind="v")
    fit = il.from_statsmodels(results, new)
    assert fit.data.feature_names == names
    assert list(fit.data.shown_ids("test")) == list(new.index)
    assert fit.measures().numpy() == pytest.approx((results.predict(new) - new.y).to_numpy() ** 2 / 2, rel=1e-9)
    columns = pandas.DataFrame(fit.data.x_test.numpy(), new.index, names)
    shuffled = il.from_statsmodels(results, columns[list(reversed(names))], new.y)
    assert shuffled.measures().numpy() == pytest.approx(fit.measures().numpy(), rel=1e-12)
    with pytest.raises(InvalidData, match="cannot be put through the formula"):
        il.from_statsmodels(results, new[["a", "y"]])
    with pytest.raises(InvalidData, match="X_test came without y_test"):
        il.from_statsmodels(results, new.drop(columns="y"))
    with pytest.raises(InvalidParameter, match=r"no coefficient 'age'. The model has: Intercept"):
        il.Exact().sensitivity(fit, measure=il.Coefficients("age"))


def test_two_columns_of_test_responses_are_shares():
    results = smf.glm("won + lost ~ a", TRAIN, family=FAMILIES.Binomial()).fit()
    fits = [
        il.from_statsmodels(results, TEST),
        il.from_statsmodels(results, TEST, TEST[["won", "lost"]]),
        il.from_statsmodels(results, TEST, TEST.won / TEST.trials),
    ]
    for fit in fits[1:]:
        assert fit.measures().numpy() == pytest.approx(fits[0].measures().numpy(), rel=1e-12)


def test_impossible_test_points_are_refused():
    plain, shifted = (fitted("poisson", variant, TRAIN) for variant in ("", "offset"))
    new, y, zeros = sm.add_constant(TEST[["a", "b"]]), TEST["count"], numpy.zeros(len(TEST))
    for results, given, reason in (
        (plain, (new, y, zeros), "leave offset_test out"),
        (shifted, (new, y, None), "give offset_test"),
        (shifted, (new, y, zeros[:3]), r"expected \(10,\)"),
        (plain, (new[["a", "b"]], y, None), "add_constant"),
        (plain, (new.to_numpy()[:, :2], y, None), "10 × 2"),
        (plain, (new, y[:4], None), r"expected \(10,\)"),
        (plain, (new, None, None), "without y_test"),
        (plain, (None, y, None), "without X_test"),
        (plain, (new.assign(a=numpy.nan), y, None), "NaN"),
    ):
        with pytest.raises(InvalidData, match=reason):
            il.from_statsmodels(results, given[0], given[1], offset_test=given[2])
    fit = il.from_statsmodels(shifted, new, y, offset_test=zeros)
    assert fit.measures().numpy() == pytest.approx(
        il.from_statsmodels(shifted, new.to_numpy(), y.to_list(), offset_test=list(zeros)).measures().numpy()
    )


def test_nothing_of_statsmodels_is_imported_by_ours():
    for path in Path(il.__file__).parent.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) statsmodels", path.read_text(encoding="utf-8"), flags=re.MULTILINE), (
            path
        )


def test_too_few_points_have_no_standard_errors():
    fit = il.from_statsmodels(sm.OLS(TRAIN.y[:4], X[:4]).fit())
    for asked in (il.dfbetas, il.cooks_distance, il.dffits):
        with pytest.raises(InvalidParameter, match="4 points and 3 coefficients"):
            asked(fit)
    assert il.dfbeta(fit).shape == (4, 3)


def test_the_door_of_scikit_learn_names_this_one():
    results = sm.OLS(TRAIN.y, X).fit()
    assert "il.from_statsmodels" in il.supports(results).reason
    with pytest.raises(WrongType, match=r"il\.from_statsmodels"):
        il.from_sklearn(results, X, TRAIN.y, X, TRAIN.y)


def test_the_example_of_the_page_runs():
    page = (Path(il.__file__).parent / "adapters" / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    example = next(each for each in found if "from_statsmodels" in each)
    assert len(example.splitlines()) < 10
    names = {"age": TRAIN.a, "site": groups() % 3, "years": TRAIN.exposure}
    values = {"table": TRAIN.assign(**names)}
    exec(example, values)
    assert values["fit"].converged


def test_warnings_are_none_of_ours():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = il.from_statsmodels(sm.OLS(TRAIN.y, X).fit())
        il.dfbetas(fit), il.NewtonStep().estimate(fit)
