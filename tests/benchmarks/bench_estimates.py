"""Influence of every training point: digits on 1 and on 100 test points, and MNIST's full size.

The textbook way stands beside ours: the Hessian and every gradient by automatic differentiation, one dense solve.
"""

import numpy
import torch
from measure import main, once, timed
from torch.func import grad, hessian, vmap

import influencelab as il
from influencelab.errors import MissingData


def digits(tests: int):
    """A converged fit on digits, every parameter penalised: n = 1,500, p = 650."""
    data = il.Digits(scaling="unit", train_size=1500, test_size=tests).load()
    return il.fit(il.Logistic(weight_decay=0.01, penalise_intercept=True), data, il.Newton())


def fresh(fitted):
    """The same fit without anything already factorised."""
    return type(fitted)(**vars(fitted))


def ours(estimator, tests: int):
    """One of our estimators, from nothing."""

    def run() -> dict[str, float]:
        fitted = digits(tests)
        seconds = timed(lambda: estimator.estimate(fresh(fitted)))
        truth = torch.from_numpy(textbook(fitted))
        found = estimator.estimate(fitted).values
        return {"seconds": seconds, "relative_error": float((found - truth).norm() / truth.norm())}

    return run


def textbook(fitted) -> numpy.ndarray:
    """Influence by automatic differentiation of a plain cross-entropy, and one dense solve."""
    data, decay = fitted.data, fitted.task.weight_decay
    ones = torch.ones(data.n, 1, dtype=torch.float64)
    train = torch.cat([data.x_train.flatten(1), ones], 1)
    test = torch.cat([data.x_test.flatten(1), ones[: data.m]], 1)

    def loss(theta, x, y):
        return torch.nn.functional.cross_entropy(theta.view(10, -1) @ x, y)

    def objective(theta):
        logits = train @ theta.view(10, -1).T
        return torch.nn.functional.cross_entropy(logits, data.y_train) + decay / 2 * theta.square().sum()

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    pulls = each(fitted.theta, test, data.y_test)
    pushes = each(fitted.theta, train, data.y_train)
    return (pushes @ torch.linalg.solve(hessian(objective)(fitted.theta), pulls.T) / data.n).numpy()


def by_textbook(tests: int):
    """The textbook way, timed."""

    def run() -> dict[str, float]:
        fitted = digits(tests)
        return {"seconds": timed(lambda: textbook(fitted), repeats=3)}

    return run


def mnist(tests: int):
    """A converged fit at n = 55,000, p = 7,840: MNIST, or data of its shape where it is not at hand."""
    try:
        data = il.Mnist(scaling="unit", skip_first=5000, test_size=tests).load()
    except MissingData:
        generator = numpy.random.default_rng(0)
        pixels = generator.random((55000 + tests, 784)) ** 8
        labels = (pixels @ generator.normal(size=(784, 10))).argmax(1)
        x, y = torch.from_numpy(pixels), torch.from_numpy(labels)
        data = il.Dataset(
            x_train=x[tests:], y_train=y[tests:], x_test=x[:tests], y_test=y[:tests],
            train_ids=torch.arange(55000), test_ids=torch.arange(tests), classes=10, name="mnist-shaped",
        )  # fmt: skip
    return il.fit(il.Logistic(weight_decay=0.01, intercept=False), data, il.LBFGS())


def at_full_size(estimator, tests: int):
    """One of our estimators at MNIST's size, once."""

    def run() -> dict[str, float]:
        fitted = mnist(tests)
        residuals = []
        seconds = once(lambda: residuals.append(estimator.estimate(fitted).residual.max()))
        return {"seconds": seconds, "residual": float(residuals[0])}

    return run


if __name__ == "__main__":
    main(
        {
            "digits, 1 test point, textbook": by_textbook(1),
            "digits, 1 test point, exact": ours(il.Exact(), 1),
            "digits, 1 test point, conjugate gradients": ours(il.ConjugateGradient(tolerance=1e-6), 1),
            "digits, 100 test points, textbook": by_textbook(100),
            "digits, 100 test points, exact": ours(il.Exact(), 100),
            "digits, 100 test points, conjugate gradients": ours(il.ConjugateGradient(tolerance=1e-6), 100),
            "n = 55,000, 1 test point, conjugate gradients": at_full_size(il.ConjugateGradient(), 1),
            "n = 55,000, 100 test points, exact": at_full_size(il.Exact(), 100),
        },
        ratios=(
            ("digits, 1 test point, textbook", "digits, 1 test point, exact"),
            ("digits, 1 test point, textbook", "digits, 1 test point, conjugate gradients"),
            ("digits, 100 test points, textbook", "digits, 100 test points, exact"),
        ),
    )
