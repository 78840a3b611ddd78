"""CPU time of tests: what each one cost this process and its children, in total per room, and the dearest by name."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


def has_children() -> bool:
    """Whether this process has any; to look for them among all processes costs more than most tests."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


class CpuTime:
    """A plugin that adds up CPU seconds, user and system, and prints at the end where they went.

    CPU time and not the time on the clock: it does not depend on how busy the machine is. A fixture that several tests
    share counts for the first of them; what is left is Python starting, imports and collection.
    """

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.seconds: dict[str, float] = {}

    def spent(self) -> float:
        """CPU seconds of this process, its children, and theirs, whether they have ended or not."""
        total = 0.0
        for each in (self.process, *(self.process.children(recursive=True) if has_children() else ())):
            try:
                total += sum(each.cpu_times()[:4])  # own user and system time, and that of children that have ended
            except psutil.Error:
                continue  # it has just ended
        return total

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Each test with its fixtures."""
        before = self.spent()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = max(0.0, self.spent() - before)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Rooms, then the fifteen dearest tests."""
        rooms, counts = Counter[str](), Counter[str]()
        for name, seconds in self.seconds.items():
            folders = Path(name.partition("::")[0]).parts
            room = folders[1] if len(folders) > 2 else "top level"
            rooms[room] += seconds
            counts[room] += 1
        write = terminalreporter.write_line
        terminalreporter.section("CPU time")
        for room, seconds in rooms.most_common():
            write(f"{seconds:8.1f} s  {room} ({counts[room]} tests)")
        write(f"{max(0.0, self.spent() - rooms.total()):8.1f} s  start, imports and collection")
        write(f"{self.spent():8.1f} s  all; the dearest tests are:")
        for name, seconds in Counter(self.seconds).most_common(15):
            write(f"{seconds:8.1f} s  {name}")
