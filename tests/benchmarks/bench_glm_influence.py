"""Exact Cook's distances beside statsmodels, on the same rows and in one process; then sizes that it cannot do.

Times of the influence do not have the fits in them. Numbers must be equal; times are printed only.
"""

import resource
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy
import scipy.sparse
import statsmodels.api as sm
from measure import main

import influencelab as il

# How far two numbers may be apart that should be equal.
SAME = 1e-8


def dense(rows: int, columns: int) -> tuple[Any, numpy.ndarray]:
    """Gaussian features and two classes."""
    generator = numpy.random.default_rng(0)
    x = generator.normal(size=(rows, columns))
    return x, classes(generator, x)


def sparse(rows: int, columns: int, held: int) -> tuple[Any, numpy.ndarray]:
    """Rows of so many columns each at most, and two classes."""
    generator = numpy.random.default_rng(0)
    places = numpy.sort(generator.integers(0, columns, (rows, held), dtype=numpy.int32), axis=1)
    ends = numpy.arange(0, rows * held + 1, held)
    x = scipy.sparse.csr_array((generator.normal(size=rows * held), places.ravel(), ends), shape=(rows, columns))
    x.sum_duplicates()
    return x, classes(generator, x)


def classes(generator: numpy.random.Generator, x: Any) -> numpy.ndarray:
    """One class or the other, which the features decide in part."""
    z = x @ generator.normal(size=x.shape[1])
    return (z / z.std() + generator.logistic(size=len(z)) > 0).astype(float)


def clocked(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What some work gives, its seconds, and those of all processors."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    clock, processors = time.perf_counter(), used.ru_utime + used.ru_stime
    found = work()
    seconds, used = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_SELF)
    return found, seconds, used.ru_utime + used.ru_stime - processors


def beside(rows: int, columns: int) -> dict[str, float]:
    """Both, on one model."""
    x, y = dense(rows, columns)
    theirs_fit, fit_other, fit_other_cpu = clocked(
        lambda: sm.GLM(y, sm.add_constant(x, prepend=False), family=sm.families.Binomial()).fit(tol=1e-12)
    )
    fitted, fit, fit_cpu = clocked(lambda: il.regress(x, y))
    ours = clocked(lambda: il.row_influence(fitted, workers=0).cook())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = clocked(lambda: theirs_fit.get_influence().cooks_distance[0])
    apart = float(abs(ours[0] / fitted.p / fitted.dispersion - theirs[0]).max())
    assert apart < SAME, f"Cook's distances differ by {apart:.1e}"
    return {
        "statsmodels": theirs[1],
        "seconds": ours[1],
        "times": theirs[1] / ours[1],
        "cpu_times": theirs[2] / ours[2],
        "cpu": ours[2],
        "fit_times": fit_other / fit,
        "fit_cpu_times": fit_other_cpu / fit_cpu,
        "apart": apart,
    }


def alone(make: Callable[[], Any], **settings: Any) -> dict[str, float]:
    """Ours, where there is no other."""
    fitted, fit, fit_cpu = clocked(partial(il.regress, *make(), **settings))
    _, seconds, processors = clocked(lambda: il.row_influence(fitted, workers=0).cook())
    return {"seconds": seconds, "cpu": processors, "fit": fit, "fit_cpu": fit_cpu, "steps": fitted.steps}


CASES = {
    "100,000 × 50": partial(beside, 100_000, 50),
    "20,000 × 200": partial(beside, 20_000, 200),
    "50,000 × 400": partial(beside, 50_000, 400),
    "200,000 × 1,000, penalised": partial(alone, partial(dense, 200_000, 1000), weight_decay=1e-3),
    "2,300,000 × 1,000, 1% dense": partial(alone, partial(sparse, 2_300_000, 1000, 10)),
    "100,000 × 8,000, 1% dense, penalised": partial(alone, partial(sparse, 100_000, 8000, 80), weight_decay=1e-3),
}

if __name__ == "__main__":
    main(CASES)
