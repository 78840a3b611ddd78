"""Frames, columns and fitted models as people have them: names are kept, and what cannot be used is said."""

import jaxtyping
import numpy
import pandas
import pytest
import scipy.sparse
import statsmodels.api as sm
import statsmodels.formula.api as formulas
from regressions import CLASSES, COUNTS, ETA, WITH, N, X
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.errors import InvalidData, WrongType
from influencelab.glm.table import gathered, rows_at

INDEX = [f"patient {row}" for row in range(N)]
FRAME = pandas.DataFrame(X, columns=["age", "dose", "weight", "time"], index=INDEX)
ILL = pandas.Series(CLASSES, index=INDEX)


def test_rows_bear_the_index_of_their_frame():
    found, plain = il.glm_influence(FRAME, ILL), il.glm_influence(X, CLASSES)
    assert found.cook() == pytest.approx(plain.cook(), rel=1e-9)
    assert found.table().index.tolist() == INDEX
    first = INDEX[int(plain.cook().argmax())]
    assert found.top(3).index[0] == first
    assert f"at row {first}" in repr(found)
    assert plain.table().index.tolist() == list(range(N))
    sketch = il.glm_influence(FRAME, ILL, projection=il.GaussianProjection(k=3))
    assert sketch.top(1).index[0] in INDEX
    assert "at row patient" in repr(sketch)


def test_columns_of_every_numeric_type_are_numbers():
    mixed = FRAME.astype({"dose": "Float64", "time": "float32"}).assign(smoker=X[:, 0] > 0, visits=COUNTS.astype(int))
    numbers = numpy.column_stack([X[:, :3], X[:, 3].astype("f4"), X[:, 0] > 0, COUNTS])
    wanted = il.glm_influence(numbers, CLASSES).cook()
    for y in (ILL, ILL.astype(bool), ILL.astype("boolean"), ILL.astype("Int64"), ILL.to_frame(), CLASSES.tolist()):
        assert il.glm_influence(mixed, y).cook() == pytest.approx(wanted, rel=1e-9)
    single = FRAME.astype("float32")
    assert next(iter(il.ArrayTable(single, ILL).chunks())).x.dtype == numpy.float32


@pytest.mark.parametrize(
    ("made", "error", "said"),
    [
        (lambda: il.glm_influence(FRAME.assign(city="A"), ILL), WrongType, r"Column 'city' of X holds .*get_dummies"),
        (lambda: il.glm_influence(FRAME, ILL.map({0: "well", 1: "ill"})), WrongType, r"0 and 1: y == '(well|ill)'"),
        (lambda: il.glm_influence(FRAME, ILL[::-1]), InvalidData, r"Row 0 is 'patient 0' in X and 'patient 299' in y"),
        (lambda: il.glm_influence(FRAME, CLASSES, weights=ILL[::-1] + 1), InvalidData, r"weights = weights\.loc"),
        (lambda: il.glm_influence(FRAME), WrongType, "y is None, expected one number a row"),
        (lambda: il.glm_influence(3, ILL), WrongType, "X is 3, expected rows and columns of numbers"),
        (lambda: il.glm_influence(LogisticRegression().fit(X, CLASSES)), WrongType, "keeps no rows.*weight_decay"),
        (lambda: il.glm_influence(FRAME, ILL.astype("Int64").where(FRAME["age"] < 2)), InvalidData, "response nan"),
    ],
)
def test_what_cannot_be_used_is_said_with_the_cure(monkeypatch, made, error, said):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=said):
        made()


@pytest.mark.filterwarnings("ignore")
def test_least_squares_and_discrete_models_of_statsmodels_are_read_with_their_names():
    y = ETA + numpy.random.default_rng(3).normal(size=N)
    least = formulas.ols("y ~ age + dose", FRAME.assign(y=y)).fit()
    found = il.glm_influence(least)
    theirs = least.get_influence()
    assert found.cook() / found.regression.p / found.regression.dispersion == pytest.approx(theirs.cooks_distance[0])
    assert found.studentised == pytest.approx(theirs.resid_studentized_internal)
    assert found.regression.columns == ("Intercept", "age", "dose")
    assert found.table().index.tolist() == INDEX
    weights = numpy.linspace(1, 2, N)
    weighted = il.glm_influence(sm.WLS(y, WITH, weights=weights).fit())
    assert weighted.cook() == pytest.approx(il.glm_influence(X, y, family=il.Gaussian(), weights=weights).cook())
    for kind, family in ((sm.Logit, il.Binomial()), (sm.Probit, il.Binomial(il.ProbitLink()))):
        discrete = il.glm_influence(kind(CLASSES, WITH).fit(disp=0))
        assert discrete.cook() == pytest.approx(il.glm_influence(X, CLASSES, family=family).cook(), rel=1e-6)


@pytest.mark.parametrize("kind", [numpy.asarray, scipy.sparse.csr_array])
def test_rows_are_gathered_in_any_order_from_chunks(kind):
    table, places = il.ArrayTable(kind(X), COUNTS, rows=7), numpy.array([250, 3, 3, 0, 299, 8])
    found = gathered(table, places)
    assert scipy.sparse.issparse(found.x) == (kind is not numpy.asarray)
    assert rows_at(table, places).x.tolist() == X[places].tolist()
    assert found.y.tolist() == COUNTS[places].tolist()
