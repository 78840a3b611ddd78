"""Queue of the panel's runs: a few at once, the others waiting, all recorded on disk."""

import contextlib
import os
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from influencelab.app.lab import run as process
from influencelab.app.lab.home import Home
from influencelab.app.lab.run import Run, keep, kept, log
from influencelab.app.pace import Pace
from influencelab.errors import Unavailable, unknown
from influencelab.runner.atomic_folder import RunProgress
from influencelab.runner.owner import owner
from influencelab.runner.study import Plan

# Where records are, in the folder of results; a hidden one, so that it is no study's.
RECORDS = ".runs"
# How often processes are polled, in seconds.
POLL = 0.3
# How many runs may wait, and how many that are over are remembered.
WAITING, REMEMBERED = 100, 50
# How many lines of its log a run shows.
LINES = 40


class Runs:
    """Every run: those on record, and those that are added. It changes by nature, like any handle on processes.

    A thread starts what waits, so many `at_once`, and notices what is over, so that closing the page changes nothing.
    What runs outlives the server, and is known again by the next one.
    """

    def __init__(self, home: Home, *, at_once: int) -> None:
        self.home, self.at_once = home, at_once
        self._records = home.results / RECORDS
        self._owner = owner(os.getpid())
        self._held = kept(self._records)
        for run in [run for run in self._held.values() if run.state in ("queued", "running")]:
            with contextlib.suppress(OSError):
                self._keep(run)
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._progress: dict[str, RunProgress] = {}
        self._paces: dict[str, Pace] = {}
        self._ending: set[str] = set()
        self._lock = threading.RLock()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="influencelab-runs", daemon=True).start()

    def add(self, plan: Plan, changes: Mapping[str, str]) -> Run:
        """Put a run at the end of the queue; an Unavailable error where too many wait already."""
        with self._lock:
            waiting = sum(run.state == "queued" for run in self._held.values())
            if waiting >= WAITING:
                raise Unavailable(f"{waiting} runs wait already, and no more may. Cancel some, or come back later.")
            over = [run.id for run in self._held.values() if run.state not in ("queued", "running")]
            for oldest in over[: max(len(over) - REMEMBERED, 0)]:
                del self._held[oldest]
                self._progress.pop(oldest, None)
                self._paces.pop(oldest, None)
                shutil.rmtree(Path(self._records, oldest), ignore_errors=True)
            name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
            size, place = plan.profile, plan.folder
            run = Run(name, plan.study.name, size.name, dict(changes), place.name, float(size.seconds), time.time())
            try:
                return self._keep(run)
            except OSError:
                # Whoever asked is told, and asks again.
                del self._held[name]
                shutil.rmtree(Path(self._records, name), ignore_errors=True)
                raise

    def described(self) -> list[dict[str, Any]]:
        """Descriptions of all runs, the newest first."""
        with self._lock:
            held = list(self._held.values())
        ahead = {name: place for place, name in enumerate(run.id for run in held if run.state == "queued")}
        return [self.describe(run) | {"ahead": ahead.get(run.id)} for run in reversed(held)]

    def describe(self, run: Run) -> dict[str, Any]:
        """Description of one run, without names of the machine."""
        progress = self._progress.get(run.id)
        fraction = 1.0 if run.state == "done" else progress.fraction if progress else None
        lines = process.tail(log(run, self._records), lines=LINES) if run.state in ("running", "failed") else []
        ran = self.home.results / run.study / f"{run.folder}.failed.ipynb"
        return {
            **{name: value for name, value in vars(run).items() if name not in ("pid", "born", "server")},
            "message": self.home.clean(run.message),
            "fraction": fraction,
            "label": progress.text if progress and run.state == "running" else "",
            "left": left(run, self._paces.get(run.id)),
            "log": [self.home.clean(line) for line in lines],
            "ran": self.home.shown(ran) if run.state == "failed" else None,
            "ending": run.id in self._ending,
            "passed": time.time() - run.started if run.started and run.state == "running" else None,
        }

    def cancel(self, name: str) -> Run:
        """End a run, or take it out of the queue; one that is over stays as it is."""
        with self._lock:
            if name not in self._held:
                raise unknown("run", name, list(self._held)[-5:])
            run = self._held[name]
            if run.state == "queued":
                return self._keep(replace(run, state="cancelled", ended=time.time()))
            if run.state != "running" or name in self._ending:
                return run
            self._ending.add(name)
        # Outside the lock: it may take seconds.
        process.end(run)
        with self._lock:
            self._ending.discard(name)
            self._started.pop(name, None)
            return self._keep(replace(run, state="cancelled", ended=time.time()))

    def close(self) -> None:
        """Start nothing more; what runs goes on."""
        self._closed.set()

    def _watch(self) -> None:
        """Poll every process until the server ends."""
        touched = 0.0
        while not self._closed.wait(POLL):
            if time.monotonic() - touched > process.TOUCH:
                touched = time.monotonic()
                self._touch()
            # A record that cannot be written, on a full disk for example, stops neither this run nor the others.
            with self._lock, contextlib.suppress(OSError):
                for run in [run for run in self._held.values() if run.state == "running"]:
                    self._look(run)
                self._start_next()

    def _touch(self) -> None:
        """Show other servers that this one is there, for whatever waits."""
        with self._lock, contextlib.suppress(OSError):
            for run in [run for run in self._held.values() if run.state == "queued"]:
                os.utime(self._records / run.id)

    def _look(self, run: Run) -> None:
        """Read the progress of a run, or record its end."""
        if run.id in self._ending:
            return
        started = self._started.get(run.id)
        code = started.poll() if started else None
        # A child of ours is over when its status is there; seen from outside it may be over a moment earlier.
        going = code is None if started else process.alive(run) is not None
        if going:
            now = process.progress(run, self.home)
            if now is not None:
                self._progress[run.id] = further(now, self._progress.get(run.id))
                self._paces.setdefault(run.id, Pace(run.expected, run.started or time.time())).report(
                    now.fraction, time.time()
                )
            return
        self._started.pop(run.id, None)
        # Put beside a report when all has run; the report itself may be there before that.
        executed = self.home.results / run.study / run.folder / f"{run.study}.ipynb"
        done = code == 0 if started else executed.is_file() and executed.stat().st_mtime >= (run.started or 0.0)
        message = "" if done else process.reason(log(run, self._records), code)
        self._keep(replace(run, state="done" if done else "failed", ended=time.time(), message=message))

    def _start_next(self) -> None:
        """Start waiting runs while there is room; two that write the same folder run one after the other."""
        places = {(run.study, run.folder) for run in self._held.values() if run.state == "running"}
        for run in [run for run in self._held.values() if run.state == "queued"]:
            if len(places) >= self.at_once:
                return
            if (run.study, run.folder) not in places:
                places.add((run.study, run.folder))
                self._start(run)

    def _start(self, run: Run) -> None:
        """Start one run."""
        began = time.time()
        try:
            with log(run, self._records).open("wb") as out:
                # In a session and process group of its own, which outlives the server, and without a shell.
                child = subprocess.Popen(
                    process.command(run, self.home),
                    cwd=self.home.studies.parent,
                    env=os.environ | {process.MARK: run.id},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            born = psutil.Process(child.pid).create_time()
        except (OSError, psutil.Error) as error:
            message = f"Its process could not be started: {error}"
            self._keep(replace(run, state="failed", started=began, ended=began, message=message))
            return
        self._started[run.id] = child
        self._keep(replace(run, state="running", started=began, pid=child.pid, born=born))

    def _keep(self, run: Run) -> Run:
        """Record a run of this server as it is now, in memory and on disk."""
        self._held[run.id] = run = replace(run, server=self._owner)
        keep(run, self._records)
        return run


def further(now: RunProgress, before: RunProgress | None) -> RunProgress:
    """Progress of a run that never moves back, also where its study starts counting anew."""
    return replace(before, label=now.label) if before is not None and now.fraction < before.fraction else now


def left(run: Run, pace: Pace | None) -> float | None:
    """Seconds that a run will still take, by its pace or else as expected; None unless it runs."""
    if run.state != "running" or run.started is None:
        return None
    pace = pace or Pace(run.expected, run.started)
    return pace.seconds_left(time.time(), speed=pace.slowness(time.time()))
