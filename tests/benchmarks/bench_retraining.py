"""Leave-one-out retraining of every point of a binary logistic regression, n = 10,000 × 784.

Errors are against dense Newton steps in plain NumPy that share no code with the library. Beside it: scikit-learn's
newton-cg, warm-started at the full fit, one refit after another, at the loosest tolerance that is as exact.
"""

import warnings
from functools import partial

import numpy
import torch
from measure import main, once
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.errors import MissingData

N, D, M = 10_000, 784, 50
# Koh & Liang's penalty, and what scikit-learn's default C = 1 comes to.
DECAYS = (1e-2, 1e-4)
EXACT = 1e-8  # the largest error a change may have, as a share of the RMS change
TOLERANCES = (1e-10, 1e-12, 1e-14, 1e-16)
REFITS = 6  # scikit-learn refits that are timed, after one that is not
CHECKED = 8  # removals whose loss changes are held against the independent truth


def problem(decay: float):
    """A converged fit: MNIST's ones against its sevens, or data with a spectrum like theirs where it is not at hand."""
    try:
        data = il.Mnist(scaling="unit", labels=(1, 7), train_size=N, test_size=M).load()
    except MissingData:
        generator = torch.Generator().manual_seed(0)
        spectrum = torch.arange(1, D + 1, dtype=torch.float64) ** -1.0
        x = 10 * torch.randn(N + M, D, generator=generator, dtype=torch.float64) * spectrum
        odds = x @ (3 * torch.randn(D, generator=generator, dtype=torch.float64))
        y = (torch.rand(N + M, generator=generator, dtype=torch.float64) < odds.sigmoid()).long()
        data = il.Dataset(
            x_train=x[M:], y_train=y[M:], x_test=x[:M], y_test=y[:M],
            train_ids=torch.arange(N), test_ids=torch.arange(M), classes=2, name="planted",
        )  # fmt: skip
    return il.fit(il.BinaryLogistic(weight_decay=decay, intercept=False), data, il.Newton(tolerance=1e-12))


def truth(fitted, rows: list[int]) -> numpy.ndarray:
    """The loss changes of some removals by dense Newton steps from the fit, until nothing moves."""
    x, y = fitted.data.x_train.flatten(1).numpy(), fitted.data.y_train.numpy()
    m, decay = fitted.data.x_test.flatten(1).numpy(), fitted.task.weight_decay
    start = newton(x, y, numpy.full(N, 1 / N), fitted.theta.numpy(), decay=decay)
    signs = 1 - 2 * fitted.data.y_test.numpy()
    before = numpy.logaddexp(0, signs * (m @ start))
    changes = []
    for row in rows:
        weights = numpy.full(N, 1 / N)
        weights[row] = 0
        changes.append(numpy.logaddexp(0, signs * (m @ newton(x, y, weights, start, decay=decay))) - before)
    return numpy.stack(changes)


def newton(x: numpy.ndarray, y: numpy.ndarray, weights: numpy.ndarray, theta: numpy.ndarray, *, decay: float):
    """Five full Newton steps: the fourth moves nothing any more."""
    for _ in range(5):
        p = 1 / (1 + numpy.exp(-x @ theta))
        bend = (x.T * (weights * p * (1 - p))) @ x + decay * numpy.eye(D)
        theta = theta - numpy.linalg.solve(bend, x.T @ (weights * (p - y)) + decay * theta)
    return theta


def errors(found: numpy.ndarray, right: numpy.ndarray) -> float:
    """max |error| / RMS of the loss changes."""
    return float(numpy.abs(found - right).max() / numpy.sqrt(numpy.square(right).mean()))


def ours(decay: float) -> dict[str, float]:
    """All n removals."""
    fitted = problem(decay)
    il.SecondOrder().retrain(fitted, il.leave_one_out(N, rows=torch.arange(8)))
    found = []
    retrainer = il.SecondOrder(relative=0.0, floor=EXACT / 10)
    seconds = once(lambda: found.append(retrainer.retrain(fitted, il.leave_one_out(N))))
    rows = list(range(0, N, N // CHECKED))
    return {
        "seconds": seconds / N,
        "converged": float(found[0].converged.double().mean()),
        "error": errors(found[0].values[rows].numpy(), truth(fitted, rows)),
    }


def scikit_learn(decay: float) -> dict[str, float]:
    """A few removals by newton-cg from the full fit's coefficients, at the loosest tolerance that is exact enough."""
    fitted = problem(decay)
    rows = list(range(REFITS + 1))
    right = truth(fitted, rows)
    for tolerance in TOLERANCES:
        changes = [refit(fitted, rows[0], tolerance)]
        seconds = once(lambda: changes.extend(refit(fitted, row, tolerance) for row in rows[1:]))  # noqa: B023 - run at once
        error = errors(numpy.stack(changes), right)
        if error <= EXACT:
            break
    return {"seconds": seconds / REFITS, "error": error, "tolerance": tolerance}


def refit(fitted, row: int, tolerance: float) -> numpy.ndarray:
    """What scikit-learn says that the removal of one point does to each test loss."""
    decay, kept = fitted.task.weight_decay, numpy.arange(N) != row
    model = LogisticRegression(
        C=1 / (decay * N), fit_intercept=False, solver="newton-cg", tol=tolerance, max_iter=1000, warm_start=True
    )
    model.coef_ = fitted.theta.numpy()[None].copy()
    model.intercept_ = numpy.zeros(1)
    model.classes_ = numpy.arange(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(fitted.data.x_train.flatten(1).numpy()[kept], fitted.data.y_train.numpy()[kept])
    theta = torch.from_numpy(model.coef_)
    return (fitted.task.measure(theta, fitted.data.x_test, fitted.data.y_test)[0] - fitted.measures()).numpy()


if __name__ == "__main__":
    pairs = [(f"weight decay {decay:g}: newton-cg, warm", f"weight decay {decay:g}: ours", decay) for decay in DECAYS]
    main(
        {slow: partial(scikit_learn, decay) for slow, _, decay in pairs}
        | {fast: partial(ours, decay) for _, fast, decay in pairs},
        ratios=tuple((slow, fast) for slow, fast, _ in pairs),
    )
