"""JupyterLab as `influencelab lab` opens it: on a free port of this machine, with a token, ended whatever happens."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

# How long the server may take to answer, in seconds: 4 on a quiet machine, several times that on a busy one.
START = 600
# How long it may take to end after each signal, in seconds. A kernel that is still connecting can hold it up.
PATIENCE = {signal.SIGINT: 10, signal.SIGTERM: 5, signal.SIGKILL: 5}
NEWS = "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
# Whose JupyterLab is driven: this environment's, or that of an environment with another one in it.
PYTHON = os.environ.get("LAB_PYTHON", sys.executable)
# The folder of a home in which Jupyter looks for extensions before it looks into any environment.
FIRST = "first"
# No proxy of the surroundings stands between us and our own machine.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Server:
    """A running JupyterLab.

    Attributes:
        address: `http://127.0.0.1:<port>`.
        token: what a request must carry.
        root: the folder its file browser shows: the one that holds `studies` and `results`.
        pid: its process's number.
    """

    address: str
    token: str
    root: Path
    pid: int

    def ask(self, path: str, *, method: str = "GET", token: str | None = None) -> Any:
        """The JSON answer of the server's own interface; None where it answers nothing.

        Args:
            token: another than its own.
        """
        headers = {"Authorization": f"token {self.token if token is None else token}"}
        request = urllib.request.Request(f"{self.address}/api/{path}", method=method, headers=headers)
        with direct.open(request, timeout=600) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def url(self, notebook: Path) -> str:
        """Where a notebook opens in a layout of its own, whatever was open before."""
        place = notebook.relative_to(self.root).as_posix()
        return f"{self.address}/lab/workspaces/{secrets.token_hex(4)}/tree/{place}?reset&token={self.token}"

    def end_kernels(self) -> None:
        """Shut down every kernel, as a person does in the panel of running kernels."""
        for kernel in self.ask("kernels"):
            self.ask(f"kernels/{kernel['id']}", method="DELETE")


@contextlib.contextmanager
def serving(studies: Path, *, home: Path, notebook: bool = False) -> Iterator[Server]:
    """Open JupyterLab on a folder of studies; afterwards no process of it is left.

    Args:
        notebook: open Jupyter Notebook instead.
        home: where its log goes, and the folders `config` and `runtime` that JUPYTER_CONFIG_DIR and
            JUPYTER_RUNTIME_DIR name.
    """
    silence_news(home / "config")
    token = secrets.token_hex(16)
    command = [PYTHON, "-m", "influencelab", "lab", "--studies", str(studies)]
    if notebook:
        command = [PYTHON, "-m", "notebook", f"--ServerApp.root_dir={studies.parent}"]
    # The page then holds `window.jupyterapp`, through which tests learn what the kernel does.
    exposed = f"--{'JupyterNotebookApp' if notebook else 'LabApp'}.expose_app_in_browser=True"
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", exposed]
    # Jupyter refuses to serve root unless it is told that this is meant.
    options += ["--allow-root"] if os.geteuid() == 0 else []
    log = home / f"jupyterlab-{token[:8]}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *options],
            # No node, wherever there is one.
            env=os.environ
            | {"JUPYTER_TOKEN": token, "PATH": str(Path(PYTHON).parent), "JUPYTER_PATH": str(home / FIRST)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = None
    try:
        address = answered(process, home / "runtime" / f"jpserver-{process.pid}.json", log)
        server = Server(address, token, studies.parent, process.pid)
        yield server
    finally:
        end(process, server)


def silence_news(config: Path) -> None:
    """Let JupyterLab neither ask about news nor look for newer versions."""
    settings = config / NEWS
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))


def answered(process: subprocess.Popen[bytes], told: Path, log: Path) -> str:
    """The address of a server that was just started, once it answers there.

    Args:
        told: the file in which it says its port.
        log: what it prints; shown if it does not come up.
    """
    last = time.monotonic() + START
    while time.monotonic() < last and process.poll() is None:
        # The file is there before it is written to its end, and the server before it answers.
        with contextlib.suppress(OSError, ValueError):
            address = f"http://127.0.0.1:{json.loads(told.read_text())['port']}"
            direct.open(f"{address}/api", timeout=5).close()
            return address
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not come up within {START} s. Its log ends:\n{log.read_text()[-3000:]}")


def end(process: subprocess.Popen[bytes], server: Server | None) -> None:
    """End a server, its kernels first; kernels lead sessions of their own, so its process group does not hold them."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    if server is not None:
        with contextlib.suppress(OSError):
            server.end_kernels()
    for kind, patience in PATIENCE.items():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    for child in psutil.wait_procs(children, timeout=5)[1]:
        child.kill()
