"""A sweep that is killed goes on where it was, two sweeps at once share the work, and no trial is finished twice."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from long_sweep import COUNT, SECONDS, assert_each_done_once, begin, finished, result, under_way, uninterrupted, until

from influencelab.experiments.store import Store

KILLS = 10


def kill(running: subprocess.Popen[str], *, group: bool) -> None:
    """SIGKILL to the process alone, whose workers then live on for a while, or to all of them."""
    if group:
        os.killpg(running.pid, signal.SIGKILL)
    else:
        running.kill()
    running.wait()
    # Not read to its end: workers that live on hold the other one.
    running.stdout.close()


def killed_and_resumed(folder: Path, *, kills: int, count: int, seconds: float, workers: int) -> tuple[str, int]:
    """Kill the sweep at moments spread over its progress, start it again each time, and let the last one end.

    Returns:
        The table of the last one, and how many trials were under way whenever one was killed.
    """
    store, groups, torn = Store(folder), [], 0
    try:
        for number in range(1, kills + 1):
            running = begin(folder, count=count, seconds=seconds, workers=workers)
            groups.append(running)
            goal = number * count // (kills + 1)
            assert until(lambda goal=goal: len(finished(store)) >= goal and bool(under_way(store)), running)
            # Another part of a trial each time.
            time.sleep(seconds * number / (kills + 1))
            torn += len(under_way(store))
            kill(running, group=number % 2 == 0)
        running = begin(folder, count=count, seconds=seconds, workers=workers)
        groups.append(running)
        return result(running), torn
    finally:
        for each in groups:
            # Workers that outlived theirs.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_sweep_killed_ten_times_gives_the_table_of_one_that_was_not(tmp_path: Path) -> None:
    """By two processes."""
    count, folder = COUNT, tmp_path / "killed"
    table, torn = killed_and_resumed(folder, kills=KILLS, count=count, seconds=SECONDS, workers=2)
    assert len(table.splitlines()) == len(set(table.splitlines())) == count
    assert table == uninterrupted(tmp_path / "whole", count=count)
    store = Store(folder)
    assert_each_done_once(store, count=count, killed=2 * KILLS)
    assert sum(note.seconds for note in store.journal()) >= 60
    begun = sum(note.event == "begun" for note in store.journal())
    assert torn >= KILLS
    # Only what was torn apart was begun again.
    assert count < begun <= count + torn
    lines = len(store.journal())
    assert result(begin(folder, count=count, seconds=SECONDS, workers=2)) == table
    assert len(store.journal()) == lines


@pytest.mark.slow
def test_two_runs_at_once_on_one_store_share_the_work(tmp_path: Path) -> None:
    count, folder = 12, tmp_path / "shared"
    both = [begin(folder, count=count, seconds=0.5, workers=workers) for workers in (1, 2)]
    tables = [result(running) for running in both]
    assert tables[0] == tables[1] == uninterrupted(tmp_path / "whole", count=count)
    store = Store(folder)
    assert_each_done_once(store, count=count)
    assert sum(note.event == "begun" for note in store.journal()) == count
    assert len({note.process for note in store.journal()}) >= 2


def test_a_trial_that_another_run_is_killed_at_is_taken_over(tmp_path: Path) -> None:
    """The second run waits for the only trial, which the first one never finishes."""
    folder = tmp_path / "shared"
    first = begin(folder, count=1, seconds=600)
    assert until(lambda: bool(under_way(Store(folder))), first)
    second = begin(folder, count=1, seconds=600)
    time.sleep(4)
    assert second.poll() is None
    assert [note.process for note in Store(folder).journal()] == [first.pid]
    kill(first, group=False)
    assert until(lambda: under_way(Store(folder)) and set(under_way(Store(folder)).values()) == {second.pid}, second)
    kill(second, group=False)
