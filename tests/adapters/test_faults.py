"""Four faults of a user, each refused of every class that is read: weights, scales, an early stop, one wrong label."""

import warnings

import numpy
import pytest
import sklearn
from bent_refits import BENT
from own_refits import CASES, points_of
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVR

import influencelab as il
from influencelab.errors import NotConverged

# By the kind of labels: what features and labels of each seed are drawn from.
TWO, REAL = load_breast_cancer(), load_diabetes()
# One option of each class, and of those that fit a machine a class or a pair the one with three.
SOLVED = ("LinearRegression", "Ridge", "RidgeCV", "RidgeClassifier", "RidgeClassifierCV", "KernelRidge")
# Of many points these take seconds.
KERNELS = ("SVC", "NuSVC", "SVR", "KernelRidge")
# Five rounds over coordinates may be enough, for all its warning.
DESCENT = ("Lasso", "ElasticNet", "LassoCV", "ElasticNetCV")
CHOSEN = ("LogisticRegressionCV", "RidgeCV", "RidgeClassifierCV", "LassoCV", "ElasticNetCV")
NAMES = {
    f"{type(model).__name__}, {kind}": (model, kind)
    for cases in (BENT, CASES)
    for model, kind in reversed(cases.values())
    if not type(model).__name__.startswith(("SGD", "MLP"))
}


def drawn(kind, seed, count):
    """Points of a real data set in another order, features of its own scale, and weights of points."""
    generator = numpy.random.default_rng(seed)
    if kind == "three":
        points = points_of("three", 1)
        x, y = points.x, points.y
    else:
        x, y = (TWO.data, TWO.target) if kind == "two" else (REAL.data, REAL.target / 60)
        y = numpy.floor(y) if kind == "count" else y
    rows, columns = generator.permutation(len(y))[:count], generator.permutation(x.shape[1])[: min(x.shape[1], 12)]
    return x[rows][:, columns], y[rows], generator.uniform(0.3, 3, len(rows)), generator


def handed_in(model, x, y, weights=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return il.from_sklearn(model, x, y, x[:3], y[:3], weights)


def fitted(model, x, y, weights=None, **settings):
    given = {} if weights is None else {"sample_weight": weights}
    with warnings.catch_warnings(record=True) as warned, sklearn.config_context(enable_metadata_routing=True):
        warnings.simplefilter("always")
        inside = model.estimator if isinstance(model, OneVsRestClassifier) else model
        inside = clone(inside).set_params(**settings)
        if isinstance(model, OneVsRestClassifier):
            inside = OneVsRestClassifier(inside.set_fit_request(sample_weight=weights is not None))
        found = inside.fit(x, y, **given)
    return found, [str(each.message) for each in warned]


def feasible(model, x, y, weights, **settings):
    """The fit with weights; None where its own class knows none, as of a nu that no margin meets."""
    try:
        return fitted(model, x, y, weights, **settings)[0]
    except ValueError as error:
        if "nu is infeasible" not in str(error):
            raise
        return None


def taken(*given):
    """Whether the coefficients count as a minimum."""
    try:
        handed_in(*given)
    except NotConverged:
        return False
    return True


def wrong(model, x, y, kind, generator):
    """The same labels but for one: of another class, or on the other side of its prediction."""
    row, other = int(generator.integers(len(y))), y.copy()
    if kind in ("two", "three"):
        other[row] = (y[row] + 1) % (2 if kind == "two" else 3)
    else:
        other[row] = y.max() if y[row] < model.predict(x[[row]])[0] else y.min()
    return other


def missed(name, seed):
    """Which of the faults were taken for fits, and whether the honest fit was not."""
    model, kind = NAMES[name]
    cls = type(model).__name__
    x, y, weights, generator = drawn(kind, seed, 150 if cls in KERNELS else 569)
    scaled = (x - x.mean(0)) / x.std(0)
    # By its own rule this one stops too far from its minimum to tell one target from another.
    settings = {"tol": 1e-6} if cls == "LinearSVR" else {}
    right, warned = fitted(model, scaled, y, **settings)
    if warned:
        return []
    answers = {
        "honest": not taken(right, scaled, y),
        "scale": taken(right, x, y),
        "label": taken(right, scaled, wrong(right, scaled, y, kind, generator)),
    }
    if cls not in CHOSEN and (weighted := feasible(model, scaled, y, weights, **settings)):
        answers["weights"] = taken(weighted, scaled, y)
    if hasattr(getattr(model, "estimator", model), "max_iter") and cls not in SOLVED:
        early, warned = fitted(model, scaled, y, max_iter=2 if cls in DESCENT else 5)
        answers["early"] = bool(warned) and taken(early, scaled, y)
    return [fault for fault, answer in answers.items() if answer]


@pytest.mark.slow
def test_linear_svr_of_absolute_errors_is_held_to_its_own_rule_at_its_default_tolerance():
    """It stops so far from its minimum that one wrong target is often none to it; other weights of all points are."""
    seen = 0
    for seed in range(8):
        x, y, weights, generator = drawn("real", seed, 569)
        x = (x - x.mean(0)) / x.std(0)
        model = LinearSVR(max_iter=20000, random_state=seed)
        right, warned = fitted(model, x, y)
        weighted = fitted(model, x, y, weights)[0]
        assert not warned
        assert taken(right, x, y)
        assert taken(weighted, x, y, weights)
        assert not taken(weighted, x, y)
        seen += not taken(right, x, wrong(right, x, y, "real", generator))
    assert seen >= 2


def marks(name):
    """Some classes take longer than others."""
    return [pytest.mark.slow] if name.split(", ")[0] in (*KERNELS, "HuberRegressor", "OneVsRestClassifier") else []


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in NAMES])
def test_each_fault_is_refused_and_the_honest_fit_is_not(name):
    assert missed(name, 0) == []


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NAMES)
def test_of_twenty_draws_hardly_a_fault_is_taken_for_a_fit(name):
    """A fault is no fault where the minimum is the same with it, as that of a kinked loss can be."""
    found = [fault for seed in range(20) for fault in missed(name, seed)]
    assert "honest" not in found
    assert not {"weights", "scale"} & set(found)
    assert found.count("label") <= 1
