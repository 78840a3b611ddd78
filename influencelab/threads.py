"""How many threads arithmetic takes: one where the work is small, the user's own number where it is large.

The threads of one operation wait for each other at its end. Beside a busy process the last may come a time slice late,
which is a hundred times as long as a small operation takes.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache

from threadpoolctl import ThreadpoolController

# Points × parameters × columns of a product from which on work is large: what takes one core some 50 ms.
LARGE = 10**9
# Threads of a trial of a sweep, wherever it runs: sweeps take more cores by more trials at once.
OF_A_TRIAL = 1

# What `allowed` is inside `one_thread`; 0 outside.
ALLOWED: ContextVar[int] = ContextVar("allowed", default=0)
# Held by the Python thread that has set what is one for the whole process.
FIRST = threading.Lock()


def allowed() -> int:
    """How many threads the user gave, whatever the work inside them takes; 1 in a job."""
    return ALLOWED.get() or now()


def now() -> int:
    """How many threads an operation of torch takes now; 1 where there is no torch yet."""
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else 1


def by_size(points: int, parameters: int, *, columns: int = 1) -> AbstractContextManager[None]:
    """One thread inside where the work is small; where it is large, what there is.

    Args:
        points: training points.
        parameters: of one model.
        columns: models, test points or directions in one product, where there are more of them than parameters.
    """
    large = points * parameters * max(parameters, columns) >= LARGE
    return nullcontext() if large else one_thread(of=allowed())


@contextmanager
def one_thread(*, of: int = 1) -> Iterator[None]:
    """One thread for every operation inside, of this Python thread; afterwards as before, also after an error.

    Work that is cut into parts which need not wait for each other may still take `of` threads, one for each part.
    Products of torch keep to the variable MKL_NUM_THREADS where that is set.
    """
    inside = ALLOWED.get()
    mark = ALLOWED.set(min(of, inside or of))
    try:
        with nullcontext() if inside else limited():
            yield
    finally:
        ALLOWED.reset(mark)


@contextmanager
def limited() -> Iterator[None]:
    """One thread for OpenMP, whose number is a Python thread's own, and for libraries with one number for all."""
    now()  # torch sets a Python thread's number when first asked for it, and must not do so inside
    own, shared = pools(*(name in sys.modules for name in ("torch", "scipy.linalg", "sklearn")))
    with own.limit(limits=1), alone(shared):
        yield


@contextmanager
def alone(shared: ThreadpoolController) -> Iterator[None]:
    """One thread for libraries with one number for the whole process.

    The first Python thread inside sets and restores it. Another one that comes meanwhile leaves it: what it found there
    would not be the user's.
    """
    first = FIRST.acquire(blocking=False)
    try:
        with shared.limit(limits=1) if first else nullcontext():
            yield
    finally:
        if first:
            FIRST.release()


@cache
def pools(*loaded: bool) -> tuple[ThreadpoolController, ThreadpoolController]:  # noqa: ARG001 - a key: what is loaded
    """The thread pools of OpenMP and of libraries of linear algebra."""
    found = ThreadpoolController()
    return found.select(user_api="openmp"), found.select(user_api="blas")
