"""How many threads arithmetic takes: one where the work is small, the user's own number where it is large.

The threads of one operation wait for each other at its end. Beside a busy process the last may come a time slice late,
which is a hundred times as long as a small operation takes.
"""

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
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
    """One thread for OpenMP and MKL, whose numbers are a Python thread's own, and for libraries with one for all."""
    now()  # torch sets a Python thread's number when first asked for it, and must not do so inside
    own, shared = pools(*(name in sys.modules for name in ("torch", "scipy.linalg", "sklearn")))
    set_products = of_products("torch" in sys.modules)
    before = set_products(1)
    try:
        with own.limit(limits=1), alone(shared):
            yield
    finally:
        set_products(before)


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


@cache
def of_products(loaded: bool) -> Callable[[int], int]:
    """Set how many threads torch's products take in the Python thread that asks, and give what it was before.

    Where MKL does them and the user has set their number, by torch.set_num_threads or MKL_NUM_THREADS, MKL keeps to it
    whatever OpenMP's is. 0 stands for OpenMP's. Elsewhere OpenMP's is theirs, and this sets nothing.
    """
    library = ctypes.CDLL(sys.modules["torch"]._C.__file__) if loaded else None
    return getattr(library, "MKL_Set_Num_Threads_Local", lambda number: number)
