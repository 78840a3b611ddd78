"""A small study that the command line runs, and what must hold whatever befalls it, at whatever moment."""

import json
import os
import re
import resource
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from influencelab.runner.owner import OWNER
from influencelab.runner.owner import place as own_place
from influencelab.runner.report import load
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "influencelab"]
# The variable by which all that an incident started, and what that started in turn, is known again.
MARK = "CHAOS_MARK"
# What a run may leave beside reports: folders that the next run clears, the copy of a failed run, finished work.
LEFT = re.compile(rf"\.tiny\.(run|writing|replaced)\.{OWNER}.*|tiny\.failed\.ipynb")
# How long what was started may take to end, in seconds, on a busy machine.
PATIENCE = 30
# Two worker processes, steps that are kept, a table, a figure, pairs; and nothing that takes long to load.
CELLS = (
    ("markdown", "# Does it survive?", ()),
    ("raw", "tiny: {expected: {seconds: 5, memory_gb: 0.2}}", ("profiles",)),
    ("code", 'profile: str = "tiny"  # which size\nresults: str = ""  # where results go', ("parameters",)),
    (
        "code",
        """import time
from pathlib import Path

import joblib
import pandas
from matplotlib.figure import Figure

from influencelab.runner import json_file
from influencelab.runner.report_writer import start_report
from influencelab.statistics.measurement import Measurement

draft = start_report("chaos", globals())


def step(number, store):
    kept = Path(store) / f"step_{number}.json"
    if not kept.is_file():
        time.sleep(0.2)
        kept.parent.mkdir(parents=True, exist_ok=True)
        json_file.write(kept, {"square": number**2, "filling": "x" * 20_000})
    return json_file.read(kept)["square"]""",
        (),
    ),
    (
        "code",
        """jobs = [joblib.delayed(step)(number, str(draft.store)) for number in range(8)]
squares = []
for square in joblib.Parallel(n_jobs=2, batch_size=1, return_as="generator")(jobs):
    squares.append(square)
    draft.progress(len(squares), 9, "steps")""",
        (),
    ),
    (
        "code",
        """draft.number(Measurement(float(sum(squares)), n=len(squares)), statistic="sum")
draft.pairs(pandas.DataFrame({"predicted": squares, "actual": squares}))
figure = Figure(figsize=(2, 2))
figure.subplots().plot(squares)
draft.figure("line", figure)
report = draft.publish(seeds=[0])""",
        (),
    ),
)


@dataclass(frozen=True)
class Place:
    """Folders of one incident: a study, and results that hold two earlier reports, one of that study."""

    studies: Path
    results: Path
    before: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, negative for a signal, and what it said on the error stream."""

    status: int
    said: str


def prepared(folder: Path) -> Place:
    """A place where both reports stand."""
    studies, results = folder / "studies", folder / "results"
    studies.mkdir(parents=True)
    cells: list[dict[str, Any]] = [
        {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": list(tags)}, "source": text}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for number, (kind, text, tags) in enumerate(CELLS)
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (studies / "chaos.ipynb").write_text(json.dumps(book), encoding="utf-8")
    for study in ("chaos", "other"):
        draft = ReportWriter(study, folder=results / study / "tiny", parameters={})
        draft.number(Measurement(1.0), statistic="earlier")
        draft.publish()
    return Place(studies, results, contents(results))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of the reports below a folder and what is in it."""
    files = [path for path in folder.glob("*/tiny/**/*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def start(
    place: Place,
    mark: str,
    *,
    environment: Mapping[str, str | None] | None = None,
    prefix: tuple[str, ...] = (),
    largest_file: int | None = None,
    studies: tuple[str, ...] = ("chaos",),
) -> subprocess.Popen[bytes]:
    """Run the study, or copies of it, by the command line, in a session of its own, as a terminal would."""
    given: dict[str, str | None] = {**os.environ, "PYTHONPATH": str(ROOT), MARK: mark, **(environment or {})}
    where = ["--profile", "tiny", "--studies", str(place.studies), "--results", str(place.results)]

    def prepare() -> None:
        # Where the tests run in the background of a shell, Ctrl-C is ignored, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return subprocess.Popen(
        [*prefix, *COMMAND, "run", *studies, *where],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=place.studies.parent,
        env={name: value for name, value in given.items() if value is not None},
        start_new_session=True,
        preexec_fn=prepare,
    )


def ended(process: subprocess.Popen[bytes]) -> Ended:
    """Wait for the end of a command."""
    _, said = process.communicate(timeout=600)
    return Ended(process.returncode, said.decode(errors="replace"))


def alive(mark: str) -> list[psutil.Process]:
    """Every process that was started under this mark and still runs."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def words(process: psutil.Process) -> str:
    """What it was started with; nothing of one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def check_nothing_runs(mark: str) -> None:
    """All that was started under this mark has ended, or does soon."""
    until = time.monotonic() + PATIENCE
    while (left := alive(mark)) and time.monotonic() < until:
        time.sleep(0.1)
    commands = [words(process)[-100:] for process in left]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert commands == []


def check_words(end: Ended) -> None:
    """A failure is told in one line that says what to do; a process that was killed says nothing."""
    if end.said.rstrip().endswith("KeyboardInterrupt") and "/app/cli/" not in end.said:
        return  # Ctrl-C while Python itself was starting
    assert "Traceback" not in end.said, end.said
    lines = [line for line in end.said.splitlines() if line.strip()]
    if end.status > 0:
        assert len(lines) == 1, end.said
        assert lines[0].startswith(("influencelab: ", "FAILED ")), end.said


def check_results(place: Place) -> bool:
    """Every report is whole, earlier or new, and nothing else lies there but what the next run clears.

    Returns whether the report of the study is a new one.
    """
    now = contents(place.results)
    other = {name for name in place.before if name.startswith("other/")}
    assert {name: now.get(name) for name in other} == {name: place.before[name] for name in other}
    strange = [path.name for path in place.results.glob("*/*") if path.name != "tiny" and not LEFT.fullmatch(path.name)]
    foreign = [name for name in strange if not name.startswith("step_")]
    assert foreign == [], foreign
    aside = list(place.results.glob("chaos/.tiny.replaced.*"))
    if not (place.results / "chaos" / "tiny").exists():
        assert len(aside) == 1
        load(aside[0])
        return False
    report = load(place.results / "chaos" / "tiny")
    mine = {name: content for name, content in place.before.items() if name.startswith("chaos/")}
    new = "sum" in report.numbers()
    assert new or {name: now[name] for name in now if name.startswith("chaos/")} == mine
    return new


def check_again(place: Place, *, strangers: bool = False) -> None:
    """The next run goes to its end and leaves nothing but reports, and what may be another machine's."""
    mark = secrets.token_hex(8)
    end = ended(start(place, mark))
    assert (end.status, end.said.strip()) == (0, "")
    check_nothing_runs(mark)
    assert check_results(place)
    left = {path.name for path in (place.results / "chaos").iterdir()} - {"tiny"}
    assert strangers or left == set()
    assert not any(own_place() in name for name in left)
    assert load(place.results / "chaos" / "tiny").numbers()["sum"].value == sum(number**2 for number in range(8))
