"""Estimators of scikit-learn fitted again by their own class, and their losses written out: the truth of adapters."""

from copy import deepcopy
from functools import cache
from typing import NamedTuple

import numpy
from own_newton import form_of, settled
from scipy.special import logsumexp, xlogy
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import LinearSVC, LinearSVR

TIGHT = {"solver": "newton-cholesky", "tol": 1e-13}
SETTLED, LIBLINEAR = {"tol": 1e-14, "max_iter": 100000}, {"tol": 1e-12, "max_iter": 10000}
# What brings a class to the last digit, or near enough for Newton's steps; and models of the hyperparameters chosen.
TIGHTER = {
    **dict.fromkeys(("LogisticRegression", "PoissonRegressor", "GammaRegressor", "TweedieRegressor"), TIGHT),
    **dict.fromkeys(("Lasso", "ElasticNet"), SETTLED),
    **{name: {"tol": 1e-8, "max_iter": 10000} for name in ("LinearSVC", "LinearSVR")},
    **{name: {"max_iter": 5} for name in ("SGDClassifier", "SGDRegressor")},
    "Ridge": {"solver": "cholesky"},
}
CHOSEN = {
    "LogisticRegressionCV": lambda model: LogisticRegression(C=model.C_, **TIGHT),
    "RidgeCV": lambda model: Ridge(alpha=model.alpha_),
    "RidgeClassifierCV": lambda model: RidgeClassifier(alpha=model.alpha_),
    "LassoCV": lambda model: Lasso(alpha=model.alpha_, **SETTLED),
    "ElasticNetCV": lambda model: ElasticNet(alpha=model.alpha_, l1_ratio=model.l1_ratio_, **SETTLED),
}
BALANCED, BY_HAND = {"class_weight": "balanced"}, {"class_weight": {0: 2.0, 1: 0.6, 2: 1.3}}
LBFGS = {"solver": "lbfgs", "max_iter": 5000, "max_fun": 50000, "tol": 1e-6, "random_state": 0}
MANY = {"average": True, "max_iter": 300, "tol": None, "random_state": 0}
SLOW = {"learning_rate": "invscaling", "eta0": 0.01, "power_t": 0.3}
CV = {"Cs": 3, "cv": 3, "l1_ratios": (0,), "use_legacy_attributes": False}
# Every class that is read, in every option: the estimator and the kind of its labels.
CASES = {
    "logistic": (LogisticRegression(), "two"),
    "logistic, newton-cg": (LogisticRegression(C=0.3, solver="newton-cg"), "two"),
    "logistic, newton-cholesky": (LogisticRegression(solver="newton-cholesky"), "two"),
    "logistic, sag": (LogisticRegression(solver="sag", max_iter=3000), "two"),
    "logistic, saga": (LogisticRegression(solver="saga", max_iter=3000), "two"),
    "logistic, liblinear": (LogisticRegression(solver="liblinear"), "two"),
    "logistic, liblinear, scaled intercept": (LogisticRegression(solver="liblinear", intercept_scaling=3.0), "two"),
    "logistic, liblinear, no intercept": (LogisticRegression(solver="liblinear", fit_intercept=False), "two"),
    "logistic, no penalty": (LogisticRegression(C=numpy.inf), "two"),
    "logistic, no intercept": (LogisticRegression(fit_intercept=False), "two"),
    "logistic, balanced": (LogisticRegression(**BALANCED), "two"),
    "logistic, weighted classes": (LogisticRegression(**BY_HAND), "two"),
    "logistic, chosen C": (LogisticRegressionCV(**CV), "two"),
    "multinomial": (LogisticRegression(C=0.3), "three"),
    "multinomial, saga": (LogisticRegression(C=0.1, solver="saga", max_iter=3000), "three"),
    "multinomial, weighted classes": (LogisticRegression(C=0.3, **BY_HAND), "three"),
    "multinomial, no intercept": (LogisticRegression(C=0.3, fit_intercept=False), "three"),
    "multinomial, chosen C": (LogisticRegressionCV(**{**CV, "Cs": [0.1, 0.3]}), "three"),
    "ridge": (Ridge(alpha=3.0), "real"),
    "ridge, lsqr": (Ridge(alpha=3.0, solver="lsqr"), "real"),
    "ridge, no intercept": (Ridge(fit_intercept=False), "real"),
    "ridge, chosen alpha": (RidgeCV(), "real"),
    "ridge classifier": (RidgeClassifier(alpha=3.0), "two"),
    "ridge classifier, three": (RidgeClassifier(alpha=3.0), "three"),
    "ridge classifier, balanced": (RidgeClassifier(**BALANCED), "three"),
    "ridge classifier, chosen alpha": (RidgeClassifierCV(), "two"),
    "kernel ridge": (KernelRidge(alpha=1.0, kernel="rbf", gamma=0.1), "real"),
    "kernel ridge, polynomial": (KernelRidge(alpha=30.0, kernel="poly", degree=2, coef0=1.0), "real"),
    "least squares": (LinearRegression(), "real"),
    "poisson": (PoissonRegressor(), "count"),
    "poisson, no penalty": (PoissonRegressor(alpha=0.0, solver="newton-cholesky"), "count"),
    "gamma": (GammaRegressor(alpha=0.1), "real"),
    "gamma, no intercept": (GammaRegressor(alpha=0.1, fit_intercept=False), "real"),
    "tweedie 1.5": (TweedieRegressor(power=1.5, alpha=0.1), "count"),
    "tweedie 3": (TweedieRegressor(power=3, alpha=0.1), "real"),
    "tweedie 0, identity": (TweedieRegressor(power=0, alpha=0.1), "real"),
    "tweedie 0, log": (TweedieRegressor(power=0, alpha=0.1, link="log"), "real"),
    "tweedie 1, identity": (TweedieRegressor(power=1, alpha=0.1, link="identity", solver="newton-cholesky"), "real"),
    "tweedie -1": (TweedieRegressor(power=-1, alpha=0.1), "real"),
    "huber": (HuberRegressor(max_iter=1000), "real"),
    "sgd, log loss": (SGDClassifier("log_loss", alpha=0.01, **MANY), "two"),
    "sgd, squared hinge": (SGDClassifier("squared_hinge", alpha=0.01, **MANY, **SLOW), "two"),
    "sgd, modified huber": (SGDClassifier("modified_huber", alpha=0.01, **MANY, **SLOW), "two"),
    "sgd, sides": (SGDClassifier("squared_error", alpha=0.1, **MANY, **SLOW), "two"),
    "sgd, balanced": (SGDClassifier("log_loss", alpha=0.01, **MANY, **BALANCED), "two"),
    "sgd, squared error": (SGDRegressor(alpha=0.1, **MANY, **SLOW), "real"),
    "sgd, no intercept": (SGDRegressor(alpha=0.1, fit_intercept=False, **MANY, **SLOW), "real"),
    "sgd, huber": (SGDRegressor("huber", epsilon=1.0, alpha=0.1, **MANY, **SLOW), "real"),
    "sgd, insensitive": (SGDRegressor("squared_epsilon_insensitive", epsilon=0.2, alpha=1.0, **MANY, **SLOW), "real"),
    "linear svc": (LinearSVC(C=0.1), "two"),
    "linear svc, scaled intercept": (LinearSVC(C=0.1, intercept_scaling=3.0), "two"),
    "linear svc, no intercept": (LinearSVC(fit_intercept=False, class_weight="balanced"), "two"),
    "linear svr": (LinearSVR(epsilon=0.2, loss="squared_epsilon_insensitive", dual=False), "real"),
    "linear svr, no intercept": (
        LinearSVR(fit_intercept=False, loss="squared_epsilon_insensitive", dual=False),
        "real",
    ),
    "network, two": (MLPClassifier((3,), activation="tanh", alpha=10.0, **LBFGS), "two"),
    "network, two layers": (MLPClassifier((3, 2), activation="tanh", alpha=20.0, **LBFGS), "two"),
    "network, three": (MLPClassifier((3,), activation="logistic", alpha=1.0, **LBFGS), "three"),
    "network, real": (MLPRegressor(hidden_layer_sizes=(2,), activation="tanh", alpha=80.0, **LBFGS), "real"),
    "network, counts": (MLPRegressor("poisson", (2,), activation="tanh", alpha=40.0, **LBFGS), "count"),
    "lasso": (Lasso(alpha=0.02), "real"),
    "elastic net": (ElasticNet(alpha=0.2, l1_ratio=0.5), "real"),
    "elastic net, no intercept": (ElasticNet(alpha=0.1, l1_ratio=0.8, fit_intercept=False), "real"),
    "lasso, chosen alpha": (LassoCV(cv=3), "real"),
    "elastic net, chosen alpha": (ElasticNetCV(cv=3, l1_ratio=[0.5, 0.9]), "real"),
    "logistic, l1": (LogisticRegression(C=0.1, l1_ratio=1, solver="saga", max_iter=5000), "two"),
    "logistic, elastic net": (LogisticRegression(C=0.1, l1_ratio=0.5, solver="saga", max_iter=5000), "two"),
    "logistic, l1, liblinear": (LogisticRegression(C=0.1, l1_ratio=1, solver="liblinear", intercept_scaling=2), "two"),
    "multinomial, l1": (LogisticRegression(C=0.1, l1_ratio=1, solver="saga", max_iter=5000), "three"),
    "multinomial, elastic net": (LogisticRegression(C=0.1, l1_ratio=0.5, solver="saga", max_iter=5000), "three"),
    "linear svc, three": (LinearSVC(C=0.1), "three"),
    "linear svc, three, weighted classes": (LinearSVC(C=0.1, **BY_HAND), "three"),
    "sgd, three": (SGDClassifier("log_loss", alpha=0.01, **MANY), "three"),
    "sgd, three, weighted classes": (SGDClassifier("modified_huber", alpha=0.01, **MANY, **SLOW, **BY_HAND), "three"),
    "a class, logistic": (OneVsRestClassifier(LogisticRegression(C=0.3)), "three"),
    "a class, liblinear": (
        OneVsRestClassifier(LogisticRegression(C=0.1, solver="liblinear", intercept_scaling=2.0)),
        "three",
    ),
    "a class, l1": (
        OneVsRestClassifier(LogisticRegression(C=0.1, l1_ratio=1, solver="liblinear", intercept_scaling=2)),
        "three",
    ),
    "a class, linear svc": (OneVsRestClassifier(LinearSVC(C=0.1)), "three"),
    "a class, ridge": (OneVsRestClassifier(RidgeClassifier(alpha=3.0)), "three"),
    "huber, no intercept": (HuberRegressor(epsilon=2.0, alpha=1.0, fit_intercept=False, max_iter=1000), "real"),
}
WATCHED = 10
# How options begin of which quick tests have few.
DEAR = (
    *("kernel", "sgd", "linear sv", "network", "lasso", "elastic", "logistic, l1", "logistic, elastic"),
    *("multinomial, l1", "multinomial, elastic", "a class"),
)
# What of a hundred fits with default settings may be refused: these end beside their minimum.
STOCHASTIC = (SGDClassifier, SGDRegressor)


class Points(NamedTuple):
    """Training points with weights, and test points."""

    x: numpy.ndarray
    y: numpy.ndarray
    weights: numpy.ndarray
    x_test: numpy.ndarray
    y_test: numpy.ndarray


@cache
def points_of(kind: str, which: int) -> Points:
    """One of two data sets with labels of this kind, shuffled; features of mean 0 and variance 1."""
    body, people = load_breast_cancer(), load_diabetes()
    x, y = body.data[:, :5], body.target
    if kind == "three":
        digits, iris = load_digits(n_class=3), load_iris()
        x, y = (digits.data[:, [21, 28, 36, 42]], digits.target) if which else (iris.data, iris.target)
    elif kind == "two" and which:
        digits = load_digits()
        known = digits.target % 5 == 3
        x, y = digits.data[known][:, [10, 21, 27, 37]], (digits.target[known] == 8).astype(int)
    elif kind != "two":
        x, y = (
            (body.data[:, [0, 4, 5, 8]], body.data[:, 1] / 10) if which else (people.data[:, 2:6], people.target / 60)
        )
    if kind == "count":
        y = numpy.floor(y)
    order = numpy.random.default_rng(3).permutation(len(y))
    x, y = ((x - x.mean(0)) / x.std(0))[order], y[order]
    weights = numpy.random.default_rng(4).uniform(0.5, 2.0, len(y) - WATCHED)
    return Points(x[:-WATCHED], y[:-WATCHED], weights, x[-WATCHED:], y[-WATCHED:])


def takes_weights(model) -> bool:
    """Whether it is fitted with weights of points here.

    One that chose its C is not, since folds would share them, and one that holds others takes none unasked.
    """
    return not isinstance(model, LogisticRegressionCV | LassoCV | ElasticNetCV | OneVsRestClassifier)


def fitted(model, points: Points):
    """A copy, fitted as a user does, by the same random numbers each time."""
    given = {"sample_weight": points.weights} if takes_weights(model) else {}
    random = {"random_state": 0} if "random_state" in model.get_params() else {}
    return clone(model).set_params(**random).fit(points.x, points.y, **given)


def losses(model, x, y) -> numpy.ndarray:
    """The loss of each point by its formula."""
    name = type(model).__name__
    if name == "MLPClassifier":
        given = model.predict_proba(x)[numpy.arange(len(y)), y]
        return -numpy.log(given)
    if name.startswith("Logistic"):
        z = model.decision_function(x)
        z = numpy.column_stack([numpy.zeros(len(z)), z]) if z.ndim == 1 else z
        return logsumexp(z, axis=1) - z[numpy.arange(len(y)), y]
    if name.startswith("RidgeClassifier"):
        z = model.predict(x) if not hasattr(model, "decision_function") else model.decision_function(x)
        sides = 2.0 * y - 1 if z.ndim == 1 else 2.0 * (y[:, None] == numpy.arange(z.shape[1])) - 1
        return 0.5 * ((z - sides) ** 2).reshape(len(y), -1).sum(1)
    if name == "OneVsRestClassifier":
        return sum(losses(each, x, (y == place).astype(int)) for place, each in enumerate(model.estimators_))
    if (form := form_of(model)) is not None and len(model.classes_ if hasattr(model, "classes_") else ()) > 2:
        sides, given = y[:, None] == numpy.arange(len(model.classes_)), model.class_weight
        each = form.value(model.decision_function(x), sides.astype(int))
        return (
            each if given is None else numpy.where(sides, [given[k] for k in range(sides.shape[1])], 1.0) * each
        ).sum(1)
    if form is not None:
        z = model.decision_function(x) if hasattr(model, "classes_") else model.predict(x)
        return form.value(z, y)
    mean = model.predict(x)
    if name == "HuberRegressor":
        far, scale, most = numpy.abs(y - mean), model.scale_, model.epsilon
        return numpy.where(far <= most * scale, scale + far**2 / scale, scale + 2 * most * far - most**2 * scale)
    counts = name == "PoissonRegressor" or getattr(model, "loss", "") == "poisson"
    power = 1 if counts else 2 if name == "GammaRegressor" else getattr(model, "power", 0)
    if power == 1:
        return xlogy(y, y / mean) - y + mean
    if power == 2:
        return y / mean - numpy.log(y / mean) - 1
    own = y ** (2 - power) / ((1 - power) * (2 - power)) if power else y**2 / 2
    return own - y * mean ** (1 - power) / (1 - power) + mean ** (2 - power) / (2 - power)


def tight(model, points: Points):
    """An unfitted copy that minimises the same objective to the last digit, the weights of classes as they were."""
    name, chosen = type(model).__name__, CHOSEN.get(type(model).__name__)
    if chosen:
        return chosen(model)
    if name.startswith("MLP"):
        return settled(deepcopy(model), points.x, points.y, points.weights)
    if name == "OneVsRestClassifier":
        return clone(model).set_params(estimator=tight(model.estimators_[0], points))
    held = {}
    if getattr(model, "class_weight", None) == "balanced":
        labels, count = points.y, len(model.classes_)
        # Logistic regression and LinearSVC balance the weights of points, all others their number.
        each = points.weights if name in ("LogisticRegression", "LinearSVC") else numpy.ones(len(labels))
        held = {"class_weight": {k: each.sum() / (count * each[labels == k].sum()) for k in range(count)}}
    solver = getattr(model, "solver", "")
    if getattr(model, "l1_ratio", 0) and solver == "saga":
        return clone(model).set_params(tol=1e-12, max_iter=100000)
    return clone(model).set_params(**held, **(LIBLINEAR if solver == "liblinear" else TIGHTER.get(name, {})))


def refitted(model, points: Points, weights):
    """A tight copy fitted with these weights of points; by Newton's steps where its own solver stops before."""
    if hasattr(model, "coefs_"):
        # A network goes on from where it is: another start may end at another minimum.
        return settled(deepcopy(model), points.x, points.y, weights)
    if isinstance(model, OneVsRestClassifier):
        found = clone(model).fit(points.x, points.y)
        for place, each in enumerate(found.estimators_):
            each.fit(points.x, (points.y == place).astype(int), sample_weight=weights)
        return settled(found, points.x, points.y, weights)
    found = clone(model).fit(points.x, points.y, sample_weight=weights)
    return settled(found, points.x, points.y, weights)
