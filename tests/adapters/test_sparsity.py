"""Absolute penalties: coefficients of 0 stay so, and how many removals would change that is said."""

import re
import warnings

import numpy
import pandas
import pytest
from own_refits import SETTLED, points_of
from sklearn.linear_model import ElasticNet, Lasso, LassoLars, LogisticRegression, Ridge

import influencelab as il
from influencelab.errors import InvalidData, NotConverged

POINTS = points_of("real", 0)
GENERATOR = numpy.random.default_rng(5)
# Two features that matter and four that do not.
X = numpy.column_stack([POINTS.x[:150], GENERATOR.normal(size=(150, 4))])
Y = POINTS.y[:150]


def handed_in(model, x=X, y=Y, weights=None, **settings):
    return il.from_sklearn(model, x, y, x[:5], y[:5], weights, **settings)


def pattern(model):
    return tuple(numpy.sign(model.coef_).ravel().astype(int))


def said(fit):
    return int(re.search(r"which (\d+) of 150 points change by leaving", repr(fit))[1])


@pytest.mark.parametrize("ratio", [1.0, 0.7])
def test_how_many_points_change_the_pattern_by_leaving_is_what_fitting_without_each_says(ratio):
    for alpha in (0.05, 0.12):
        model = ElasticNet(alpha=alpha, l1_ratio=ratio, **SETTLED).fit(X, Y)
        rest = [numpy.arange(150) != row for row in range(150)]
        own = [ElasticNet(alpha=alpha, l1_ratio=ratio, **SETTLED).fit(X[on], Y[on]) for on in rest]
        changed = sum(pattern(each) != pattern(model) for each in own)
        assert said(handed_in(model)) == changed
        assert 0 < changed < 150 or alpha == 0.05


def test_with_a_total_penalty_too():
    labels = (numpy.median(Y) < Y).astype(int)
    settings = {"C": 0.15, "l1_ratio": 1, "solver": "liblinear", "tol": 1e-10, "max_iter": 10000}
    model = LogisticRegression(**settings).fit(X, labels)
    rest = [numpy.arange(150) != row for row in range(150)]
    changed = sum(pattern(LogisticRegression(**settings).fit(X[on], labels[on])) != pattern(model) for on in rest)
    fit = handed_in(model, y=labels)
    assert fit.convention == "drop"
    # One step is not all of the way where losses are no squares.
    assert abs(said(fit) - changed) <= 3
    assert changed > 0


def test_the_data_keeps_the_features_whose_coefficients_are_not_0_with_their_names():
    table = pandas.DataFrame(X, columns=list("abcdefgh"))
    model = Lasso(alpha=0.12).fit(table, Y)
    fit = il.from_sklearn(model, table, Y, table[:5], Y[:5])
    kept = [name for name, value in zip(table, model.coef_, strict=True) if value]
    assert list(fit.data.feature_names) == kept
    assert fit.measures().numpy() == pytest.approx((model.predict(table[:5]) - Y[:5]) ** 2 / 2, rel=1e-3)


def test_other_weights_other_targets_another_penalty_and_an_early_stop_are_refused():
    model = Lasso(alpha=0.05).fit(X, Y, GENERATOR.uniform(0.3, 3, 150))
    for given in (model, Lasso(alpha=0.05).fit(X, Y[::-1]), Lasso(alpha=0.05).fit(X, Y).set_params(alpha=0.06)):
        with pytest.raises(NotConverged, match="no minimum on this data"):
            handed_in(given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        early = Lasso(alpha=0.05, max_iter=1).fit(X + X[:, :1], Y)
    with pytest.raises(NotConverged, match="no minimum on this data"):
        handed_in(early, X + X[:, :1])


def test_coefficients_of_0_that_the_data_would_not_leave_there_are_refused():
    """The others are a minimum, but the gradient of one of 0 exceeds its penalty."""
    few = Lasso(alpha=0.05, **SETTLED).fit(X[:, :3], Y)
    model = Lasso(alpha=0.05, **SETTLED).fit(X, Y)
    model.coef_, model.intercept_ = numpy.append(few.coef_, numpy.zeros(5)), few.intercept_
    with pytest.raises(NotConverged, match=r"one of 0 has a slope .*% beyond its penalty"):
        handed_in(model)


@pytest.mark.parametrize("kind", ["one output", "three classes"])
def test_signs_that_are_not_those_of_the_minimum_within_the_solvers_rule_are_moved_there_and_it_is_said(kind):
    """A coefficient that the minimum holds at 0 is 1e-7, as solvers leave it."""
    three = LogisticRegression(C=0.15, l1_ratio=1, solver="saga", tol=1e-9, max_iter=50000, random_state=0)
    model, y = (Lasso(alpha=0.05, **SETTLED), Y) if kind == "one output" else (three, numpy.arange(150) % 3)
    x = X if kind == "one output" else X + numpy.eye(3)[y] @ numpy.ones((3, 8)) * (y == 1)[:, None] + (y == 2)[:, None]
    right = handed_in(model.fit(x, y), x, y)
    idle = tuple(numpy.argwhere(numpy.atleast_2d(model.coef_) == 0)[0])
    model.coef_ = model.coef_.copy()
    numpy.atleast_2d(model.coef_)[idle] = 1e-7
    moved = handed_in(model, x, y)
    assert moved.theta.numpy() == pytest.approx(right.theta.numpy(), rel=1e-5, abs=1e-7)
    assert "(1 of them not where its own solver stopped)" in repr(moved)
    assert "not where" not in repr(right)
    numpy.atleast_2d(model.coef_)[idle] = 0.05
    with pytest.raises(NotConverged, match="no minimum on this data"):
        handed_in(model, x, y)


def test_a_coefficient_that_the_minimum_lets_go_is_let_go():
    """Where a penalty is so strong that it just holds a coefficient, a hair less lets it go."""
    strong, weak = 0.001, 0.3
    count = len(pattern(Lasso(alpha=weak, **SETTLED).fit(X, Y)))
    known = numpy.count_nonzero(Lasso(alpha=weak, **SETTLED).fit(X, Y).coef_)
    assert known < count
    for _ in range(60):
        middle = (strong + weak) / 2
        more = numpy.count_nonzero(Lasso(alpha=middle, **SETTLED).fit(X, Y).coef_) > known
        strong, weak = (middle, weak) if more else (strong, middle)
    held = Lasso(alpha=weak, **SETTLED).fit(X, Y)
    fit = handed_in(held.set_params(alpha=weak - 1e-5))
    right = handed_in(Lasso(alpha=weak - 1e-5, **SETTLED).fit(X, Y))
    assert fit.theta.shape == right.theta.shape == (known + 2,)
    assert fit.theta.numpy() == pytest.approx(right.theta.numpy(), rel=1e-8, abs=1e-10)
    assert "(1 of them not where its own solver stopped)" in repr(fit)


@pytest.mark.slow
def test_how_many_points_change_the_signs_of_several_classes_is_what_fitting_without_each_says():
    y = numpy.arange(150) % 3
    x = X + numpy.eye(3)[y] @ numpy.ones((3, 8)) * (y == 1)[:, None] + (y == 2)[:, None]
    settings = {"l1_ratio": 1, "solver": "saga", "tol": 1e-7, "max_iter": 20000, "random_state": 0}
    model = LogisticRegression(C=0.15, **settings).fit(x, y)
    fit = handed_in(model, x, y)
    changed = 0
    for row in range(150):
        on = numpy.arange(150) != row
        changed += pattern(LogisticRegression(C=0.15, **settings).fit(x[on], y[on])) != pattern(model)
    # One step is not all of the way where losses are no squares.
    assert abs(said(fit) - changed) <= 5
    assert 20 < changed < 130
    assert fit.theta.shape == (numpy.count_nonzero(model.coef_) + 3,)


def test_what_has_no_active_set_of_one_output_is_refused():
    with pytest.raises(InvalidData, match="All coefficients of Lasso are 0"):
        handed_in(Lasso(alpha=100.0).fit(X, Y))
    assert "several targets" in il.supports(Lasso().fit(X, numpy.column_stack([Y, Y]))).reason
    assert "positive=False" in il.supports(ElasticNet(positive=True)).reason
    assert "Take Lasso or ElasticNet" in il.supports(LassoLars()).reason


def test_without_a_penalty_no_coefficient_is_held():
    plain = handed_in(ElasticNet(alpha=0.1, l1_ratio=0.0, **SETTLED).fit(X, Y))
    ridge = handed_in(Ridge(alpha=15.0).fit(X, Y))
    assert plain.theta.numpy() == pytest.approx(ridge.theta.numpy(), rel=1e-6)


def test_what_liblinear_leaves_by_its_own_rule_is_taken_whatever_it_draws():
    """Under an absolute penalty its rule adds gradients up, which counts where none of the coefficients is 0."""
    points = points_of("two", 0)
    x = points.x * (numpy.abs(points.x) > 0.5)
    for seed in range(40):
        model = LogisticRegression(C=0.1, l1_ratio=1, solver="liblinear", intercept_scaling=2, random_state=seed)
        assert handed_in(model.fit(x, points.y, points.weights), x, points.y, points.weights).converged
