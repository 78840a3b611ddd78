"""The time after which training ends where it is."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real

from influencelab.errors import InvalidParameter, WrongType, named

# On the clock of `time.perf_counter`; a trainer asks before each step whether it has come.
DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """What trains inside takes so many seconds, and the step that it has begun; None sets no limit."""
    check_seconds(seconds)
    end = math.inf if seconds is None else time.perf_counter() + seconds
    mark = DEADLINE.set(min(end, DEADLINE.get()))
    try:
        yield
    finally:
        DEADLINE.reset(mark)


def out_of_time() -> bool:
    """Whether the deadline has come."""
    return time.perf_counter() > DEADLINE.get()


def check_seconds(seconds: object) -> None:
    """Refuse what is no time: by WrongType what is no number, by InvalidParameter what is below 0 or NaN."""
    cure = "Give a number such as 60.0, or None for no limit."
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, Real)):
        raise WrongType(f"seconds is {named(seconds)}, expected a number ≥ 0 or None. {cure}")
    if isinstance(seconds, Real) and not float(seconds) >= 0:
        raise InvalidParameter(f"seconds is {seconds}, expected a number ≥ 0 or None. {cure}")
