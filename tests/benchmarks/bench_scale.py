"""Sizes that a machine should bear: seconds, memory beside the budget, and whether the numbers are to be believed.

A case gives a fitted model with its data; `il.influence` and 20 retrained points follow. Name one to run it alone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import scipy.sparse
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


def at_scale(make: Callable[[], Given], *, points: int = 20) -> Callable[[], dict[str, float]]:
    """A case: influence, then retraining without some points."""

    def run() -> dict[str, float]:
        imports = memory("VmRSS")
        given = make()
        data, found = memory("VmRSS"), []
        seconds = once(lambda: found.append(il.influence(*given)))
        after = memory("VmHWM")
        checked = once(lambda: found.append(found[0].check(points=points)))
        return {
            "seconds": seconds,
            "check_seconds": checked,
            "mb_above_imports": memory("VmHWM") - imports,
            "mb_of_influence_above_data": after - data,
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


CASES = {"sparse text, 20,000 × 100,000": text, "n = 200,000 × 1,000": tall}

if __name__ == "__main__":
    main({name: at_scale(make) for name, make in CASES.items()})
