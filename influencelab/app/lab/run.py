"""One run that was asked for in the panel: its record on disk, and its process.

That is started without a shell, found again by the next server, and ended with all its children.
"""

import contextlib
import dataclasses
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from pydantic import TypeAdapter

from influencelab.app.lab.home import Home
from influencelab.runner import json_file
from influencelab.runner.atomic_folder import RunProgress, read_progress
from influencelab.runner.owner import ABANDONED, abandoned, owner

State = Literal["queued", "running", "done", "failed", "cancelled"]
# How long a process may take to stop by itself, in seconds, before it is ended.
GRACE = 5
# How often a server touches what waits in its queue, and how long that is untouched where the server is gone, as after
# a restart of its machine, in seconds.
TOUCH, UNTOUCHED = 60, 600
# The variable by which all that a run started, and what that started in turn, is known again.
MARK = "INFLUENCELAB_RUN"


@dataclass(frozen=True)
class Run:
    """One run of one study, in a state and, if it failed, with a message why.

    What differs from its profile is in `changes`, as the command line takes them; it writes the results folder
    `folder`, such as `tiny-1a2b3c4d`. It should take the seconds `expected`; times are in seconds since 1970. Its
    process is known by its number `pid`, which is also its group's, and by when the system says that it began (`born`),
    which tells it from a later one of its number. Its server is known by its owner's name (`runner.owner`). None stands
    for what is not yet so.
    """

    id: str
    study: str
    profile: str
    changes: dict[str, str]
    folder: str
    expected: float
    asked: float
    state: State = "queued"
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    born: float | None = None
    message: str = ""
    server: str = ""


def keep(run: Run, records: Path) -> None:
    """Write a run's record, in a folder of its own."""
    (records / run.id).mkdir(parents=True, exist_ok=True)
    json_file.write(records / run.id / "run.json", dataclasses.asdict(run))


def kept(records: Path) -> dict[str, Run]:
    """The runs on record, in the order in which they were asked for; what cannot be read is left alone.

    So is what waits or runs at another server, which may be on another machine or in another container, unless it is
    gone.
    """
    found, record, ours = [], TypeAdapter(Run), ("", owner(os.getpid()))
    for path in records.glob("*/run.json"):
        with contextlib.suppress(ValueError, OSError):
            run = record.validate_json(path.read_bytes())
            mine = run.state not in ("queued", "running") or run.server in ours
            patience = UNTOUCHED if run.state == "queued" else ABANDONED
            if run.id == path.parent.name and (mine or abandoned(path.parent, run.server, after=patience)):
                found.append(run)
    return {run.id: run for run in sorted(found, key=lambda run: (run.asked, run.id))}


def log(run: Run, records: Path) -> Path:
    """The file that holds what a run printed."""
    return records / run.id / "log.txt"


def command(run: Run, home: Home) -> list[str]:
    """Command line of a run in this interpreter, every value an argument of its own."""
    changes = [word for name, value in run.changes.items() for word in ("-p", f"{name}={value}")]
    where = ["--studies", str(home.studies), "--results", str(home.results), "--profile", run.profile]
    # Not the working folder's modules, whatever lies there.
    return [sys.executable, "-P", "-m", "influencelab", "run", *where, *changes, "--", run.study]


def alive(run: Run) -> psutil.Process | None:
    """The process of a run, if it still is that and still works."""
    if run.pid is None or run.born is None:
        return None
    try:
        process = psutil.Process(run.pid)
        works = process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - run.born) < 1
        return process if works else None
    except psutil.Error:  # there is none, or it is somebody else's by now
        return None


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that it started: the kernel, which leads a session of its own, and its workers."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def end(run: Run) -> None:
    """End a run's process group and all that it started: asked first, so that it can clear up, and then killed."""
    process = alive(run)
    if process is None:
        return
    members = family(process)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        psutil.wait_procs([process], timeout=GRACE)
    while members:
        for member in members:
            # It knows whether its number belongs to another process by now.
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(members, timeout=GRACE)
        # Its kernel may have started something in the meantime, which is nobody's child by now.
        members = marked(run)


def marked(run: Run) -> list[psutil.Process]:
    """Every process that carries the mark of a run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == run.id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def progress(run: Run, home: Home) -> RunProgress | None:
    """Progress of the notebook of a run; None before its first report."""
    process = alive(run)
    return read_progress(home.results / run.study / run.folder, runner=process.pid) if process else None


def tail(log: Path, *, lines: int) -> list[str]:
    """The last lines of a log that are not empty."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return [line for line in text.splitlines() if line.strip()][-lines:]


def reason(log: Path, code: int | None) -> str:
    """Reason why a run failed, from the end of its log and its exit status.

    The status is negative for a signal, and None where the server was away when the process ended.
    """
    printed = tail(log, lines=200)
    ends = [number for number, line in enumerate(printed) if line.startswith(("FAILED ", "influencelab: "))]
    if ends:
        return "\n".join(printed[ends[-1] :]).removeprefix("FAILED ").removeprefix("influencelab: ")[:2000]
    if code is None:
        return "It was ended early while the server was away. Run it again."
    if code < 0:
        return f"It was ended by signal {-code} (killed, or out of memory?). Try a smaller profile."
    return f"It ended with status {code}. {printed[-1][:500] if printed else 'It printed nothing.'}"
