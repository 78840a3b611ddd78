"""Leave-one-out retraining of every point of a binary logistic regression, n = 10,000 × 784.

Errors are against dense Newton steps in plain NumPy that share no code with the library. Beside it: scikit-learn's newton-cg, warm-started at the full fit, tolerance 1e-10, one refit after another.
"""

import warnings

import numpy
import torch
from measure import main, once
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.fitting import fit

N, D, M, DECAY = 10_000, 784, 50, 1e-3
REFITS = 6  # scikit-learn refits that are timed, after one that is not
CHECKED = 8  # removals whose loss changes are held against the independent truth


def problem():
    """Data with a planted direction, and the fit."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N + M, D, generator=generator, dtype=torch.float64) / D**0.5
    odds = x @ (3 * torch.randn(D, generator=generator, dtype=torch.float64))
    y = (torch.rand(N + M, generator=generator, dtype=torch.float64) < odds.sigmoid()).long()
    data = il.Dataset(
        x_train=x[M:], y_train=y[M:], x_test=x[:M], y_test=y[:M],
        train_ids=torch.arange(N), test_ids=torch.arange(M), classes=2, name="planted",
    )  # fmt: skip
    return fit(il.BinaryLogistic(weight_decay=DECAY, intercept=False), data, il.Newton(tolerance=1e-12))


def truth(fitted, rows: list[int]) -> numpy.ndarray:
    """The loss changes of some removals by dense Newton steps from the fit, until nothing moves."""
    x, y, m = fitted.data.x_train.numpy(), fitted.data.y_train.numpy(), fitted.data.x_test.numpy()
    start = newton(x, y, numpy.full(N, 1 / N), fitted.theta.numpy())
    signs = 1 - 2 * fitted.data.y_test.numpy()
    before = numpy.logaddexp(0, signs * (m @ start))
    changes = []
    for row in rows:
        weights = numpy.full(N, 1 / N)
        weights[row] = 0
        changes.append(numpy.logaddexp(0, signs * (m @ newton(x, y, weights, start))) - before)
    return numpy.stack(changes)


def newton(x: numpy.ndarray, y: numpy.ndarray, weights: numpy.ndarray, theta: numpy.ndarray) -> numpy.ndarray:
    """Five full Newton steps: the fourth moves nothing any more."""
    for _ in range(5):
        p = 1 / (1 + numpy.exp(-x @ theta))
        bend = (x.T * (weights * p * (1 - p))) @ x + DECAY * numpy.eye(D)
        theta = theta - numpy.linalg.solve(bend, x.T @ (weights * (p - y)) + DECAY * theta)
    return theta


def errors(found: numpy.ndarray, right: numpy.ndarray) -> float:
    """max |error| / RMS of the loss changes."""
    return float(numpy.abs(found - right).max() / numpy.sqrt(numpy.square(right).mean()))


def ours() -> dict[str, float]:
    """All n removals."""
    fitted = problem()
    il.Retrainer().retrain(fitted, il.leave_one_out(N, rows=torch.arange(8)))
    found = []
    retrainer = il.Retrainer(relative=0.0, floor=1e-8)
    seconds = once(lambda: found.append(retrainer.retrain(fitted, il.leave_one_out(N))))
    rows = list(range(0, N, N // CHECKED))
    return {
        "seconds": seconds / N,
        "converged": float(found[0].converged.double().mean()),
        "error": errors(found[0].values[rows].numpy(), truth(fitted, rows)),
    }


def scikit_learn() -> dict[str, float]:
    """A few removals by newton-cg from the full fit's coefficients."""
    fitted = problem()
    x, y = fitted.data.x_train.numpy(), fitted.data.y_train.numpy()
    rows = list(range(REFITS + 1))
    changes = []

    def refit(row: int) -> None:
        kept = numpy.arange(N) != row
        model = LogisticRegression(
            C=1 / (DECAY * N), fit_intercept=False, solver="newton-cg", tol=1e-10, max_iter=1000, warm_start=True
        )
        model.coef_ = fitted.theta.numpy()[None].copy()
        model.intercept_ = numpy.zeros(1)
        model.classes_ = numpy.arange(2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x[kept], y[kept])
        theta = torch.from_numpy(model.coef_)
        changes.append(fitted.task.measure(theta, fitted.data.x_test, fitted.data.y_test)[0] - fitted.measures())

    refit(rows[0])
    seconds = once(lambda: [refit(row) for row in rows[1:]])
    return {"seconds": seconds / REFITS, "error": errors(torch.stack(changes).numpy(), truth(fitted, rows))}


if __name__ == "__main__":
    main(
        {"a removal, scikit-learn newton-cg, warm": scikit_learn, "a removal, ours, all 10,000": ours},
        ratios=(("a removal, scikit-learn newton-cg, warm", "a removal, ours, all 10,000"),),
    )
