"""The panel's queue without a server: it outlives one, and refuses what cannot be."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from published import published

from influencelab.errors import InvalidParameter, Unavailable
from influencelab.lab import runs
from influencelab.lab.home import Home, home
from influencelab.lab.run import Run
from influencelab.lab.runs import Runs
from influencelab.study import study

ROOT = Path(__file__).parent.parent
# Seconds. A tiny study takes four on two idle cores.
PATIENCE = 120


def lone(tmp_path: Path) -> Home:
    """Folders of a server that is not there."""
    shutil.copytree(ROOT / "tests" / "notebooks", tmp_path / "studies")
    return home(tmp_path)


def seen(found: Runs, name: str, *states: str) -> dict[str, Any]:
    """One run, once it is in one of these states."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        run = next(run for run in found.described() if run["id"] == name)
        if run["state"] in states:
            return run
        time.sleep(0.1)
    raise AssertionError(run)


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
    with pytest.raises(InvalidParameter, match="at least 1"):
        Runs(folders, at_once=0)


def test_texts_lose_the_machine_and_keep_what_helps(tmp_path: Path) -> None:
    folders = lone(tmp_path)
    told = f"kept in {folders.results}/fine/tiny.failed.ipynb; see /usr/lib/python3/site.py, tcp://host:8786, 1/2"
    assert folders.clean(told) == "kept in results/fine/tiny.failed.ipynb; see …/site.py, tcp://host:8786, 1/2"
