"""Ridge and its leave-one-out criterion by plain normal equations: truths that share no code with the library."""

import numpy
from scipy.optimize import brentq


def coefficients(x, y, weights, penalty, intercept):
    """θ of Σ wᵢ (yᵢ − xᵢᵀθ)² + penalty ‖θ‖², a column of ones first where there is an intercept; complex if λ is."""
    design = x if intercept == "none" else numpy.column_stack([numpy.ones(len(x)), x])
    diagonal = numpy.eye(design.shape[1])
    diagonal[0, 0] = 0 if intercept == "free" else 1
    curvature = design.T @ (weights[:, None] * design) + penalty * diagonal
    return numpy.linalg.solve(curvature, design.T @ (weights * y))


def predicted(x, y, at, penalty, intercept):
    """What the fit to all rows predicts at other points."""
    design = at if intercept == "none" else numpy.column_stack([numpy.ones(len(at)), at])
    return design @ coefficients(x, y, numpy.ones(len(y)), penalty, intercept)


def held_out(x, y, fit_weights, penalty, intercept):
    """yᵢ less what the fit without row i predicts for it, one refit a row."""
    found = []
    for row in range(len(y)):
        rest = numpy.arange(len(y)) != row
        theta = coefficients(x[rest], y[rest], fit_weights[rest], penalty, intercept)
        found.append(y[row] - (x[row] if intercept == "none" else numpy.append(1.0, x[row])) @ theta)
    return numpy.array(found)


def criterion(x, y, sum_weights, fit_weights, log_penalty, intercept):
    """Σ wᵢ rᵢ² by brute force."""
    return sum_weights @ held_out(x, y, fit_weights, numpy.exp(log_penalty), intercept) ** 2


def slope(x, y, sum_weights, fit_weights, log_penalty, intercept):
    """Its derivative by log λ, to the last digit: a complex step, without a difference of near numbers."""
    step = 1e-30
    return criterion(x, y, sum_weights, fit_weights, log_penalty + 1j * step, intercept).imag / step


def minimum(x, y, sum_weights, fit_weights, near, intercept, *, reach=0.3):
    """log λ where that derivative is 0, near a known minimum."""

    def root(t):
        return slope(x, y, sum_weights, fit_weights, t, intercept)

    return brentq(root, near - reach, near + reach, xtol=1e-13)
