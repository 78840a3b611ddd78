"""Signals that end a process from outside: they end what it started too, as Ctrl-C does."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(SystemExit):
    """Raised where a signal ended the work; a process that does not catch it ends with status 128 + its `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` in what is inside on SIGTERM (`kill`, `timeout`, a scheduler) and SIGHUP (a closed terminal).

    By themselves these end a process at once, and leave its kernels, workers and working folders behind. A second one
    changes nothing, so that clearing up comes to its end. Handlers that others set, or that ignore a signal as `nohup`
    does, stay; and only a main thread can have any.
    """
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    main = threading.current_thread() is threading.main_thread()
    taken = [number for number in numbers if main and signal.getsignal(number) is signal.SIG_DFL]

    def stop(number: int, frame: Any) -> None:  # noqa: ARG001
        for each in taken:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
