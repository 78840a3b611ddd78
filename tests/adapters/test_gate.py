"""Coefficients are taken only where they are a minimum on the data handed in, and then to the last digit."""

import warnings
from dataclasses import replace

import numpy
import pytest
from own_refits import CASES, DEAR, STOCHASTIC, fitted, losses, points_of, refitted, takes_weights, tight
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier
from sklearn.preprocessing import StandardScaler

import influencelab as il
from influencelab.adapters import gate
from influencelab.errors import InvalidParameter, NotConverged

RAW, LABELS = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(RAW)
CAUSES = r"(?s)no minimum on this data.*decrement.*\(a\) with other weights.*\(b\).*pipeline.*\(c\).*polish=True"


def handed_in(model, x, y, weights=None, **settings):
    return il.from_sklearn(model, x, y, x[:3], y[:3], weights, **settings)


def flipped(row):
    return numpy.where(numpy.arange(len(LABELS)) == row, 1 - LABELS, LABELS)


WEIGHTS = numpy.random.default_rng(0).uniform(0.5, 1.5, len(LABELS))


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky", "liblinear"])
def test_other_weights_other_features_an_early_stop_and_a_flipped_label_are_refused(solver, c):
    model = LogisticRegression(C=c, solver=solver, max_iter=2000)
    handed_in(model.fit(X, LABELS), X, LABELS)
    with pytest.raises(NotConverged, match=CAUSES):
        handed_in(model, RAW, LABELS)
    for row in (3, 290, 400):
        with pytest.raises(NotConverged, match=CAUSES):
            handed_in(model, X, flipped(row))
    with pytest.raises(NotConverged, match=CAUSES):
        handed_in(model.fit(X, LABELS, WEIGHTS), X, LABELS)
    handed_in(model, X, LABELS, WEIGHTS)
    balanced = LogisticRegression(C=c, solver=solver, class_weight="balanced", max_iter=2000).fit(X, LABELS)
    with pytest.raises(NotConverged, match=CAUSES):
        handed_in(balanced.set_params(class_weight=None), X, LABELS)


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
def test_five_steps_are_refused_and_polished_on_request(c):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=c, max_iter=5).fit(X, LABELS)
    with pytest.raises(NotConverged, match=CAUSES):
        handed_in(model, X, LABELS)
    polished = handed_in(model, X, LABELS, polish=True)
    right = handed_in(LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12).fit(X, LABELS), X, LABELS)
    assert polished.converged
    assert polished.theta.numpy() == pytest.approx(right.theta.numpy(), rel=1e-6, abs=1e-8)
    assert polished.origin.moved > 100 * right.origin.moved


def test_one_wrong_label_or_target_of_what_is_solved_in_one_step_is_seen_whatever_its_size():
    classifier = RidgeClassifier().fit(X, LABELS)
    with pytest.raises(NotConverged, match=CAUSES):
        handed_in(classifier, X, flipped(3))
    targets = X @ numpy.arange(30.0)
    regressor = Ridge().fit(X, targets)
    with pytest.raises(NotConverged, match=CAUSES):
        handed_in(regressor, X, targets + 0.001 * (numpy.arange(len(targets)) == 5))
    with pytest.raises(NotConverged, match=CAUSES):
        handed_in(regressor.set_params(alpha=1.01), X, targets)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name.startswith(DEAR) else [])
        for name, (model, _) in CASES.items()
        if not isinstance(model, STOCHASTIC)
    ],
)
def test_a_fit_with_weights_is_refused_without_them_and_accepted_with_them(name):
    estimator, kind = CASES[name]
    points = points_of(kind, 0)
    if not takes_weights(estimator):
        return
    model = fitted(estimator, points)
    watched = (points.x_test, points.y_test)
    assert il.from_sklearn(model, points.x, points.y, *watched, points.weights).converged
    with pytest.raises(NotConverged, match=CAUSES):
        il.from_sklearn(model, points.x, points.y, *watched)


def draws(kind, seed):
    """A sample with replacement of some of the features, in units of their own."""
    points, generator = points_of(kind, seed % 2), numpy.random.default_rng(seed)
    rows = generator.choice(len(points.y), int(generator.integers(100, len(points.y))))
    columns = generator.permutation(points.x.shape[1])[: int(generator.integers(2, 5))]
    scale = 10 ** generator.uniform(-0.5, 1, len(columns))
    return points.x[rows][:, columns] * scale, points.y[rows], generator.uniform(0.3, 3, len(rows))


def of_class(cls):
    """The options of one class."""
    return [name for name, (estimator, _) in CASES.items() if type(estimator).__name__ == cls]


CLASSES = sorted({type(estimator).__name__ for estimator, _ in CASES.values() if not isinstance(estimator, STOCHASTIC)})


def marks(cls):
    """A hundred fits of most classes wait for the exhaustive tests."""
    few = cls in ("LogisticRegression", "Ridge", "PoissonRegressor")
    return [pytest.mark.slow] if few else [pytest.mark.slow, pytest.mark.exhaustive]


@pytest.mark.parametrize(
    ("cls", "count"),
    [*((cls, 2) for cls in CLASSES), *(pytest.param(cls, 100, marks=marks(cls)) for cls in CLASSES)],
)
def test_fits_that_ended_without_a_warning_are_accepted(cls, count):
    """Default tolerances, in turn of every option: what their solvers leave is not what a wrong label leaves."""
    refused, tried, seed = [], 0, 0
    while tried < count and seed < 3 * count:
        name = of_class(cls)[seed % len(of_class(cls))]
        estimator, kind = CASES[name]
        x, y, weights = draws(kind, seed)
        seed += 1
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            model = fitted(estimator, points_of(kind, 0)._replace(x=x, y=y, weights=weights))
        if any("onverge" in str(each.message) or "line search" in str(each.message).lower() for each in warned):
            continue
        if not numpy.any(getattr(model, "coef_", 1)):
            continue  # An absolute penalty left nothing.
        tried += 1
        try:
            handed_in(model, x, y, weights if takes_weights(estimator) else None)
        except NotConverged as error:
            refused.append(f"{name} {seed}: {error}")
    assert refused == []
    assert tried == count


def test_the_minimum_is_reached_and_what_was_moved_is_told():
    loose = LogisticRegression(C=100).fit(X, LABELS)
    fit = handed_in(loose, X, LABELS)
    exact = LogisticRegression(C=100, solver="newton-cholesky", tol=1e-13).fit(X, LABELS)
    assert fit.grad_norm <= 1e-8
    assert fit.theta.numpy()[:-1] == pytest.approx(exact.coef_[0], rel=1e-7)
    moved = numpy.abs(exact.decision_function(X) - loose.decision_function(X)).max()
    assert fit.origin.moved == pytest.approx(moved, rel=1e-6)
    assert "moved by at most" in repr(fit)
    assert "LogisticRegression(C=100)" in repr(fit)


def test_classes_that_can_be_separated_without_a_penalty_have_no_minimum():
    y = (X[:, 0] > 0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=numpy.inf, max_iter=10000).fit(X, y)
    with pytest.raises(NotConverged, match="no minimum"):
        handed_in(model, X, y)


def test_the_convention_is_that_of_the_own_refit_and_the_other_one_is_refused():
    points = points_of("count", 0)
    model = fitted(PoissonRegressor(alpha=3.0), points)
    fit = il.from_sklearn(model, points.x, points.y, points.x_test, points.y_test, points.weights)
    assert fit.convention == "renormalise"
    assert "renormalise" in repr(fit)
    with pytest.raises(InvalidParameter, match=r"il.NewtonStep\(convention=model.convention\).*replace"):
        il.NewtonStep().estimate(fit)
    removals = il.leave_one_out(fit.data.n, rows=[3, 4], convention=fit.convention)
    plain = il.Exact().estimate(fit)
    with pytest.raises(InvalidParameter, match="convention is 'drop'"):
        plain.predict(il.leave_one_out(fit.data.n))
    with pytest.raises(InvalidParameter, match="convention is 'drop'"):
        il.SecondOrder().retrain(fit, il.leave_one_out(fit.data.n))
    assert plain.values[[3, 4]].numpy() == pytest.approx(plain.predict(removals).numpy(), rel=1e-12)
    again = tight(model, points)
    start = losses(refitted(again, points, points.weights), points.x_test, points.y_test)
    without = numpy.where(numpy.arange(fit.data.n) == 3, 0.0, points.weights)
    truth = losses(refitted(again, points, without), points.x_test, points.y_test) - start
    ours = il.SecondOrder().retrain(fit, removals)
    assert ours.converged.all()
    assert ours.values[0].numpy() == pytest.approx(truth, rel=1e-5, abs=1e-9)
    # The other question is asked by name.
    other = il.NewtonStep().estimate(replace(fit, origin=None))
    assert numpy.abs(other.values[3].numpy() - truth).max() > 0.1 * numpy.abs(truth).max()


def test_the_gate_has_a_gap_on_both_sides():
    """Of the rule for stopping, honest fits leave at most all; one flipped label leaves several times that."""
    model = LogisticRegression().fit(X, LABELS)
    slopes = []
    for labels in (LABELS, flipped(3), flipped(290), flipped(400)):
        fit = handed_in(model, X, labels, polish=True)
        start = numpy.append(model.coef_[0], model.intercept_[0])
        slopes.append(gate.stationarity(fit.task, fit.data, fit.theta.new_tensor(start), fit.weights)[1])
    assert slopes[0] <= 1e-4
    assert min(slopes[1:]) > 10 * 1e-4
