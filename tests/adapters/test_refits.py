"""Predictions of adapted models against fits of the estimator's own class, of every class in every option."""

import numpy
import pytest
from own_refits import CASES, STOCHASTIC, fitted, losses, points_of, refitted, takes_weights, tight
from scipy.stats import spearmanr

import influencelab as il

REMOVED, WEIGHED = 20, 2
QUICK = (
    "logistic",
    "logistic, liblinear, scaled intercept",
    "logistic, balanced",
    "multinomial",
    "ridge",
    "ridge classifier, three",
    "poisson",
    "gamma",
    "tweedie 0, log",
    "huber",
    "kernel ridge, polynomial",
    "sgd, modified huber",
    "sgd, insensitive",
    "linear svc, scaled intercept",
    "linear svr",
)
TABLE = [
    pytest.param(name, which, marks=[] if which == 0 and name in QUICK else [pytest.mark.slow], id=f"{name} {which}")
    for name in CASES
    for which in (0, 1)
]


@pytest.mark.parametrize(("name", "which"), TABLE)
def test_removals_and_weights_do_what_fitting_again_by_the_own_class_does(name, which):
    estimator, kind = CASES[name]
    points = points_of(kind, which)
    model = fitted(estimator, points)
    given = points.weights if takes_weights(model) else None
    polish = isinstance(model, STOCHASTIC)
    fit = il.from_sklearn(model, points.x, points.y, points.x_test, points.y_test, given, polish=polish)
    start, again = numpy.ones(len(points.y)) if given is None else given, tight(model, points)

    def watched(weights):
        return losses(refitted(again, points, weights), points.x_test, points.y_test)

    at_fit = watched(start)
    # liblinear itself leaves 4e-7.
    assert fit.measures().numpy() == pytest.approx(at_fit, rel=1e-6, abs=1e-9)
    rows = numpy.random.default_rng(1).choice(len(start), REMOVED, replace=False)
    predicted = il.NewtonStep(convention=str(fit.convention)).estimate(fit).values.numpy()[rows]
    truth = numpy.array([watched(numpy.where(numpy.arange(len(start)) == row, 0.0, start)) - at_fit for row in rows])
    agree(predicted, truth)
    moving = rows[numpy.abs(predicted).max(1) > 0]
    first_order(fit, moving[:WEIGHED], start, watched)


def agree(predicted, truth):
    """Slope 1, no offset and one order, each the median over test points: each is curved a little of its own.

    Test points whose loss is 0, whichever point is removed, are left out, and changes of 0 but for rounding are equal.
    """
    some = numpy.abs(truth).max(0) > 1e-10
    pairs = list(zip(predicted.T[some], truth.T[some], strict=True))
    lines = numpy.array([numpy.polyfit(p, t, 1) for p, t in pairs])
    orders = [spearmanr(*(numpy.round(each / numpy.abs(each).max(), 9) for each in pair))[0] for pair in pairs]
    assert numpy.median(lines[:, 0]) == pytest.approx(1.0, abs=0.02)
    assert numpy.median(numpy.abs(lines[:, 1]) / numpy.sqrt((truth[:, some] ** 2).mean(0))) < 0.01
    assert numpy.median(orders) >= 0.99


def first_order(fit, rows, start, watched):
    """Slopes in a point's weight, against central differences of fits with that weight a little changed."""
    estimate = il.Exact().estimate(fit)
    # Of a loss with bends a step is so short that few points pass one.
    step = 0.002 if fit.task.output_loss.width == 0 else 0.02
    for row in rows:
        share, change = float(fit.weights[row]) / start[row], step * start[row]
        values = {k: watched(start + k * change * (numpy.arange(len(start)) == row)) for k in (-2, -1, 1, 2)}
        wanted = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * change)
        # What a removal takes away is the weight times the slope.
        found = -estimate.values[row].numpy() / start[row]
        if fit.convention == "renormalise":
            found = found * (1 - float(fit.weights[row]))
        assert share > 0
        assert numpy.abs(found - wanted).max() <= 1e-5 * numpy.abs(wanted).max()
