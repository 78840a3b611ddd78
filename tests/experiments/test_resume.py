"""A sweep that is killed goes on where it was, two sweeps at once share the work, and no trial is finished twice."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from gated_sweep import (
    PATIENCE,
    assert_each_done_once,
    begin,
    finished,
    open_gates,
    result,
    under_way,
    undisturbed,
    until,
)
from journal import journal

from influencelab.experiments.store import Store

Sweep = Callable[..., subprocess.Popen[str]]


def kill(running: subprocess.Popen[str], *, group: bool) -> None:
    """SIGKILL to the process alone, whose workers then live on for a while, or to all of them."""
    if group:
        os.killpg(running.pid, signal.SIGKILL)
    else:
        running.kill()
    running.wait()
    # Not read to its end: workers that live on hold the other one.
    running.stdout.close()


def own(running: subprocess.Popen[str], store: Store) -> list[int]:
    """The processes of a sweep that are at a trial; workers that outlived an earlier one are not among them."""
    found = []
    for process in under_way(store).values():
        with contextlib.suppress(ProcessLookupError):
            found += [process] * (os.getpgid(process) == running.pid)
    return found


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Sweep]:
    """Starts a sweep that waits at gates; whatever is left of any is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*, count: int, workers: int = 1) -> subprocess.Popen[str]:
        running.append(begin(tmp_path / "store", count=count, gates=tmp_path / "gates", workers=workers))
        return running[-1]

    yield start
    for each in running:
        # Workers outlive theirs.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.pid, signal.SIGKILL)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_sweep_killed_again_and_again_gives_the_table_of_one_that_was_not(tmp_path: Path, sweep: Sweep) -> None:
    """By two processes, once without its workers and once with them, while trials are under way that cannot end."""
    count, kills, torn, store = 9, 2, 0, Store(tmp_path / "store")
    for number in range(1, kills + 1):
        goal = number * count // (kills + 1)
        open_gates(tmp_path / "gates", range(goal))
        running = sweep(count=count, workers=2)
        assert until(lambda goal=goal, run=running: len(finished(store)) >= goal and bool(own(run, store)), running)
        torn += len(own(running, store))
        kill(running, group=number % 2 == 0)
    open_gates(tmp_path / "gates", range(count))
    table = result(sweep(count=count, workers=2))
    assert table == undisturbed(count)
    assert len(set(table.splitlines())) == count
    assert_each_done_once(store, count=count, killed=2 * kills)
    begun = sum(note.event == "begun" for note in journal(store))
    assert torn >= kills
    # Only what was torn apart was begun again.
    assert count < begun <= count + torn
    lines = len(journal(store))
    assert result(sweep(count=count)) == table
    assert len(journal(store)) == lines


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.exhaustive)],
    ids=lambda each: each.name,
)
def test_a_signal_ends_the_workers_too(tmp_path: Path, sweep: Sweep, sent: signal.Signals) -> None:
    """Both are held at a trial that cannot end."""
    store = Store(tmp_path / "store")
    running = sweep(count=4, workers=2)
    assert until(lambda: len(own(running, store)) == 2, running)
    workers = [psutil.Process(number) for number in own(running, store)]
    running.send_signal(sent)
    assert running.wait() == 128 + sent
    gone, _ = psutil.wait_procs(workers, timeout=PATIENCE)
    assert len(gone) == 2
    assert not list(store.folder.rglob(".*"))


@pytest.mark.exhaustive
@pytest.mark.slow
def test_two_runs_at_once_on_one_store_share_the_work(tmp_path: Path, sweep: Sweep) -> None:
    """The second one begins while the first is held at its first trial."""
    count, store, both = 6, Store(tmp_path / "store"), []
    for place in range(2):
        both.append(sweep(count=count))
        assert until(lambda place=place: len(under_way(store)) == place + 1, both[place])
    assert set(under_way(store).values()) == {running.pid for running in both}
    open_gates(tmp_path / "gates", range(count))
    assert [result(running) for running in both] == [undisturbed(count)] * 2
    assert_each_done_once(store, count=count)
    assert sum(note.event == "begun" for note in journal(store)) == count
    assert len({note.process for note in journal(store)}) == 2


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_trial_that_another_run_is_killed_at_is_taken_over(tmp_path: Path, sweep: Sweep) -> None:
    """The first run never finishes its first trial; the second one does the other and waits for that one."""
    store, gates = Store(tmp_path / "store"), tmp_path / "gates"
    open_gates(gates, [1])
    first = sweep(count=2)
    assert until(lambda: bool(under_way(store)), first)
    second = sweep(count=2)
    assert until(lambda: bool(finished(store)), second)
    assert second.poll() is None
    assert set(under_way(store).values()) == {first.pid}
    kill(first, group=False)
    assert until(lambda: set(under_way(store).values()) == {second.pid}, second)
    open_gates(gates, [0])
    assert result(second) == undisturbed(2)
