"""Stochastic gradient descent: its objective is read, and its last steps are taken only where they came to the end."""

import re

import numpy
import pytest
from own_refits import losses, points_of, refitted, tight
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor

import influencelab as il
from influencelab.errors import NotConverged

POINTS = points_of("two", 1)
X, Y, WATCHED = POINTS.x, POINTS.y, (POINTS.x_test, POINTS.y_test)
LONG = {"average": True, "max_iter": 1000, "tol": None, "random_state": 0}


def test_default_fits_are_refused_and_polished_to_the_minimum_of_the_same_objective():
    model = SGDClassifier("log_loss", random_state=0).fit(X, Y)
    with pytest.raises(NotConverged, match=r"no minimum on this data.*polish=True"):
        il.from_sklearn(model, X, Y, *WATCHED)
    polished = il.from_sklearn(model, X, Y, *WATCHED, polish=True)
    same = LogisticRegression(C=1 / (1e-4 * len(Y)), solver="newton-cholesky", tol=1e-12).fit(X, Y)
    assert polished.theta.numpy() == pytest.approx(numpy.append(same.coef_, same.intercept_), rel=1e-6)
    assert polished.origin.moved > 0.1


def test_averages_over_many_steps_come_to_the_end_and_are_taken():
    model = SGDClassifier("log_loss", alpha=0.01, **LONG).fit(X, Y)
    assert il.from_sklearn(model, X, Y, *WATCHED).origin.decrement < 2e-3
    with pytest.raises(NotConverged, match="no minimum"):
        il.from_sklearn(model, X, numpy.where(numpy.arange(len(Y)) == 3, 1 - Y, Y), *WATCHED)


def test_alpha_is_beside_the_mean_loss_over_the_points_there_are():
    """Without a point there are n − 1; with weights that differ no convention is that, and one of weight 0 counts."""
    model = SGDRegressor(alpha=0.3, random_state=0, learning_rate="invscaling").fit(X, 1.0 * X[:, 0] + Y)
    targets, x_test = 1.0 * X[:, 0] + Y, POINTS.x_test
    y_test = x_test[:, 0] + POINTS.y_test
    fit = il.from_sklearn(model, X, targets, x_test, y_test, polish=True)
    assert fit.convention == "renormalise"
    truth = il.SecondOrder().retrain(fit, il.leave_one_out(len(Y), rows=[7], convention="renormalise"))
    loss = []
    for rows in (slice(None), numpy.arange(len(Y)) != 7):
        again = Ridge(alpha=0.3 * len(Y[rows])).fit(X[rows], targets[rows])
        loss.append((again.predict(x_test) - y_test) ** 2 / 2)
    assert truth.values[0].numpy() == pytest.approx(loss[1] - loss[0], rel=1e-5)
    weighed = il.from_sklearn(model, X, targets, x_test, y_test, POINTS.weights, polish=True)
    assert weighed.convention == "drop"


def test_every_schedule_has_one_objective():
    for settings in ({"learning_rate": "constant", "eta0": 0.01}, {"learning_rate": "adaptive", "eta0": 0.1}):
        model = SGDClassifier("modified_huber", alpha=0.1, random_state=0, **settings).fit(X, Y)
        fit = il.from_sklearn(model, X, Y, *WATCHED, polish=True)
        wanted = losses(refitted(tight(model, POINTS), POINTS, numpy.ones(len(Y))), *WATCHED)
        assert fit.measures().numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (SGDClassifier(), "'hinge' is not smooth, or not read.*LinearSVC"),
        (SGDClassifier("log_loss", penalty="l1"), "l1 penalty is not smooth.*penalty='l2'"),
        (SGDClassifier("log_loss", early_stopping=True), "keeps points out of the fit"),
        (SGDClassifier("log_loss", learning_rate="pa1", eta0=1.0), "minimise nothing"),
        (SGDRegressor("epsilon_insensitive"), "LinearSVR for 'epsilon_insensitive'"),
    ],
)
def test_settings_that_minimise_nothing_smooth_are_refused(model, reason):
    assert re.search(reason, il.supports(model).reason)
