"""Models of one's own: refits by the normal equations and by a gradient that vanishes, and rows that claims select."""

from typing import Any

import numpy
import pandas
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import influencelab as il
from influencelab.experiments.tables import measurements
from influencelab.statistics.measurements import find
from influencelab.studies.your_own_model.analysis import beside_refits, beside_retraining, losses, refits
from influencelab.studies.your_own_model.claims import CLAIMS, FINDINGS

QUICK = il.Bootstrap(resamples=40)
ROWS = numpy.array([3, 17, 40, 58, 5])


@pytest.fixture(scope="module")
def table():
    """Sixty training points and four test points of a noisy line, with names of columns."""
    x = pandas.DataFrame(numpy.random.default_rng(0).normal(size=(64, 3)), columns=["a", "b", "c"])
    y = x @ numpy.array([1.0, -2.0, 0.5]) + numpy.random.default_rng(1).normal(size=64)
    return x[:60], y[:60], x[60:], y[60:]


def ridge_losses(x, y, x_test, y_test, alpha):
    """Half squared residuals of ridge regression with a free intercept, by centred normal equations."""
    centre, middle = x.mean(0), y.mean()
    slope = numpy.linalg.solve((x - centre).T @ (x - centre) + alpha * numpy.eye(3), (x - centre).T @ (y - middle))
    return 0.5 * ((x_test - centre) @ slope + middle - y_test) ** 2


def test_refits_of_a_regression_are_those_of_the_normal_equations(table):
    x, y, x_test, y_test = (part.to_numpy() for part in table)
    before = ridge_losses(x, y, x_test, y_test, 2.0)
    left = [(numpy.delete(x, row, 0), numpy.delete(y, row)) for row in ROWS]
    wanted = [ridge_losses(some, targets, x_test, y_test, 2.0) - before for some, targets in left]
    found = refits(Ridge(alpha=2.0).fit(*table[:2]), *table, rows=ROWS)
    assert found == pytest.approx(numpy.stack(wanted), rel=1e-8, abs=1e-12)
    assert found[0] != pytest.approx(found[1], rel=0.1)


def test_losses_of_classes_are_those_of_their_own_names(table):
    x, y, x_test, y_test = table
    words = ["no", "yes"]
    model = LogisticRegression().fit(x, pandas.Series(numpy.where(y > 0, "yes", "no")))
    seen = pandas.Series(numpy.where(y_test > 0, "yes", "no"))
    chances = 1 / (1 + numpy.exp(-model.decision_function(x_test)))
    wanted = [
        -numpy.log(chance if name == words[1] else 1 - chance) for name, chance in zip(seen, chances, strict=True)
    ]
    assert losses(model, x_test, seen) == pytest.approx(numpy.array(wanted), rel=1e-10)


def test_claims_and_findings_select_the_numbers_of_each_model(table):
    x, y, x_test, y_test = table
    classes, watched = (y > 0).astype(int), (y_test > 0).astype(int)
    classifier = LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(x, classes)
    regression = Ridge(alpha=2.0).fit(x, y)
    of_classes, of_values = (il.influence(classifier, x, classes, x_test, watched), il.influence(regression, *table))
    checks = [each.check(points=12, bootstrap=QUICK) for each in (of_classes, of_values)]
    parts = [
        beside_refits(checks[0], classifier, x, classes, x_test, watched, data="breast cancer", bootstrap=QUICK),
        beside_refits(checks[1], regression, *table, data="diabetes", bootstrap=QUICK),
    ]
    for part, check in zip(parts, checks, strict=True):
        assert part.comparison.actual == pytest.approx(check.comparison.actual, rel=1e-4, abs=1e-7)
        assert part.comparison.predicted == pytest.approx(check.comparison.predicted, abs=0)
    exact = il.Exact().estimate(of_classes.fit).check(points=12, bootstrap=QUICK)
    parts.append(beside_retraining(exact, data="digits", bootstrap=QUICK))
    found = measurements(parts)
    slopes = [part.statistics["slope"].median.value for part in parts]
    order = parts[2].statistics["spearman"].pooled.value
    cells: Any = [cell.number(found) for claim in CLAIMS for cell in claim.cells]
    assert [number.value for number in cells] == [*slopes[:2], order]
    quotes: Any = FINDINGS[0].quotes
    numbers: Any = [find(found, quote) for quote in quotes]
    assert [number.value for number in numbers] == [*slopes[:2], order, slopes[2]]
