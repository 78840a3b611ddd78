"""Kernel machines are linear ones on the features that their points span."""

import numpy
import pytest
from own_refits import points_of
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import laplacian_kernel

import influencelab as il
from influencelab.errors import InvalidData

POINTS = points_of("real", 0)
X, Y = POINTS.x[:120], POINTS.y[:120]


def handed_in(model, x=X, y=Y, x_test=None, y_test=None, **settings):
    return il.from_sklearn(model, x, y, x if x_test is None else x_test, y if y_test is None else y_test, **settings)


def test_leaving_each_point_out_of_kernel_ridge_is_what_its_hat_matrix_says():
    """The residual of a point that was left out is its own over 1 − hᵢᵢ: exact, without one refit."""
    kernel, alpha = laplacian_kernel(X, gamma=0.2), 0.5
    fit = handed_in(KernelRidge(alpha=alpha, kernel="laplacian", gamma=0.2).fit(X, Y))
    hat = kernel @ numpy.linalg.inv(kernel + alpha * numpy.eye(len(Y)))
    inside = Y - hat @ Y
    outside = inside / (1 - numpy.diag(hat))
    assert fit.measures().numpy() == pytest.approx(inside**2 / 2, rel=1e-8)
    assert il.Exact().estimate(fit).leverage.numpy() == pytest.approx(numpy.diag(hat), rel=1e-8)
    truth = il.SecondOrder().retrain(fit, il.leave_one_out(len(Y))).values.numpy()
    assert numpy.diag(truth) == pytest.approx((outside**2 - inside**2) / 2, rel=1e-6)


def test_a_kernel_that_was_computed_before_or_is_a_function_gives_the_same_numbers():
    def kernel(one, other):
        return numpy.exp(-0.2 * numpy.abs(one - other).sum())

    x_test, y_test = POINTS.x_test, POINTS.y_test
    named = handed_in(KernelRidge(kernel="laplacian", gamma=0.2).fit(X, Y), x_test=x_test, y_test=y_test)
    function = handed_in(KernelRidge(kernel=kernel).fit(X, Y), x_test=x_test, y_test=y_test)
    before = KernelRidge(kernel="precomputed").fit(laplacian_kernel(X, gamma=0.2), Y)
    given = handed_in(before, laplacian_kernel(X, gamma=0.2), Y, laplacian_kernel(x_test, X, gamma=0.2), y_test)
    values = [il.NewtonStep().estimate(each).values.numpy() for each in (named, function, given)]
    assert values[1] == pytest.approx(values[0], rel=1e-6, abs=1e-12)
    assert values[2] == pytest.approx(values[0], rel=1e-6, abs=1e-12)


def test_points_in_another_order_are_the_same_points():
    model, order = KernelRidge(kernel="rbf").fit(X, Y), numpy.random.default_rng(0).permutation(len(Y))
    one, other = handed_in(model), handed_in(model, X[order], Y[order], X, Y)
    values = [il.Exact().estimate(each).values.numpy() for each in (one, other)]
    assert values[1] == pytest.approx(values[0][order], rel=1e-6, abs=1e-10)


def test_a_kernel_that_is_not_positive_and_other_features_are_refused():
    with pytest.raises(InvalidData, match=r"eigenvalue -.*Take a positive one"):
        handed_in(KernelRidge(kernel="sigmoid", gamma=2.0, alpha=500.0).fit(X, Y))
    with pytest.raises(InvalidData, match="X is 120 × 3; the model was fitted to 4 features"):
        handed_in(KernelRidge(kernel="rbf").fit(X, Y), X[:, :3])
    assert "several targets" in il.supports(KernelRidge().fit(X, numpy.column_stack([Y, Y]))).reason
    assert "alpha > 0" in il.supports(KernelRidge(alpha=0)).reason
