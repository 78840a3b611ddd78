"""What may be handed in: tables, texts, sparse matrices, pipelines; and what is refused, with the cure."""

import subprocess
import sys

import numpy
import pandas
import pytest
import scipy.sparse
from own_refits import losses
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    Lars,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    Ridge,
    RidgeClassifier,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

import influencelab as il
from influencelab.errors import (
    InfluenceLabError,
    InvalidData,
    InvalidParameter,
    InvalidWeights,
    SmoothedLoss,
    WrongType,
)

RAW, LABELS = load_breast_cancer(return_X_y=True)
RAW = RAW[:, :4]
X = (RAW - RAW.mean(0)) / RAW.std(0)
TRAIN, TEST = slice(0, 300), slice(300, 310)
MODEL = LogisticRegression().fit(X[TRAIN], LABELS[TRAIN])
PLAIN = il.from_sklearn(MODEL, X[TRAIN], LABELS[TRAIN], X[TEST], LABELS[TEST])


class Resampler(BaseEstimator):
    """A step that leaves rows out while it is fitted."""

    def fit_resample(self, x, y):
        """Every other row."""
        return x[::2], y[::2]


def values(fit):
    return il.NewtonStep(convention=str(fit.convention)).estimate(fit).values.numpy()


def test_a_pipeline_is_its_model_on_what_its_steps_make_of_the_features():
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), "passthrough", PCA(3), LogisticRegression(C=3.0))
    holes = numpy.where(numpy.random.default_rng(0).random(RAW.shape) < 0.02, numpy.nan, RAW)
    pipeline.fit(holes[TRAIN], LABELS[TRAIN])
    fit = il.from_sklearn(pipeline, holes[TRAIN], LABELS[TRAIN], holes[TEST], LABELS[TEST])
    train, test = (pipeline[:-1].transform(holes[rows]) for rows in (TRAIN, TEST))
    by_hand = il.from_sklearn(pipeline[-1], train, LABELS[TRAIN], test, LABELS[TEST])
    assert values(fit) == pytest.approx(values(by_hand), rel=1e-10, abs=1e-15)
    assert "StandardScaler, PCA" in repr(fit)
    assert "held: the steps of the pipeline" in repr(fit)
    nested = Pipeline([("first", pipeline[:2]), ("then", Pipeline([("pca", pipeline[3]), ("last", pipeline[-1])]))])
    inside = il.from_sklearn(nested, holes[TRAIN], LABELS[TRAIN], holes[TEST], LABELS[TEST])
    assert values(inside) == pytest.approx(values(by_hand), rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
def test_a_search_is_its_best_estimator(search):
    settings = {"n_iter": 2, "random_state": 0} if search is RandomizedSearchCV else {}
    found = search(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=3, **settings
    )
    assert il.supports(found)
    with pytest.raises(InvalidParameter, match=r"is not fitted\. Call its fit\(X, y\)"):
        il.from_sklearn(found, RAW[TRAIN], LABELS[TRAIN], RAW[TEST], LABELS[TEST])
    found.fit(RAW[TRAIN], LABELS[TRAIN])
    parts = (RAW[TRAIN], LABELS[TRAIN], RAW[TEST], LABELS[TEST])
    assert values(il.from_sklearn(found, *parts)) == pytest.approx(
        values(il.from_sklearn(found.best_estimator_, *parts))
    )
    assert "the hyperparameters that were chosen" in repr(il.from_sklearn(found, *parts))
    found.set_params(refit=False)
    assert "refit=True" in il.supports(found).reason


def test_a_table_gives_its_row_numbers_and_column_names_and_texts_are_classes_in_the_estimators_order():
    table = pandas.DataFrame(X, columns=["radius", "texture", "perimeter", "area"], index=range(1000, 1000 + len(X)))
    names = pandas.Series(numpy.where(LABELS == 1, "mild", "bad"), index=table.index)
    model = LogisticRegression().fit(table[TRAIN], names[TRAIN])
    fit = il.from_sklearn(model, table[TRAIN], names[TRAIN], table[TEST], names[TEST])
    assert fit.data.train_ids[:2].tolist() == [1000, 1001]
    assert fit.data.feature_names == ("radius", "texture", "perimeter", "area")
    assert fit.data.class_names == ("bad", "mild")
    assert values(fit) == pytest.approx(values(PLAIN), rel=1e-9, abs=1e-15)
    top = il.NewtonStep().estimate(fit).top(0, k=2)
    assert set(top["train_label"]) <= {"bad", "mild"}
    with pytest.raises(InvalidData, match=r"columns of X_test.*X_test\[model.feature_names_in_\]"):
        il.from_sklearn(model, table[TRAIN], names[TRAIN], table[TEST].iloc[:, ::-1], names[TEST])
    with pytest.raises(InvalidData, match="different names or orders"):
        il.from_sklearn(model, table[TRAIN], names[TRAIN][::-1], table[TEST], names[TEST])


def test_columns_that_are_transformed_apart_are_read():
    table = pandas.DataFrame({"size": X[:, 0], "kind": numpy.where(X[:, 1] > 0, "a", "b"), "rest": X[:, 2]})
    columns = make_column_transformer((StandardScaler(), ["size", "rest"]), (OneHotEncoder(drop="first"), ["kind"]))
    model = make_pipeline(columns, Ridge()).fit(table[TRAIN], X[TRAIN][:, 3])
    fit = il.from_sklearn(model, table[TRAIN], X[TRAIN][:, 3], table[TEST], X[TEST][:, 3])
    assert fit.measures().numpy() == pytest.approx((model.predict(table[TEST]) - X[TEST][:, 3]) ** 2 / 2)


@pytest.mark.parametrize(
    "held",
    [scipy.sparse.csr_matrix, scipy.sparse.csc_array, numpy.asfortranarray, numpy.ndarray.tolist],
    ids=["csr", "csc", "fortran", "lists"],
)
def test_sparse_matrices_other_orders_and_lists_are_the_same_points(held):
    fit = il.from_sklearn(MODEL, held(X[TRAIN]), LABELS[TRAIN].tolist(), held(X[TEST]), LABELS[TEST])
    assert values(fit) == pytest.approx(values(PLAIN), rel=1e-10, abs=1e-15)


def test_sparse_coefficients_are_read_and_so_are_sparse_support_vectors():
    sparse = LogisticRegression().fit(X[TRAIN], LABELS[TRAIN]).sparsify()
    parts = (X[TRAIN], LABELS[TRAIN], X[TEST], LABELS[TEST])
    assert values(il.from_sklearn(sparse, *parts)) == pytest.approx(values(PLAIN))
    small = (X[:50], LABELS[:50], X[TEST], LABELS[TEST])
    fits = []
    for held in (scipy.sparse.csr_matrix, numpy.asarray):
        with pytest.warns(SmoothedLoss):
            fits.append(il.from_sklearn(SVC(kernel="linear").fit(held(X[:50]), LABELS[:50]), *small))
    assert values(fits[0]) == pytest.approx(values(fits[1]), rel=1e-6, abs=1e-12)


def test_single_precision_and_whole_numbers_are_read_in_double_precision():
    narrow = X.astype(numpy.float32)
    model = LogisticRegression().fit(narrow[TRAIN], LABELS[TRAIN])
    fit = il.from_sklearn(model, narrow[TRAIN], LABELS[TRAIN], narrow[TEST], LABELS[TEST])
    assert fit.theta.dtype == fit.data.x_train.dtype == fit.data.x_test.dtype == PLAIN.theta.dtype
    assert values(fit) == pytest.approx(values(PLAIN), rel=1e-4, abs=1e-9)
    whole = numpy.round(5 * X).astype(int)
    ridge = Ridge().fit(whole[TRAIN], LABELS[TRAIN])
    assert il.from_sklearn(ridge, whole[TRAIN], LABELS[TRAIN], whole[TEST], LABELS[TEST]).data.classes == 0


def test_a_weight_of_two_is_a_point_that_stands_twice():
    twice = numpy.where(numpy.arange(300) < 40, 2.0, 1.0)
    rows = numpy.append(numpy.arange(300), numpy.arange(40))
    model = LogisticRegression(solver="newton-cholesky").fit(X[TRAIN], LABELS[TRAIN], twice)
    weighted = il.from_sklearn(model, X[TRAIN], LABELS[TRAIN], X[TEST], LABELS[TEST], twice)
    repeated = il.from_sklearn(model, X[rows], LABELS[rows], X[TEST], LABELS[TEST])
    one, two = (il.Exact().estimate(fit) for fit in (weighted, repeated))
    assert one.values[:40].numpy() == pytest.approx(2 * two.values[:40].numpy(), rel=1e-6)
    assert one.values[40:].numpy() == pytest.approx(two.values[40:300].numpy(), rel=1e-6)


def test_the_losses_watched_are_those_of_the_estimator():
    assert PLAIN.measures().numpy() == pytest.approx(losses(MODEL, X[TEST], LABELS[TEST]), rel=1e-2)


REFUSED = {
    "a tree": (DecisionTreeClassifier(), "trees have no derivative.*Fit it again"),
    "boosting": (GradientBoostingClassifier(), "trees have no derivative"),
    "a forest": (RandomForestRegressor(), "trees have no derivative"),
    "neighbours": (KNeighborsClassifier(), "nothing is minimised"),
    "votes": (VotingClassifier([("a", MODEL)]), "made of several models"),
    "stacks": (StackingClassifier([("a", MODEL)]), "made of several models"),
    "calibration": (CalibratedClassifierCV(MODEL), "second model"),
    "steps that minimise nothing": (Perceptron(), "LogisticRegression for 'log_loss'"),
    "an absolute penalty of a hinge": (LinearSVC(penalty="l1"), "L1 penalty is not smooth"),
    "one class": (OneClassSVM(), "Take SVC or SVR"),
    "one model a pair of classes": (OneVsOneClassifier(MODEL), "made of several models"),
    "a tree a class": (OneVsRestClassifier(DecisionTreeClassifier()), "one DecisionTreeClassifier a class.*trees have"),
    "other targets": (TransformedTargetRegressor(Ridge()), "Hand in its regressor_, with y as its transformer_"),
    "a regression a class": (OneVsRestClassifier(Ridge()), "one Ridge a class is not read.*RidgeClassifier inside"),
    "a pipeline a class": (
        OneVsRestClassifier(make_pipeline(SelectKBest(k=2), MODEL)).fit(*load_iris(return_X_y=True)),
        "steps are not alike. Put steps before it",
    ),
    "an absolute penalty a class": (OneVsRestClassifier(LinearSVC(penalty="l1")), "of its machines, its L1 penalty"),
    "bounds a class": (OneVsRestClassifier(RidgeClassifier(positive=True)), "of its machines, positive=True"),
    "several labels a point": (OneVsRestClassifier(MODEL).fit(X, numpy.eye(2)[LABELS]), "several of its labels"),
    "all classes at once": (LinearSVC(multi_class="crammer_singer"), "Take multi_class='ovr'"),
    "a network of part of the points": (MLPClassifier(early_stopping=True), "keeps points out of the fit"),
    "a network of several targets": (MLPRegressor(max_iter=1).fit(X, X), "several targets"),
    "a lasso by angles": (Lars(), "Take Lasso or ElasticNet"),
    "chosen L1": (LogisticRegressionCV(l1_ratios=(0, 1), solver="saga"), "L1 penalty is not smooth"),
    "means of folds": (LogisticRegressionCV(refit=False, l1_ratios=(0,)), "refit=True"),
    "bounds": (Ridge(positive=True), "positive=False"),
    "bounds of least squares": (LinearRegression(positive=True), "positive=False"),
    "no distribution": (TweedieRegressor(power=0.5), "power between 0 and 1"),
    "resampling": (Pipeline([("s", Resampler()), ("m", MODEL)]), "step Resampler resamples rows.*last step"),
    "a pipeline of trees": (make_pipeline(StandardScaler(), DecisionTreeClassifier()), "trees have no derivative"),
    "a step": (StandardScaler(), "is not read"),
    "no estimator": ("LogisticRegression", "the text 'LogisticRegression' is not read"),
    "a class": (LogisticRegression, r"the class LogisticRegression is not read.*Call it.*LogisticRegression\(\)\.fit"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_read_is_refused_with_the_reason_and_what_would_answer(case):
    estimator, reason = REFUSED[case]
    answer = il.supports(estimator)
    assert not answer
    with pytest.raises(WrongType, match=f"(?s){reason}") as caught:
        il.from_sklearn(estimator, X[TRAIN], LABELS[TRAIN], X[TEST], LABELS[TEST])
    assert answer.reason in str(caught.value)
    assert isinstance(caught.value, InfluenceLabError)


def test_a_class_of_ones_own_is_not_taken_for_the_one_it_derives_from():
    class Other(LogisticRegression):
        """Who knows what it minimises."""

    assert not il.supports(Other())
    assert il.supports(LogisticRegression())
    assert il.supports(HuberRegressor()).reason == ""


def bad(**changed):
    """The call that works, with some of its arguments changed."""
    given = {"estimator": MODEL, "X": X[TRAIN], "y": LABELS[TRAIN], "X_test": X[TEST], "y_test": LABELS[TEST]}
    return il.from_sklearn(**{**given, **changed})


HOLE = numpy.where(numpy.arange(1200).reshape(300, 4) == 7, numpy.nan, X[TRAIN])
BAD = {
    "unfitted": ({"estimator": LogisticRegression()}, InvalidParameter, r"not fitted\. Call its fit"),
    "other features": ({"X": X[TRAIN, :3]}, InvalidData, "X is 300 × 3; the model has 4 coefficients.*pipeline"),
    "other test features": ({"X_test": X[TEST, :3]}, InvalidData, "X_test is 10 × 3"),
    "a label never met": (
        {"y_test": LABELS[TEST] + 1},
        InvalidData,
        "y_test has the label 2, which the model never met",
    ),
    "a missing class": ({"y": numpy.ones(300, dtype=int)}, InvalidData, "lacks some of the classes 0, 1"),
    "a missing label": ({"y": numpy.where(numpy.arange(300) == 3, numpy.nan, LABELS[TRAIN])}, InvalidData, "1 missing"),
    "NaN": ({"X": HOLE}, InvalidData, "NaN or infinite"),
    "fewer labels": ({"y": LABELS[:299]}, InvalidData, "X and y have 300 and 299 rows"),
    "weights of other rows": (
        {"sample_weight": numpy.ones(299)},
        InvalidWeights,
        r"weights in sample_weight have shape \(299,\), expected \(300,\)",
    ),
    "negative weights": (
        {"sample_weight": -numpy.ones(300)},
        InvalidWeights,
        r"300 weights in sample_weight are negative.*row 0: use ≥ 0",
    ),
    "weights of nothing": ({"sample_weight": numpy.zeros(300)}, InvalidWeights, "all weights in sample_weight are 0"),
    "weights that are texts": ({"sample_weight": ["a"] * 300}, WrongType, "sample_weight"),
    "two columns of labels": ({"y": numpy.ones((300, 2))}, InvalidData, "one label or target a row"),
    "features that are texts": ({"X": [["a"] * 4] * 300}, WrongType, "expected numbers"),
    "one label alone": (
        {"X_test": X[:1], "y_test": 1},
        InvalidData,
        r"y_test is of shape \(\).*Give such, as \[y_test\]",
    ),
    "one point as a flat row": ({"X_test": X[0]}, InvalidData, r"X_test is a flat row of 4 numbers.*a row: \[X_test\]"),
    "no test point": ({"X_test": X[:0], "y_test": LABELS[:0]}, InvalidData, "empty"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_cure(case):
    changed, error, message = BAD[case]
    with pytest.raises(error, match=message):
        bad(**changed)


def test_a_pipeline_says_which_step_could_not_take_the_features():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[TRAIN], LABELS[TRAIN])
    with pytest.raises(InvalidData, match=r"X does not go through StandardScaler .*expecting 4 features"):
        bad(estimator=pipeline, X=X[TRAIN, :3])
    with pytest.raises(InvalidData, match=r"does not go through StandardScaler .*not fitted"):
        bad(estimator=Pipeline([("s", StandardScaler()), ("m", MODEL)]))
    table = pandas.DataFrame(X[TRAIN], columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, LABELS[TRAIN])
    with pytest.raises(InvalidData, match=r"One point is a table of one row, such as X_test\[:1\]"):
        bad(estimator=pipeline, X=table, X_test=table.iloc[0])
    fewer = Pipeline([("s", FunctionTransformer(lambda x: x[1:])), ("m", MODEL)])
    with pytest.raises(InvalidData, match=r"FunctionTransformer changes the number of rows of X"):
        bad(estimator=fewer)


def test_targets_outside_of_a_deviance_are_refused():
    model = GammaRegressor().fit(X[TRAIN], LABELS[TRAIN] + 1.0)
    with pytest.raises(InvalidData, match=r"target of -1.*targets above 0"):
        bad(estimator=model, y=LABELS[TRAIN] + 1.0, y_test=LABELS[TEST] - 1.0)


def test_a_sparse_matrix_that_would_not_fit_is_refused_before_it_is_made_dense():
    model = Ridge().fit(X[TRAIN], LABELS[TRAIN])
    wide = scipy.sparse.csr_matrix((300, 10**9))
    with pytest.raises(InvalidData, match=r"300 × 1000000000, which takes 59\.6 GB.*TruncatedSVD"):
        bad(estimator=model, X=wide)


def test_several_targets_are_refused():
    model = Ridge().fit(X[TRAIN], X[TRAIN, :2])
    with pytest.raises(WrongType, match="several targets"):
        bad(estimator=model)


@pytest.mark.slow
def test_a_linear_model_is_read_and_answered_without_the_heavy_parts_of_torch():
    """A compiler of graphs and an algebra system, which torch loads for automatic differentiation, take two seconds."""
    code = (
        "import sys, numpy, influencelab as il\n"
        "assert 'torch' not in sys.modules\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "x = numpy.random.default_rng(0).normal(size=(90, 3)); y = x[:, 0] + x[:, 1] ** 3 > 0\n"
        "il.influence(LogisticRegression().fit(x, y), x, y, x[:5], y[:5])\n"
        "print(sorted({'torch._dynamo', 'sympy', 'matplotlib', 'anywidget'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
