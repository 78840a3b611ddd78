"""One run that was asked for in the panel, and its record on disk."""

import contextlib
import dataclasses
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from influencelab.runner import json_file
from influencelab.runner.study import Plan

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Run:
    """One run of one study.

    Attributes:
        id: its name, and that of its folder among the records.
        study: what runs.
        profile: at which size.
        changes: parameters that differ from the profile's, as the command line takes them.
        folder: the name of the results folder it writes, such as `tiny-1a2b3c4d`.
        expected: how many seconds it should take.
        asked: when it was asked for, in seconds since 1970, like all times here.
        state: `queued`, `running`, `done`, `failed` or `cancelled`.
        started: when its process began; None before.
        ended: when that was over; None before.
        pid: the process's number, which is also its group's; None before.
        born: when the system says that process began, which tells it from a later one of its number.
        message: why it failed.
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


def new(plan: Plan, changes: Mapping[str, str]) -> Run:
    """A run of a plan, not yet begun."""
    now = time.time()
    name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(4)}"
    return Run(
        name, plan.study.name, plan.profile.name, dict(changes), plan.folder.name, float(plan.profile.seconds), now
    )


def keep(run: Run, records: Path) -> None:
    """Write a run's record, in a folder of its own."""
    (records / run.id).mkdir(parents=True, exist_ok=True)
    json_file.write(records / run.id / "run.json", dataclasses.asdict(run))


def kept(records: Path) -> dict[str, Run]:
    """Every run on record, in the order in which they were asked for; what cannot be read is left alone."""
    found, record = [], TypeAdapter(Run)
    for path in records.glob("*/run.json"):
        with contextlib.suppress(ValueError, OSError):
            run = record.validate_json(path.read_bytes())
            found += [run] if run.id == path.parent.name else []
    return {run.id: run for run in sorted(found, key=lambda run: (run.asked, run.id))}


def log(run: Run, records: Path) -> Path:
    """The file that holds what a run printed."""
    return records / run.id / "log.txt"
