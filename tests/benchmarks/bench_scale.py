"""Sizes that a machine should bear: seconds, memory beside the budget, and whether the numbers are to be believed.

A case gives a fitted model with its data; `il.influence` follows, and of minima 20 retrained points. Name one to run it
alone.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import scipy.sparse
import torch
from measure import main, once
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

import influencelab as il

# The default of `il.influence`, in MB, and how many test points are watched.
BUDGET, WATCHED = 2048, 100
# What is handed to `il.influence`: a fitted model, X, y, X_test, y_test; or a fit alone.
Given = tuple[Any, ...]


def memory(what: str) -> float:
    """MB that this process holds now (`VmRSS`) or held at most (`VmHWM`)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024


def at_scale(make: Callable[[], Given], *, points: int = 20, **settings: Any) -> Callable[[], dict[str, float]]:
    """A case: influence with these settings, then retraining without some points, if any."""

    def run() -> dict[str, float]:
        imports = memory("VmRSS")
        given = make()
        data, found = memory("VmRSS"), []
        seconds = once(lambda: found.append(il.influence(*given, **settings)))
        after = memory("VmHWM")
        figures = {
            "seconds": seconds,
            "mb_above_imports": after - imports,
            "mb_above_data": after - data,
            "share_of_budget": (after - imports) / BUDGET,
            "largest_residual": float(found[0].residual.max()),
        }
        if not points:
            return figures
        checked = once(lambda: found.append(found[0].check(points=points)))
        return figures | {
            "check_seconds": checked,
            "mb_above_imports": memory("VmHWM") - imports,
            "mb_above_data": memory("VmHWM") - data,
            "share_of_budget": (memory("VmHWM") - imports) / BUDGET,
            "slope": found[1].slope.value,
            "rank_correlation": found[1].order.value,
            "counting": float(found[1].retrained.trusted.sum()),
        }

    return run


def parted(model: Any, x: Any, y: numpy.ndarray) -> Given:
    """The model fitted to all but the last points, which are watched."""
    return model.fit(x[:-WATCHED], y[:-WATCHED]), x[:-WATCHED], y[:-WATCHED], x[-WATCHED:], y[-WATCHED:]


def text(documents: int = 20_000, terms: int = 100_000, words: int = 100) -> Given:
    """Documents of words by Zipf's law, weighted by tf-idf, in two classes that their words decide."""
    generator = numpy.random.default_rng(0)
    frequencies = 1 / (numpy.arange(terms) + 2.7)
    count = documents + WATCHED
    drawn = generator.choice(terms, size=count * words, p=frequencies / frequencies.sum())
    rows = numpy.repeat(numpy.arange(count), words)
    counts = scipy.sparse.coo_array((numpy.ones(len(rows)), (rows, drawn)), shape=(count, terms)).tocsr()
    x = TfidfTransformer().fit_transform(counts)
    z = x @ generator.normal(size=terms)
    y = (z / z.std() + generator.logistic(scale=0.3, size=count) > 0).astype(int)
    return parted(LogisticRegression(max_iter=1000), x, y)


def tall(rows: int = 200_000, columns: int = 1000) -> Given:
    """A table of Gaussian features and two classes."""
    generator = numpy.random.default_rng(0)
    x = generator.normal(size=(rows + WATCHED, columns))
    z = x @ generator.normal(size=columns)
    y = (z / z.std() + generator.logistic(size=len(z)) > 0).astype(int)
    return parted(LogisticRegression(max_iter=1000), x, y)


def classes(generator: numpy.random.Generator, count: int, *shape: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Points about one of ten centres, and which."""
    centres, labels = generator.random((10, *shape)), generator.integers(0, 10, count)
    return (centres[labels] + 0.8 * generator.normal(size=(count, *shape))) / 5, labels


def images(count: int = 55_000) -> Given:
    """Ten classes of as many points and pixels as MNIST has: p = 7,850."""
    x, y = classes(numpy.random.default_rng(0), count + WATCHED, 784)
    return parted(LogisticRegression(C=0.01, tol=1e-6, max_iter=500), x, y)


def network(watched: int, count: int = 10_000) -> Given:
    """A convolutional network of 1.2 million parameters, trained for two epochs."""
    torch.manual_seed(0)
    x, y = map(torch.from_numpy, classes(numpy.random.default_rng(0), count + watched, 1, 28, 28))
    x = x.float()
    first, second = torch.nn.Conv2d(1, 16, 5, stride=2), torch.nn.Conv2d(16, 32, 3, stride=2)
    dense, tanh = (torch.nn.Linear(800, 1450), torch.nn.Linear(1450, 10)), torch.nn.Tanh()
    module = torch.nn.Sequential(first, tanh, second, tanh, torch.nn.Flatten(), dense[0], tanh, dense[1])
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    for _ in range(2):
        for rows in torch.randperm(count).split(128):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(x[watched:][rows]), y[watched:][rows]).backward()
            optimizer.step()
    given = x[watched:], y[watched:], x[:watched], y[:watched]
    return (il.from_torch(module.eval(), "cross_entropy", *given, weight_decay=1e-3, allow_unconverged=True),)


EKFAC = il.EKFAC(damping=1e-2, allow_unconverged=True)
GAUSS_NEWTON = il.ConjugateGradient(curvature="gauss_newton", damping=0.1, tolerance=1e-2, allow_unconverged=True)
CASES = {
    "sparse text, 20,000 × 100,000": at_scale(text),
    "n = 200,000 × 1,000": at_scale(tall),
    "MNIST's size, p = 7,850": at_scale(images),
    "network of 1,181,016 parameters, EK-FAC": at_scale(partial(network, 20), points=0, method=EKFAC),
    "network of 1,181,016 parameters, CG": at_scale(partial(network, 2), points=0, method=GAUSS_NEWTON),
}

if __name__ == "__main__":
    main(CASES)
