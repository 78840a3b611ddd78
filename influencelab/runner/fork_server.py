"""A process that has loaded what notebooks need, and of which their kernels are copies that need not load it again."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

# What makes the kernel's module a server of the modules that follow.
SERVE = "--serve"
# How long the server may take to end by itself, in seconds.
PATIENCE = 2


class Forked(psutil.Process):
    """A handle on a process that another one started, as `subprocess.Popen` is on one's own."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        """None while it runs; how it ended is known to its parent alone."""
        try:
            return None if self.is_running() and self.status() != psutil.STATUS_ZOMBIE else 0
        except psutil.NoSuchProcess:
            return 0

    def send_signal(self, sig: int) -> None:
        """Send it, if the process is there still: who watches a `Popen` expects no error of one that has just ended."""
        with suppress(psutil.NoSuchProcess):
            super().send_signal(sig)

    def terminate(self) -> None:
        """Ask it to end, if it has not."""
        with suppress(psutil.NoSuchProcess):
            super().terminate()

    def kill(self) -> None:
        """End it, if it has not."""
        with suppress(psutil.NoSuchProcess):
            super().kill()


class ForkServer:
    """Handle on the process, which starts with this and loads while others work; it changes by nature."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._asking = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "influencelab.runner.kernel", SERVE, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
            # What ends the runner from its terminal ends this through the runner.
            start_new_session=True,
        )

    def fork(self, arguments: Sequence[str], *, folder: str, environment: Mapping[str, str]) -> Forked | None:
        """A kernel with these arguments, in a folder; None where the server has ended."""
        asked = {"arguments": list(arguments), "folder": folder, "environment": dict(environment)}
        with self._asking:
            try:
                self._process.stdin.write(json.dumps(asked).encode() + b"\n")  # pyright: ignore[reportOptionalMemberAccess]
                self._process.stdin.flush()  # pyright: ignore[reportOptionalMemberAccess]
                return Forked(int(self._process.stdout.readline()))  # pyright: ignore[reportOptionalMemberAccess]
            except (OSError, ValueError, psutil.NoSuchProcess):
                return None

    def close(self) -> None:
        """End the process; kernels that it forked end with it."""
        try:
            self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:  # it is loading still
            self._process.kill()
            self._process.communicate()


@contextmanager
def fork_server(modules: Sequence[str], *, kernels: int) -> Iterator[ForkServer | None]:
    """A server for so many kernels; None for one alone, and where copies of a process are not safe: but on Linux."""
    server = ForkServer(modules, kernel_environment()) if kernels > 1 and sys.platform == "linux" else None
    try:
        yield server
    finally:
        if server:
            server.close()


def kernel_environment() -> dict[str, str]:
    """Variables of every kernel, which must be set before anything is loaded."""
    home = Path(__file__).resolve().parents[2]
    # An installed library is found anyway, and must not come before the standard library.
    library = {} if home.name == "site-packages" else {"PYTHONPATH": str(home)}
    # Threads that wait by spinning slow down all others: with both cores busy elsewhere, a pass over the data that
    # takes 50 ms took twenty times as long.
    return library | {"OMP_WAIT_POLICY": "passive"}
