"""The panel's queue without a server: it outlives one, and refuses what cannot be."""

import os
import shutil
import time
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import LocalCluster
from journal import journal
from reports import published

from influencelab.app.lab import run as process
from influencelab.app.lab import runs
from influencelab.app.lab.catalogue import planned
from influencelab.app.lab.home import Home, home
from influencelab.app.lab.run import Run
from influencelab.app.lab.runs import Runs
from influencelab.app.pace import START, Pace
from influencelab.errors import Unavailable
from influencelab.experiments.store import Store
from influencelab.runner import json_file
from influencelab.runner.atomic_folder import RunProgress, read_progress, run_folder
from influencelab.runner.report_writer import STORE_FOLDER
from influencelab.runner.study import study

ROOT = Path(__file__).parents[2]
# Seconds. A tiny study takes four on two idle cores, and many times that on a busy machine.
PATIENCE = 600


def lone(tmp_path: Path) -> Home:
    """Folders of a server that is not there."""
    shutil.copytree(ROOT / "tests" / "support" / "notebooks", tmp_path / "studies")
    return home(tmp_path)


def seen(found: Runs, name: str, *states: str) -> dict[str, Any]:
    """One run, once it is in one of these states."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        run = next(run for run in found.described() if run["id"] == name)
        if run["state"] in states:
            return run
        time.sleep(0.3)
    raise AssertionError(run)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_new_server_finds_the_runs_of_the_old_one_and_goes_on_with_them(tmp_path: Path) -> None:
    folders = lone(tmp_path)
    first = Runs(folders, at_once=1)
    plans = [study(name, folder=folders.studies).plan("tiny") for name in ("slow", "fine", "failing")]
    slow, fine, failing = [first.add(plan, {}).id for plan in plans]
    seen(first, slow, "running")
    first.close()
    # The process is no child of the next server's, as after a restart.
    second = Runs(folders, at_once=1)
    try:
        assert [run["id"] for run in second.described()] == [failing, fine, slow]
        assert seen(second, slow, "running")["ended"] is None
        assert second.cancel(slow).state == "cancelled"
        assert seen(second, fine, "done", "failed")["state"] == "done"
        assert "the second line is wrong" in seen(second, failing, "done", "failed")["message"]
    finally:
        for run in second.described():
            second.cancel(run["id"])
        second.close()


def test_a_run_that_ended_while_the_server_was_away_is_judged_by_what_it_left(tmp_path: Path) -> None:
    folders = lone(tmp_path)
    records = folders.results / ".runs"
    began = time.time() - 5
    gone = {"started": began, "asked": began, "state": "running", "pid": 2**22 + 1, "born": began, "expected": 5.0}
    runs_kept = {
        name: Run(id=name, study=name, profile="tiny", changes={}, folder="tiny", **gone) for name in ("fine", "slow")
    }
    published(tmp_path)
    # One had run to its end, the other had published and was not done.
    published(tmp_path, name="slow")
    (folders.results / "fine" / "tiny" / "fine.ipynb").write_text("{}")
    for run in runs_kept.values():
        runs.keep(run, records)
    (records / "broken").mkdir()
    (records / "broken" / "run.json").write_text("{")
    found = Runs(folders, at_once=1)
    try:
        assert seen(found, "fine", "done", "failed")["state"] == "done"
        assert "while the server was away" in seen(found, "slow", "done", "failed")["message"]
    finally:
        found.close()


def test_what_another_server_holds_is_neither_judged_nor_started_until_it_is_left(tmp_path: Path) -> None:
    folders = lone(tmp_path)
    records = folders.results / ".runs"
    # As written in another container, where the numbers of processes are others.
    there = {"changes": {}, "folder": "tiny", "expected": 5.0, "server": f"{'0' * 12}.{os.getpid()}.1"}
    for name, state in (("fine", "running"), ("slow", "queued"), ("failing", "done")):
        run = Run(id=name, study=name, profile="tiny", asked=time.time(), state=state, pid=2**22 + 1, born=1.0, **there)
        runs.keep(run, records)
    before = {path: path.read_bytes() for path in records.glob("*/run.json")}
    found = Runs(folders, at_once=1)
    time.sleep(4 * runs.POLL)
    found.close()
    assert [run["id"] for run in found.described()] == ["failing"]
    assert {path: path.read_bytes() for path in records.glob("*/run.json")} == before
    long_ago = time.time() - 8 * 24 * 3600
    for path in (*before, *(path.parent for path in before)):
        os.utime(path, (long_ago, long_ago))
    assert list(process.kept(records)) == ["fine", "slow", "failing"]


def test_the_queue_of_a_server_that_is_gone_with_its_machine_is_taken_over_and_a_live_ones_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"changes": {}, "folder": "tiny", "expected": 5.0, "asked": 1.0, "server": f"{'0' * 12}.{os.getpid()}.1"}
    records = tmp_path / "results" / ".runs"
    for name, state in (("gone", "queued"), ("live", "queued"), ("running", "running")):
        runs.keep(Run(id=name, study="fine", profile="tiny", state=state, **there), records)
        before = time.time() - (0 if name == "live" else 2 * process.UNTOUCHED)
        for path in (records / name / "run.json", records / name):
            os.utime(path, (before, before))
    assert list(process.kept(records)) == ["gone"]
    # A live server shows that it is there.
    monkeypatch.setattr(process, "TOUCH", 0)
    found = Runs(lone(tmp_path), at_once=0)
    os.utime(records / "gone", (1.0, 1.0))
    until = time.monotonic() + PATIENCE
    while (records / "gone").stat().st_mtime == 1.0 and time.monotonic() < until:
        time.sleep(runs.POLL)
    found.close()
    assert (records / "gone").stat().st_mtime > time.time() - PATIENCE


def test_a_run_whose_record_cannot_be_written_is_not_queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = lone(tmp_path)
    found = Runs(folders, at_once=1)
    found.close()

    def full(run: Run, records: Path) -> None:
        (records / run.id).mkdir(parents=True)
        raise OSError("No space left on device")

    monkeypatch.setattr(runs, "keep", full)
    with pytest.raises(OSError, match="No space left"):
        found.add(study("fine", folder=folders.studies).plan("tiny"), {})
    assert found.described() == list((folders.results / ".runs").iterdir()) == []


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_record_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = lone(tmp_path)
    found = Runs(folders, at_once=1)
    first, second = [found.add(study("fine", folder=folders.studies).plan("tiny", size=size), {}).id for size in (3, 4)]
    full = iter([OSError("No space left on device")] * 2)

    def keep(run: Run, records: Path) -> None:
        for error in full:
            raise error
        kept_by(run, records)

    kept_by = runs.keep
    monkeypatch.setattr(runs, "keep", keep)
    try:
        for name in (first, second):
            assert seen(found, name, "done", "failed")["state"] == "done"
        assert next(full, None) is None
    finally:
        found.close()


@pytest.mark.slow
def test_what_was_started_while_a_run_was_being_ended_is_ended_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = lone(tmp_path)
    found = Runs(folders, at_once=1)
    run = found.add(study("slow", folder=folders.studies).plan("tiny"), {})
    note = folders.results / "worker.txt"
    last = time.monotonic() + PATIENCE
    while not (note.is_file() and note.read_text()) and time.monotonic() < last:
        time.sleep(0.1)
    worker = psutil.Process(int(note.read_text()))
    # As if its kernel had started it after the family was counted.
    family = process.family
    monkeypatch.setattr(process, "family", lambda first: [each for each in family(first) if each != worker])
    try:
        assert found.cancel(run.id).state == "cancelled"
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
        assert process.marked(run) == []
    finally:
        found.close()


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_process_that_ends_while_it_is_looked_at_is_judged_by_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = lone(tmp_path)
    found = Runs(folders, at_once=1)
    # As in the moment after its status was asked for.
    monkeypatch.setattr(process, "alive", lambda run: None)
    try:
        ended = seen(found, found.add(study("fine", folder=folders.studies).plan("tiny"), {}).id, "done", "failed")
        assert (ended["state"], ended["message"]) == ("done", "")
    finally:
        found.close()


def test_progress_may_be_read_while_its_run_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, runner = tmp_path / "tiny", os.getpid()
    read = json_file.read
    with run_folder(folder) as made:
        assert read_progress(folder, runner=runner) is None
        json_file.write(made / "progress.json", {"done": 1, "total": 2, "label": "numbers"})
        assert read_progress(folder, runner=runner) == RunProgress(1, 2, "numbers")

        def late(path: Path) -> dict[str, Any]:
            shutil.rmtree(made)
            return read(path)

        monkeypatch.setattr(json_file, "read", late)
        assert read_progress(folder, runner=runner) is None


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_run_goes_to_the_scheduler_that_it_is_given(tmp_path: Path) -> None:
    folders = lone(tmp_path)
    shutil.copy(ROOT / "studies" / "explore.ipynb", folders.studies)
    found = Runs(folders, at_once=1)
    # Its worker is a thread of this process, which has imported everything.
    here = {"processes": False, "protocol": "tcp", "host": "127.0.0.1"}
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, **here) as cluster:
        address = cluster.scheduler_address
        asked = {"study": "explore", "profile": "tiny", "parameters": {"scheduler": address}}
        try:
            run = found.add(*planned(asked, folders))
            assert run.changes == {"scheduler": address}
            ended = seen(found, run.id, "done", "failed")
            assert (ended["state"], ended["message"]) == ("done", "")
        finally:
            found.close()
        # All networks were trained there: the scheduler remembers what came back, and the worker's number is noted.
        done = {key for key, _, finish, *_ in cluster.scheduler.transition_log if finish == "memory"}
    notes = [note for note in journal(Store(folders.results / STORE_FOLDER)) if note.event == "finished"]
    assert len(done) >= len(notes) >= 2
    assert {note.process for note in notes} == {os.getpid()}


def test_a_study_that_starts_counting_anew_does_not_move_its_bar_back() -> None:
    said = [
        RunProgress(1, 4, "digits"),
        RunProgress(4, 4, "digits"),
        RunProgress(1, 5, "mnist"),
        RunProgress(5, 5, "mnist"),
    ]
    shown = list(accumulate(said, lambda before, now: runs.further(now, before)))
    assert [(each.fraction, each.label) for each in shown] == [
        *((0.25, "digits"), (1.0, "digits"), (1.0, "mnist"), (1.0, "mnist")),
    ]


def test_what_is_left_of_a_run_follows_its_pace_and_not_what_lay_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1026.0)
    run = Run("1", "fine", "tiny", {}, "tiny", 100.0, 1000.0, state="running", started=1000.0)
    # It has not begun to work after 26 s, where six are usual.
    assert runs.left(run, None) == pytest.approx(100 * 26 / START - 26)
    pace = Pace(run.expected, 1000.0)
    pace.report(0.4, 1006.0)
    pace.report(0.55, 1026.0)
    # It did a quarter of what it did not find in twenty seconds, and was expected to take 45 more.
    left = runs.left(run, pace)
    assert left is not None
    assert 45.0 < left < 60.0
    assert runs.left(replace(run, state="done"), pace) is None


def test_more_runs_than_may_wait_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "WAITING", 2)
    folders = lone(tmp_path)
    found = Runs(folders, at_once=1)
    found.close()
    plan = study("fine", folder=folders.studies).plan("tiny")
    for _ in range(2):
        found.add(plan, {})
    with pytest.raises(Unavailable, match="2 runs wait already"):
        found.add(plan, {})


def test_texts_lose_the_machine_and_keep_what_helps(tmp_path: Path) -> None:
    folders = lone(tmp_path)
    told = f"kept in {folders.results}/fine/tiny.failed.ipynb; see /usr/lib/python3/site.py, tcp://host:8786, 1/2"
    assert folders.clean(told) == "kept in results/fine/tiny.failed.ipynb; see …/site.py, tcp://host:8786, 1/2"
