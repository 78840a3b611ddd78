"""Signals that end a process from outside: they end what it started too, as Ctrl-C does, and tear nothing apart."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Ctrl-C; `kill`, `timeout` or a scheduler; a closed terminal.
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(SystemExit):
    """Raised where a signal ended the work; a process that does not catch it ends with status 128 + its `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextmanager
def handled(numbers: list[Any], handler: Any) -> Iterator[None]:
    """Signals go to a handler in what is inside, and to those they had before afterwards."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` in what is inside on SIGTERM and SIGHUP, and KeyboardInterrupt on Ctrl-C.

    By themselves the first two end a process at once, and leave its kernels, workers and working folders behind. A
    second one of them all changes nothing, so that clearing up comes to its end. Handlers that others set, or that
    ignore a signal as `nohup` does, stay; and only a main thread can have any.
    """
    main = threading.current_thread() is threading.main_thread()
    own = (signal.SIG_DFL, signal.default_int_handler)
    taken = [number for number in ENDING if main and signal.getsignal(number) in own]

    def stop(number: int, frame: Any) -> None:  # noqa: ARG001
        for each in taken:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)

    with handled(taken, stop):
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """Let a signal take effect only when what is inside is over, as it must be between two renames of one report."""
    main = threading.current_thread() is threading.main_thread()
    held = [number for number in ENDING if main and signal.getsignal(number) not in (None, signal.SIG_IGN)]
    came: list[int] = []
    try:
        with handled(held, lambda number, _: came.append(number)):
            yield
    finally:
        for number in came[:1]:
            signal.raise_signal(number)
