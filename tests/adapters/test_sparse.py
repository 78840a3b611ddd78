"""Linear models of sparse features: the numbers of the same features with their zeros, whatever is asked."""

import pickle
import re
from functools import cache

import numpy
import pandas
import pytest
import scipy.sparse
import torch
from own_refits import CASES, points_of, takes_weights
from scipy.special import xlog1py
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import HuberRegressor, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

import influencelab as il
from influencelab.data import sparse_rows
from influencelab.data.sparse_rows import SparseRows
from influencelab.errors import InvalidParameter, NotConverged, SmoothedLoss
from influencelab.experiments import own_model
from influencelab.influence import self_influence
from influencelab.influence.leverage import most_leverages
from influencelab.training.trainers import newton

# One option of each class whose loss is smooth and whose outputs are linear; the others take longer.
FIRST = (
    "logistic", "logistic, sag", "logistic, liblinear", "multinomial", "ridge", "ridge, lsqr", "ridge classifier",
    "least squares", "poisson", "gamma", "tweedie 1.5", "lasso", "elastic net", "logistic, l1", "linear svc",
    "linear svr", "sgd, squared error", "sgd, log loss",
)  # fmt: skip
OTHER = ("kernel", "network", "huber")
LINEAR = [name for name in CASES if not name.startswith(OTHER) and "chosen" not in name]


@pytest.fixture(autouse=True)
def small_features_stay_sparse_too(monkeypatch):
    monkeypatch.setattr(sparse_rows, "LARGE", 0)
    monkeypatch.setattr(sparse_rows, "DENSITY", 1.0)


@cache
def fitted(case):
    """An estimator fitted to features of which most are 0, and its points."""
    model, kind = CASES[case]
    points = points_of(kind, 0)
    x, x_test = (each * (numpy.abs(each) > 0.5) for each in (points.x, points.x_test))
    points = points._replace(x=x, x_test=x_test)
    given = {"sample_weight": points.weights} if takes_weights(model) else {}
    return clone(model).fit(points.x, points.y, **given), points, given


def both(case, held=scipy.sparse.csr_array):
    """The fit of the features as they are held, and with their zeros."""
    model, points, given = fitted(case)
    polish = case.startswith("sgd")
    return [
        il.from_sklearn(model, make(points.x), points.y, make(points.x_test), points.y_test, **given, polish=polish)
        for make in (held, numpy.asarray)
    ]


def apart(one, other):
    """The largest difference as a share of the largest number."""
    return float((one - other).abs().max() / other.abs().max())


@pytest.mark.parametrize(
    "case", [name if name in FIRST else pytest.param(name, marks=pytest.mark.slow) for name in LINEAR]
)
def test_every_linear_class_has_the_numbers_of_dense_features(case):
    sparse, dense = both(case)
    assert isinstance(sparse.data.x_train, SparseRows) or "lasso" in case or "l1" in case or "elastic" in case
    outputs = [fit.task.outputs(fit.theta, dense.data.x_train) for fit in (sparse, dense)]
    assert apart(*(each - each.mean(0) if len(each) > 1 else each for each in outputs)) < 1e-10
    for estimator in (il.Exact(), il.NewtonStep(convention=sparse.convention)):
        one, other = estimator.estimate(sparse), estimator.estimate(dense)
        assert apart(one.values, other.values) < 1e-10
        assert apart(one.self_influence(), other.self_influence()) < 1e-10
        # Outputs that are held at 0 in part have leverages of their own kind, which no estimate shows.
        assert not dense.task.linear or apart(one.leverage, other.leverage) < 1e-10


METHODS = [
    il.ConjugateGradient(tolerance=1e-12), il.GradientDot(), il.GradientCosine(), il.Random(), il.SameLabel(),
    il.Lissa(depth=4000, damping=0.1), il.Lissa(batch_size=20, depth=50, repeats=2, damping=0.5), il.LastLayer(),
    il.Arnoldi(),
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS, ids=lambda each: f"{type(each).__name__} {getattr(each, 'batch_size', '')}")
@pytest.mark.parametrize("case", ["logistic", "multinomial"])
def test_every_method_has_the_numbers_of_dense_features(method, case):
    sparse, dense = (method.estimate(each).values for each in both(case))
    assert apart(sparse, dense) < 1e-9


def test_a_method_that_needs_a_factor_of_the_features_is_refused():
    with pytest.raises(InvalidParameter, match=r"Sparse features have no factor.*conjugate_gradient"):
        il.EKFAC().estimate(both("logistic")[0])


@pytest.mark.parametrize("measure", [il.Margin(), il.Probability(), il.Output(), il.Prediction(), il.GroupMeanLoss()])
def test_every_measure_has_the_numbers_of_dense_features(measure):
    model, points, given = fitted("logistic")
    sparse, dense = (
        il.influence(model, make(points.x), points.y, make(points.x_test), points.y_test, **given, measure=measure)
        for make in (scipy.sparse.csr_array, numpy.asarray)
    )
    assert apart(sparse.values, dense.values) < 1e-10


@pytest.mark.parametrize("case", ["logistic", "multinomial", "poisson", "ridge"])
def test_retraining_has_the_numbers_of_dense_features(case):
    found = [il.NewtonStep(convention=each.convention).estimate(each) for each in both(case)]
    sparse, dense = (each.check(points=6).retrained for each in found)
    assert sparse.trusted.all()
    assert apart(sparse.values, dense.values) < 1e-5
    curves = [each.removal_curve(shares=(0.05,), repeats=1).table["actual"] for each in found]
    assert curves[0].to_numpy() == pytest.approx(curves[1].to_numpy(), rel=1e-4)
    assert found[0].top(0).equals(found[0].top(0))
    assert len(found[0].table()) == found[0].values.numel()


@pytest.mark.parametrize("case", ["logistic", "multinomial", "poisson", "ridge classifier", "linear svc"])
def test_a_curvature_known_by_products_gives_the_numbers_of_a_factor(case, monkeypatch):
    monkeypatch.setattr(newton, "FACTORISED", 3)
    sparse = both(case)[0]
    estimators = [il.Exact(), il.NewtonStep(convention=sparse.convention)]
    found = [each.estimate(sparse) for each in estimators]
    own = found[1].self_influence()
    retrained = found[1].check(points=6).retrained
    with pytest.raises(InvalidParameter, match=r"is not written out.*conjugate_gradient"):
        il.LastLayer().estimate(sparse)
    monkeypatch.setattr(newton, "FACTORISED", 10_000)
    dense = both(case)[1]
    assert apart(sparse.measures(), dense.measures()) < 1e-6
    for estimator, one in zip(estimators, found, strict=True):
        assert float(one.residual.max()) <= 1e-10
        assert apart(one.values, estimator.estimate(dense).values) < 1e-5
    wanted = il.NewtonStep(convention=sparse.convention).estimate(dense)
    assert apart(own, wanted.self_influence()) < 1e-5
    assert retrained.trusted.all()
    assert apart(retrained.values, wanted.check(points=6).retrained.values) < 1e-4


@pytest.mark.parametrize("case", ["logistic", "poisson", "linear svc", "logistic, no intercept"])
def test_what_leverages_are_at_most_is_said_where_they_are_not_at_hand(case, monkeypatch):
    sparse = both(case)[0]
    own = il.Exact().estimate(sparse).leverage
    most = most_leverages(sparse, damping=0.0)
    # Without a free intercept it is a bound.
    assert (own <= (1.0 if "no intercept" in case else 1.25) * most + 1e-12).all()
    monkeypatch.setattr(newton, "FACTORISED", 3)
    found = il.ConjugateGradient().estimate(pickle.loads(pickle.dumps(sparse)))
    assert found.leverage is None
    assert re.search(rf"at most about {most.max():.3g} \(id {most.argmax()}\)", found.summary()["largest leverage"])


WORDS = numpy.array([f"word{number}" for number in range(30000)])


@cache
def texts():
    """Texts of few words out of very many, whose class the first hundred words decide."""
    generator, size = numpy.random.default_rng(0), (260, 80)
    common = generator.random(size) < 0.2
    places = numpy.where(common, generator.integers(100, size=size), generator.integers(30000, size=size))
    liked = (places < 50).sum(1) > ((places >= 50) & (places < 100)).sum(1)
    return [" ".join(each) for each in WORDS[places]], liked.astype(int)


@pytest.mark.slow
def test_a_text_model_of_more_words_than_are_factorised_is_answered_and_its_truth_is_that_of_its_own_refits(
    monkeypatch,
):
    words, liked = texts()
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=3.0, tol=1e-8, max_iter=1000))
    model.fit(words[:250], liked[:250])
    estimate = il.influence(model, words[:250], liked[:250], words[250:], liked[250:])
    assert estimate.estimator == il.NewtonStep()
    assert "few enough to solve for each" in estimate.chosen
    assert len(estimate.fit.theta) > newton.FACTORISED
    assert "word7" in estimate.fit.data.feature_names
    found = estimate.check(points=6)
    assert found.retrained.trusted.all()
    assert found.order.value > 0.99
    assert found.slope.value == pytest.approx(1, abs=0.02)
    plain = il.influence(estimate.fit, method="conjugate_gradient")
    monkeypatch.setattr(own_model, "LONG", 0.0)
    drawn = il.influence(estimate.fit)
    assert drawn.estimator == il.NewtonStep(draws=256)
    assert "each leverage is known to 9% of itself, by 256 draws" in drawn.chosen
    scale = (estimate.values * drawn.values).sum() / drawn.values.square().sum()
    assert float(scale) == pytest.approx(1, abs=0.02)
    own = estimate.self_influence() / drawn.self_influence()
    assert float(own.log().square().mean().sqrt()) < 0.2
    assert "see check()" in plain.summary()["largest leverage"]
    shown = estimate.explore(points=6)
    points = next(iter(shown._data.points.values()))
    first = words[int(points.train_ids[0])].split()
    assert all(each.split()[0] in first for each in points.train_texts[0].split(", "))
    assert shown.retrain([0])["actual"] == pytest.approx(shown.table()["actual"][0], rel=1e-3)
    steps = model[:-1]
    x, x_test = steps.transform(words[:250]), steps.transform(words[250:])
    settings = {"C": 3.0, "tol": 1e-10, "max_iter": 10000}
    whole = lost(LogisticRegression(**settings).fit(x, liked[:250]), x_test, liked[250:])
    for row, changes in zip(found.retrained.perturbation.points.tolist(), found.retrained.values, strict=True):
        rest = numpy.arange(250) != row
        without = lost(LogisticRegression(**settings).fit(x[rest], liked[:250][rest]), x_test, liked[250:])
        assert changes.numpy() == pytest.approx(without - whole, rel=1e-3, abs=1e-7)


def lost(model, x, y):
    """The log-loss of each point."""
    p = model.predict_proba(x)[:, 1]
    return -numpy.where(y, numpy.log(p), xlog1py(1, -p))


@pytest.mark.slow
def test_pipelines_keep_what_is_sparse_and_its_names():
    table = pandas.DataFrame({"a": list("xyzx") * 20, "b": numpy.arange(80.0) % 5})
    liked, words = (
        numpy.arange(80) % 3 > 0,
        [f"good {number % 4} film" if number % 3 else "bad plot" for number in range(80)],
    )
    counts = scipy.sparse.random_array((80, 6), density=0.4, format="csr", rng=numpy.random.default_rng(0))
    columns = make_column_transformer((OneHotEncoder(), ["a"]), ("passthrough", ["b"]), sparse_threshold=1.0)
    for steps, given, name in (
        ([TfidfVectorizer()], words, "film"),
        ([StandardScaler(with_mean=False)], counts, ""),
        ([OneHotEncoder()], table, "a_y"),
        ([columns], table, "onehotencoder__a_y"),
    ):
        model = make_pipeline(*steps, LogisticRegression()).fit(given, liked)
        first = given.iloc[:5] if isinstance(given, pandas.DataFrame) else given[:5]
        fit = il.from_sklearn(model, given, liked, first, liked[:5])
        assert isinstance(fit.data.x_train, SparseRows)
        assert not name or name in fit.data.feature_names
        dense = model[:-1].transform(given).toarray()
        assert numpy.array_equal(fit.data.x_train.numpy(), dense)
        plain = il.from_sklearn(model[-1], dense, liked, dense[:5], liked[:5])
        assert apart(il.Exact().estimate(fit).values, il.Exact().estimate(plain).values) < 1e-10


def test_rows_and_columns_of_a_sparse_table_keep_their_names():
    _, points, _ = fitted("ridge")
    rows = [f"patient {number}" for number in range(len(points.x))]
    table = pandas.DataFrame.sparse.from_spmatrix(scipy.sparse.csr_array(points.x), rows, ["age", "bmi", "bp", "s1"])
    model = Ridge(3.0).fit(points.x, points.y)
    fit = il.from_sklearn(model, table.astype(pandas.SparseDtype(float, 0.0)), points.y, table.iloc[:5], points.y[:5])
    assert isinstance(fit.data.x_train, SparseRows)
    assert fit.data.feature_names == ("age", "bmi", "bp", "s1")
    assert il.influence(fit).top(0, k=1)["train_id"].str.startswith("patient").all()


@pytest.mark.parametrize("kind", [numpy.float32, numpy.int64])
def test_narrow_and_whole_numbers_are_read_in_float64(kind):
    counts = scipy.sparse.random_array((90, 5), density=0.5, format="csc", rng=numpy.random.default_rng(0))
    counts, y = scipy.sparse.csc_array((4 * counts).astype(kind)), numpy.random.default_rng(1).normal(size=90)
    fit = il.from_sklearn(Ridge().fit(counts.toarray().astype(float), y), counts, y, counts[:4], y[:4])
    assert isinstance(fit.data.x_train, SparseRows)
    assert fit.data.x_train.dtype == torch.float64


@pytest.mark.parametrize(
    "model", [HuberRegressor(max_iter=1000), KernelRidge(kernel="rbf"), MLPClassifier((2,), activation="tanh"), SVC()]
)
def test_other_models_get_the_zeros(model):
    _, points, _ = fitted("logistic")
    model = model.set_params(**{"alpha": 1.0, "solver": "lbfgs"} if isinstance(model, MLPClassifier) else {})
    model.fit(points.x[:60], points.y[:60])
    polish = isinstance(model, MLPClassifier)
    with pytest.warns(SmoothedLoss) if isinstance(model, SVC) else torch.no_grad():
        sparse, dense = (
            il.from_sklearn(
                model, make(points.x[:60]), points.y[:60], make(points.x[60:64]), points.y[60:64], polish=polish
            )
            for make in (scipy.sparse.csr_array, numpy.asarray)
        )
    assert not isinstance(sparse.data.x_train, SparseRows)
    assert torch.equal(sparse.theta, dense.theta)


def test_blocks_of_test_points_have_the_numbers_of_all_of_them(monkeypatch):
    sparse = both("logistic")[0]
    whole = il.influence(sparse, method="exact")
    monkeypatch.setattr(newton, "FACTORISED", 3)
    done = []
    parts = il.influence(sparse, method="exact", memory=1e5, progress=lambda count, _: done.append(count))
    assert len(done) > 1
    assert apart(parts.values, whole.values) < 1e-8


def test_a_fit_of_sparse_features_can_be_sent_elsewhere():
    sparse = both("logistic")[0]
    again = pickle.loads(pickle.dumps(sparse))
    assert isinstance(again.data.x_train, SparseRows)
    assert again.data.content_hash() == sparse.data.content_hash()
    assert torch.equal(again.theta, sparse.theta)
    assert apart(il.Exact().estimate(again).values, il.Exact().estimate(sparse).values) < 1e-14


def test_features_that_move_or_are_replaced_have_the_numbers_of_dense_ones():
    sparse, dense = both("ridge")
    width = sparse.data.x_train.shape[1]
    moves, points = torch.full((3, width), 0.01, dtype=torch.float64), torch.arange(3)
    for make in (
        lambda fit: il.FeatureMove(points=points, n=fit.data.n, moves=moves),
        lambda fit: il.Replacement(points=points, n=fit.data.n, x=moves, y=fit.data.y_train[:3]),
        lambda fit: il.PenaltyChange((0.01,)),
    ):
        found = [il.Exact().sensitivity(each).predict(make(each)) for each in (sparse, dense)]
        assert apart(*found) < 1e-10
        true = [il.SecondOrder().retrain(each, make(each)).values for each in (sparse, dense)]
        assert apart(*true) < 1e-6


def test_a_fit_from_the_start_is_that_of_dense_features(monkeypatch):
    monkeypatch.setattr(newton, "FACTORISED", 3)
    data = both("logistic")[0].data
    sparse, dense = (il.fit(il.BinaryLogistic(0.01), each, il.Newton()) for each in (data, data.written_out()))
    assert sparse.converged
    assert apart(sparse.theta, dense.theta) < 1e-6


def dropped(matrix, column):
    return scipy.sparse.csr_array(scipy.sparse.hstack([matrix, scipy.sparse.csr_array(0 * column[:, None])]))


def doubled(matrix, column):
    return scipy.sparse.csr_array(scipy.sparse.hstack([matrix, scipy.sparse.csr_array(2 * column[:, None])]))


def test_self_influence_solves_for_points_that_are_named_or_says_how_long_all_take(monkeypatch, capsys):
    monkeypatch.setattr(newton, "FACTORISED", 3)
    fit, seen = both("logistic")[0], []
    estimate = il.NewtonStep().estimate(fit)
    own = estimate.self_influence()
    for name in ("TOO_LONG", "LONG"):
        monkeypatch.setattr(self_influence, name, 0.0)
    with pytest.raises(InvalidParameter, match=r"takes a solve of .* minutes on one core.*name some.*progress=print"):
        estimate.self_influence()
    monkeypatch.setattr(self_influence, "BLOCK", fit.data.n - 1)
    again = estimate.self_influence(range(fit.data.n), progress=lambda *at: seen.append(at))
    assert apart(again, own) < 1e-5
    assert seen == [(fit.data.n - 1, fit.data.n), (fit.data.n, fit.data.n)]
    assert f"self-influence of {fit.data.n:,} points takes about" in capsys.readouterr().err
    assert apart(estimate.self_influence([5, 2]), own[[5, 2]]) < 1e-5


@pytest.mark.parametrize("wrong", [dropped, doubled])
def test_a_wrong_intercept_does_not_pass(wrong, monkeypatch):
    monkeypatch.setattr(sparse_rows, "beside", wrong)
    with pytest.raises((NotConverged, AssertionError)):
        test_every_linear_class_has_the_numbers_of_dense_features("logistic")


def test_rows_in_another_order_do_not_pass(monkeypatch):
    right = sparse_rows.FORMS[torch.ops.aten.index]

    def turned(x, places):
        return right(x, [each if each is None else each.flip(0) for each in places])

    monkeypatch.setitem(sparse_rows.FORMS, torch.ops.aten.index, turned)
    with pytest.raises(AssertionError):
        test_a_curvature_known_by_products_gives_the_numbers_of_a_factor("logistic", monkeypatch)
