"""The process of a notebook that is run: a kernel that ends, with all that it started, when its runner is gone."""

import gc
import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from influencelab.runner.fork_server import SERVE

# How often it is looked whether the runner is there, in seconds.
POLL = 0.5


def end_with(parent: int) -> None:
    """Kill this process's group when its parent has ended.

    A runner that is killed cannot end what it started: its kernel would notice, and leave its workers behind.
    """
    while os.getppid() == parent:
        time.sleep(POLL)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def launch(parent: int) -> None:
    """Be the kernel that the command line asks for."""
    # The kernel leads a group of its own, so that nothing else is in it.
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        threading.Thread(target=end_with, args=(parent,), daemon=True).start()
        # Its own check would end the kernel alone, and is left out for a parent of this number.
        sys.argv.append("--IPKernelApp.parent_handle=1")
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


def serve(modules: Sequence[str]) -> None:
    """Load modules, then fork a kernel for every line of the input, and answer with its number, until the runner ends.

    Nothing here may start a thread, which no copy would have.
    """
    gc.disable()
    for module in modules:
        with suppress(ImportError):  # the notebook that needs it says so
            importlib.import_module(module)
    # What is loaded stays, and no copy needs to look through it for what can go.
    gc.freeze()
    signal.signal(signal.SIGCHLD, reap)
    server = os.getpid()
    while line := sys.stdin.readline():
        number = os.fork()
        if not number:
            gc.enable()
            become(json.loads(line))
            launch(server)
            return
        print(number, flush=True)


def reap(*_: object) -> None:
    """Take note of copies that ended, so that their processor time counts as this one's."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def become(asked: dict[str, Any]) -> None:
    """Turn this copy into what a process would be that was started with these arguments, folder and environment."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv[1:] = asked["arguments"]


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        serve(sys.argv[2:])
    else:
        launch(int(os.environ["JPY_PARENT_PID"]))
