"""Warnings of lost digits: where directions are flat to rounding only, and nowhere else."""

import warnings
from dataclasses import replace
from fractions import Fraction

import numpy
import pytest
from problems import binary_problem, logistic_problem, ridge_problem

from influencelab.data.removals import leave_one_out
from influencelab.errors import LostDigits
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.influence.rounding import cancelled, exact_rank
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton


def rank(rows) -> int:
    """By elimination with fractions."""
    left, found = [[Fraction(float(each)) for each in row] for row in rows], 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in range(found, len(left)) if left[row][column]), None)
        if pivot is None:
            continue
        left[found], left[pivot] = left[pivot], left[found]
        for row in range(found + 1, len(left)):
            share = left[row][column] / left[found][column]
            left[row] = [a - share * b for a, b in zip(left[row], left[found], strict=True)]
        found += 1
    return found


@pytest.mark.parametrize("seed", range(8))
def test_ranks_are_those_of_the_fractions_that_floats_are(seed):
    rng = numpy.random.default_rng(seed)
    x = rng.normal(size=(6, 4)) * 10.0 ** rng.integers(-150, 150, size=4)
    copied = numpy.column_stack([x, x[:, 0] * 2.0**-30, x[:, 1] + 0.0])
    for given in (x, copied, numpy.column_stack([x, x[:, 0] * 1e-3]), numpy.rint(rng.normal(size=(5, 5))), 0 * x):
        assert exact_rank(given) == rank(given)
    assert exact_rank(numpy.zeros((0, 3))) == exact_rank(numpy.zeros((3, 0))) == 0


def copied(scale: float):
    """A least-squares fit whose last feature is its first, in another unit."""
    task, data = ridge_problem(weight_decay=0.0)
    parts = {"x_train": data.x_train.clone(), "x_test": data.x_test.clone()}
    for part in parts.values():
        part[:, -1] = scale * part[:, 0]
    return fit(task, replace(data, **parts), Newton())


def test_a_copy_but_for_rounding_is_warned_of_and_an_exact_one_is_not():
    with pytest.warns(LostDigits, match="all that they are"):
        Exact().estimate(copied(1e-3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Exact().estimate(copied(1.0))
        Exact().estimate(copied(0.25))


@pytest.mark.parametrize("build", [binary_problem, logistic_problem, ridge_problem])
def test_what_is_bounded_by_lengths_is_never_above_the_bound(build):
    task, data = build(weight_decay=0.01)
    fitted = fit(task, data, Newton())
    values = Exact().estimate(fitted).values
    for given in (None, values):
        measured, bound = cancelled(fitted, given), cancelled(fitted, given, enough=float("inf"))
        assert 1 <= measured <= bound <= 100 * measured


def test_effects_that_are_exactly_zero_have_lost_no_digits():
    task, data = binary_problem()
    blank = replace(data, x_train=0 * data.x_train, x_test=0 * data.x_test)
    fitted = fit(replace(task, intercept=False), blank, Newton())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = SecondOrder().retrain(fitted, leave_one_out(blank.n))
    assert found.trusted.all()
    assert not found.values.any()
