"""Predictions of adapted models against fits of the estimator's own class, of every class in every option."""

import pytest
from class_table import PAGE, bounds, figures
from own_refits import CASES

ROWS = bounds(PAGE.read_text(encoding="utf-8"))
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
    "network, counts",
    "elastic net",
    "logistic, l1, liblinear",
)
# Second data sets wait for the exhaustive tests.
SLOW, EXHAUSTIVE = [pytest.mark.slow], [pytest.mark.slow, pytest.mark.exhaustive]


def marks(name, which):
    """Quick tests are one data set of some options."""
    if which == 0:
        return [] if name in QUICK else EXHAUSTIVE if name == "network, three" else SLOW
    return EXHAUSTIVE


TABLE = [
    pytest.param(name, which, marks=marks(name, which), id=f"{name} {which}") for name in CASES for which in (0, 1)
]


@pytest.mark.parametrize(("name", "which"), TABLE)
def test_removals_and_weights_do_what_fitting_again_by_the_own_class_does(name, which):
    """Within bounds that hold for all classes, and within those that the page gives for this one."""
    found, row = figures(name, which), ROWS[type(CASES[name][0]).__name__]
    # liblinear itself leaves 4e-7.
    assert found.at_fit <= 1e-6
    assert found.convention in row[1]
    for value, cell, most in ((found.slope, row[2], 0.02), (found.offset, row[3], 0.01)):
        assert max(abs(value), float(cell)) <= most
        assert abs(value) <= float(cell) + most / 4
    # What is left of differences is rounding, which processors do not share.
    assert max(found.weights, float(row[5].removeprefix("< "))) <= 1e-5
    assert found.order >= max(0.99, float(row[4]) - 0.001)
