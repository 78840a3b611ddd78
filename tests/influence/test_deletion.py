"""Deletion diagnostics of models trained here, against refits in NumPy and textbook formulas."""

import numpy
import pytest
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.influence.deletion import removal_changes


def least_squares(x, y, penalty=0.0):
    """θ of half the summed squares, the intercept last."""
    ones = numpy.column_stack([x, numpy.ones(len(x))])
    stiff = numpy.diag([penalty] * x.shape[1] + [0.0])
    return numpy.linalg.solve(ones.T @ ones + stiff, ones.T @ y)


def test_of_least_squares_they_are_what_refits_give():
    fit = minimum(ridge_problem, weight_decay=0.0)
    x, y = fit.data.x_train.numpy(), fit.data.y_train.numpy()
    theta, ones = least_squares(x, y), numpy.column_stack([x, numpy.ones(len(x))])
    n, p = ones.shape
    inverse = numpy.linalg.inv(ones.T @ ones)
    hat = numpy.einsum("ij,jk,ik->i", ones, inverse, ones)
    assert il.hat_values(fit).to_numpy() == pytest.approx(hat, rel=1e-9)
    variance = ((y - ones @ theta) ** 2).sum() / (n - p)
    for row in (0, 17, n - 1):
        left = numpy.arange(n) != row
        change = theta - least_squares(x[left], y[left])
        alone = ((y[left] - ones[left] @ (theta - change)) ** 2).sum() / (n - 1 - p)
        assert il.dfbeta(fit).iloc[row].to_numpy() == pytest.approx(change, rel=1e-8)
        wanted = change / numpy.sqrt(alone * inverse.diagonal())
        assert il.dfbetas(fit).iloc[row].to_numpy() == pytest.approx(wanted, rel=1e-8)
        cook = change @ (ones.T @ ones) @ change / (p * variance)
        assert il.cooks_distance(fit).iloc[row] == pytest.approx(cook, rel=1e-8)
        wanted = ones[row] @ change / numpy.sqrt(alone * hat[row])
        assert il.dffits(fit).iloc[row] == pytest.approx(wanted, rel=1e-8)


def test_weight_decay_leaves_changes_of_coefficients_exact_and_no_standard_errors():
    fit = minimum(ridge_problem, weight_decay=0.2)
    x, y = fit.data.x_train.numpy(), fit.data.y_train.numpy()
    left = numpy.arange(len(y)) != 3
    penalty = 0.2 * len(y)
    change = least_squares(x, y, penalty) - least_squares(x[left], y[left], penalty)
    assert il.dfbeta(fit).iloc[3].to_numpy() == pytest.approx(change, rel=1e-8)
    for asked in (il.dfbetas, il.cooks_distance, il.dffits):
        with pytest.raises(InvalidParameter, match="no standard errors"):
            asked(fit)


def test_coefficients_go_by_names():
    fit, several = minimum(binary_problem), minimum(logistic_problem)
    for given, names, entries in (
        (fit, (), [0, 1, 2, 3, 4]),
        (fit, ("x2", "intercept"), [2, 4]),
        (several, "x1", [1, 6, 11]),
    ):
        assert il.Coefficients(names).entries(given.task, given.data) == entries
    with pytest.raises(InvalidParameter, match=r"no coefficient 'age'.*x0, x1, x2, x3, intercept"):
        il.Exact().sensitivity(fit, measure=il.Coefficients("age"))
    with pytest.raises(InvalidParameter, match="MLP has no coefficients"):
        il.Exact().sensitivity(minimum(mlp_problem), measure=il.Coefficients("x0"))
    with pytest.raises(InvalidParameter, match="3 outputs"):
        il.dfbeta(several)


def test_changes_of_the_loss_are_those_of_newton_steps():
    fit = minimum(binary_problem)
    found, wanted = removal_changes(fit, il.Loss()), il.NewtonStep().estimate(fit).values
    assert found.numpy() == pytest.approx(wanted.numpy(), rel=1e-9)
