"""Small work alone and beside two processes that keep two cores busy; large work on one thread and on all.

Small work takes one thread, so that it waits for nobody: beside the loops it may take three times as long, since it
then has a share of a core. Of everything the median counts, not the fastest.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy
import torch
from bench_estimates import digits, fresh
from bench_networks import fits
from measure import main, timed

import influencelab as il

ALONE, BUSY = "alone", "beside two busy loops"


@contextmanager
def loops(count: int) -> Iterator[None]:
    """So many processes that do nothing without rest."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def influence() -> Callable[[], object]:
    """Influence of all of digits on 100 test points, nothing factorised before."""
    fitted = digits(100)
    return lambda: il.Exact().estimate(fresh(fitted))


def networks() -> Callable[[], object]:
    """Leave-one-out of four Iris networks of one hidden layer, 520 models."""
    made = fits(1)
    return lambda: [il.SecondOrder().retrain(il.Fit(**vars(each)), il.leave_one_out(130)) for each in made]


def small(work: Callable[[], Callable[[], object]], *, busy: int) -> dict[str, float]:
    """Median seconds of some small work beside so many busy processes."""
    call = work()
    with loops(busy):
        return {"seconds": timed(call, repeats=9), "threads_given": torch.get_num_threads()}


def hessian(threads: int) -> dict[str, float]:
    """The dense Hessian of 55,000 points and 785 parameters, by a user of so many threads."""
    generator = numpy.random.default_rng(0)
    x, y = generator.random((55010, 784)) ** 8, generator.integers(2, size=55010)
    data = il.Dataset(x_train=x[10:], y_train=y[10:], x_test=x[:10], y_test=y[:10])
    task = il.BinaryLogistic(weight_decay=0.01)
    fitted = il.fit_at(task, data, task.start(data, 0), trainer=il.Newton())
    torch.set_num_threads(threads)
    return {"seconds": timed(lambda: il.Curvature(fresh(fitted)).dense(), repeats=3), "threads_given": threads}


if __name__ == "__main__":
    cases, ratios, all_cores = {}, [], torch.get_num_threads()
    for name, work in (("digits, 100 test points", influence), ("Iris networks, 520 models", networks)):
        cases |= {f"{name}, {where}": partial(small, work, busy=busy) for where, busy in ((ALONE, 0), (BUSY, 2))}
        ratios.append((f"{name}, {BUSY}", f"{name}, {ALONE}"))
    large = {f"55,000 × 785 Hessian, {threads} threads": threads for threads in (1, all_cores)}
    cases |= {name: partial(hessian, threads) for name, threads in large.items()}
    main(cases, ratios=(*ratios, (min(large, key=large.__getitem__), max(large, key=large.__getitem__))))
