"""Execution of a notebook from top to bottom in a kernel of this interpreter, which can be stopped."""

import contextlib
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import psutil

from influencelab.errors import StudyFailed, in_words
from influencelab.runner.atomic_folder import RUN_FOLDER
from influencelab.runner.fork_server import ForkServer, kernel_environment
from influencelab.runner.study import OF_A_RUN


@contextlib.contextmanager
def without(module: str) -> Iterator[None]:
    """Import what follows as if an optional module were not installed; later imports find it again."""
    absent = module not in sys.modules
    if absent:
        sys.modules[module] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        if absent:
            del sys.modules[module]


# The check of internationalised addresses compiles a grammar for two seconds on import; notebooks have none.
with without("rfc3987_syntax"):
    import nbformat
    import papermill
    from ipykernel.kernelspec import make_ipkernel_cmd
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbformat import NotebookNode
    from nbformat.sign import NotebookNotary
    from papermill.exceptions import PapermillExecutionError

# Log records of papermill reach only handlers that were asked for: failures are raised.
logging.getLogger("papermill").addHandler(logging.NullHandler())

# How often, in seconds, a running notebook is polled.
POLL = 0.2
# How long a kernel may take to start, in seconds; a loaded machine needs more than the usual 60.
START = 120


class Kernel:
    """Process of a notebook, from before it starts until it has ended.

    It changes by nature, like any handle on a process.

    Attributes:
        run: the folder of its run.
        server: what it is forked from, if there is one.
        pid: the process's number, once there is one.
    """

    def __init__(self, run: Path, server: ForkServer | None) -> None:
        self.run = run
        self.server = server
        self.pid: int | None = None

    def kill(self) -> None:
        """Kill the process and every worker it started; nothing happens where there is none."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if hasattr(os, "killpg"):
                    # The kernel leads a session of its own, so its workers are killed with it and this process is not.
                    os.killpg(self.pid, signal.SIGKILL)
                else:
                    kernel = psutil.Process(self.pid)
                    for process in [*kernel.children(recursive=True), kernel]:
                        process.kill()

    def manager_class(self) -> type:
        """The class of kernel manager that starts this interpreter, whatever kernels are registered."""
        spec = KernelSpec(
            # Modules that lie beside the notebook come later, as in any kernel.
            argv=make_ipkernel_cmd("influencelab.runner.kernel", python_arguments=["-P"]),
            env=kernel_environment() | {RUN_FOLDER: str(self.run)},
            language="python",
            display_name="influencelab",
            metadata={"supported_encryption": ["curve"]},
        )
        handle = self

        class ThisInterpreter(AsyncKernelManager):
            """Starts the running interpreter; a kernel registered elsewhere under the same name is ignored."""

            def __init__(self, **settings: Any) -> None:
                super().__init__(**settings)
                self.transport_encryption = "auto"

            @property
            def kernel_spec(self) -> KernelSpec:
                return spec

            async def start_kernel(self, **settings: Any) -> None:
                # Printed output comes another way; this is only the process's messages on shutdown.
                await super().start_kernel(stderr=subprocess.DEVNULL, **settings)
                handle.pid = getattr(self.provisioner, "pid", None)

            async def _async_launch_kernel(self, kernel_cmd: list[str], **settings: Any) -> None:
                where = {"folder": str(settings.get("cwd") or "."), "environment": settings["env"]}
                forked = handle.server.fork(kernel_cmd[kernel_cmd.index("-f") :], **where) if handle.server else None
                if forked is None:
                    await super()._async_launch_kernel(kernel_cmd, **settings)
                    return
                started: Any = self.provisioner
                started.process, started.pid, started.pgid = forked, forked.pid, forked.pid
                self._reconcile_connection_info(started.connection_info)

        return ThisInterpreter


def execute(
    notebook: Path,
    parameters: Mapping[str, Any],
    *,
    output: Path,
    watch: Callable[[], None],
    server: ForkServer | None = None,
) -> None:
    """Run a notebook in its own folder, with these values after its `parameters` cell.

    The executed copy is written to `output`, whether it failed or not, and signed, so that JupyterLab on this machine
    trusts and shows its figures; its folder is that of the run, where the notebook publishes. `watch` is called a few
    times a second. The kernel is forked from a server, if there is one. StudyFailed if a cell raised or the kernel
    died; when the run is stopped the kernel and its workers are killed.
    """
    kernel = Kernel(output.parent.resolve(), server)
    with ThreadPoolExecutor(1, thread_name_prefix="notebook") as pool:
        running = pool.submit(papermill_run, kernel, notebook, parameters, output)
        try:
            while not wait([running], timeout=POLL).done:
                watch()
        finally:
            while not running.done():
                kernel.kill()
                wait([running], timeout=POLL)
    if output.is_file():
        sign(output)
    running.result()


def sign(executed: Path) -> None:
    """Sign an executed copy, or warn that it is unsigned where the user's folder cannot be written."""
    try:
        book = nbformat.read(executed, as_version=4)
    except ValueError:
        return  # written in part: why is the failure of the run
    try:
        NotebookNotary().sign(book)
        # Where its file cannot be written, the first one kept the signature in memory.
        reason = "" if NotebookNotary().check_signature(book) else "no signature was kept"
    except (OSError, RuntimeError, sqlite3.Error) as error:
        reason = str(error)
    if reason:
        warnings.warn(
            f"{executed.name} is not signed ({reason}): JupyterLab will ask whether to trust it. Its results are "
            "whole. To sign the next one, set HOME or JUPYTER_DATA_DIR to a folder that can be written.",
            stacklevel=2,
        )


def papermill_run(kernel: Kernel, notebook: Path, parameters: Mapping[str, Any], output: Path) -> None:
    """Run a notebook by papermill, and turn its exceptions into `StudyFailed`."""
    try:
        nbformat.write(injected(notebook, parameters), output)
    except (nbformat.ValidationError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StudyFailed(
            f"{notebook.name} is no valid notebook ({in_words(error)}). Save it in JupyterLab again, or restore it"
        ) from error
    # papermill formats paths, so braces are doubled.
    path = str(output).replace("{", "{{").replace("}", "}}")
    try:
        papermill.execute_notebook(
            path,
            path,
            kernel_name="python3",
            kernel_manager_class=kernel.manager_class(),
            # Not papermill's `cwd`, which changes the folder of this whole process.
            resources={"metadata": {"path": str(notebook.resolve().parent)}},
            progress_bar=False,
            start_timeout=START,
        )
    except PapermillExecutionError as error:
        last = [line for line in str(error.evalue).splitlines() if line.strip()][-1:]
        raise StudyFailed(": ".join([error.ename, *last])) from error
    except RuntimeError as error:
        # nbclient raises it for a kernel that ended by itself and for one that never answered.
        kernel.kill()
        mark_dead(output)
        raise StudyFailed(f"the kernel died (killed, or out of memory?): {error}") from error


def injected(notebook: Path, parameters: Mapping[str, Any]) -> NotebookNode:
    """The notebook with a cell of values after its `parameters` cell.

    papermill's own injection writes tuples as text, so the cell is written here. What an earlier run put in goes: an
    executed copy is a study like any other.
    """
    read = nbformat.read(notebook, as_version=4)
    read.cells = [cell for cell in read.cells if not set(OF_A_RUN) & set(cell.metadata.get("tags", []))]
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    cell = nbformat.v4.new_code_cell("\n".join(["# As run", *lines]), metadata={"tags": ["injected-parameters"]})
    place = next(index for index, cell in enumerate(read.cells) if "parameters" in cell.metadata.get("tags", []))
    read.cells.insert(place + 1, cell)
    return read


def mark_dead(output: Path) -> None:
    """Mark an executed copy as failed; papermill marks every cell of a run whose kernel died as completed."""
    read = nbformat.read(output, as_version=4)
    read.metadata.setdefault("papermill", {})["exception"] = True
    begun = [cell.id for cell in read.cells if cell.metadata.get("papermill", {}).get("start_time")]
    for cell in read.cells:
        state = cell.metadata.setdefault("papermill", {})
        state["exception"] = cell.id in begun[-1:]
        state["status"] = "failed" if state["exception"] else "completed" if cell.id in begun else "pending"
    warning = "**The kernel died in the run below (killed, or out of memory?). Its results are not complete.**"
    read.cells.insert(0, nbformat.v4.new_markdown_cell(warning, metadata={"tags": ["papermill-error-cell-tag"]}))
    nbformat.write(read, output)
