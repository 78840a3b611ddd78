"""The same sweep on a cluster: the same table, also when a worker dies; and a cluster that is not there is an error."""

import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster, utils
from gated_sweep import (
    Fatal,
    assert_each_done_once,
    begin,
    open_gates,
    result,
    table,
    trials,
    under_way,
    undisturbed,
    until,
)
from journal import journal

from influencelab.errors import InvalidParameter, Unavailable
from influencelab.experiments.code_version import recipe_version
from influencelab.experiments.job import Job, finish_remote, run_cluster
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_trials
from influencelab.runner import cluster as clusters
from influencelab.runner.cluster import connected

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a scheduler with two worker processes of one thread each.

    They are forked from one that is warm, as each would else import everything anew, and anew after every death.
    """
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SUPPORT), str(SUPPORT.parents[1])]))
    monkeypatch.setattr(utils, "_forkserver_preload_set", True)
    multiprocessing.set_forkserver_preload(["distributed.nanny", "warm_worker"])
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local,
    ):
        yield local.scheduler_address


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_cluster_gives_the_same_table_with_one_worker_killed_midway(tmp_path: Path, scheduler: str) -> None:
    """It is killed at a trial that cannot end, while the other worker is held at another."""
    count, store, gates = 6, Store(tmp_path / "cluster"), tmp_path / "gates"
    running = begin(store.folder, count=count, gates=gates, scheduler=scheduler)
    assert until(lambda: len(set(under_way(store).values())) == 2, running)
    key, process = list(under_way(store).items())[-1]
    os.kill(process, signal.SIGKILL)
    open_gates(gates, range(count))
    assert result(running) == undisturbed(count)
    assert_each_done_once(store, count=count, killed=1)
    # What the dead one was at was done by another, and nothing else was begun twice.
    begun = [note for note in journal(store) if note.event == "begun"]
    first, *_, last = [note.process for note in begun if note.key == key]
    assert first == process != last
    assert len(begun) == count + 1


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_trial_that_ends_every_worker_is_given_up_and_the_rest_is_kept(tmp_path: Path, scheduler: str) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    easy, hard = (gated.trial for gated in trials(2))
    with pytest.raises(Unavailable, match="One trial ended every worker"):
        run_trials([Fatal(hard, str(marks), deaths=99)], store=Store(tmp_path / "store"), scheduler=scheduler)
    assert len(list(marks.iterdir())) >= 2
    assert len(run_trials([easy], store=Store(tmp_path / "store"), scheduler=scheduler)) == 1


@pytest.mark.parametrize(
    "address", ["nonsense", "127.0.0.1:8786", "tcp://127.0.0.1", "http://127.0.0.1:80", "tcp://:1"]
)
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(InvalidParameter, match="expected an address such as tcp://"):
        run_trials(trials(1), store=Store(tmp_path), scheduler=address)


def test_a_scheduler_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (f"tcp://127.0.0.1:{port}", "tcp://nowhere.invalid:8786", "tcp://127.0.0.1:99999"):
        with pytest.raises(Unavailable, match=f"No scheduler answers at {address}.*dask worker"):
            run_trials(trials(1), store=Store(tmp_path), scheduler=address)
    assert journal(Store(tmp_path)) == []


def test_what_the_store_has_needs_no_scheduler(tmp_path: Path) -> None:
    found = run_trials(trials(1), store=Store(tmp_path))
    again = run_trials(trials(1), store=Store(tmp_path), scheduler="tcp://nowhere.invalid:8786")
    assert table(found) == table(again)


def test_a_scheduler_without_workers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "TIMEOUT", 10.0)
    with (
        LocalCluster(n_workers=0, processes=True, dashboard_address=None) as local,
        pytest.raises(Unavailable, match=r"has no workers\. Start some: `dask worker tcp://"),
    ):
        connected(local.scheduler_address)


@pytest.mark.parametrize("words", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_somebody_else_at_that_address_is_no_scheduler(monkeypatch: pytest.MonkeyPatch, words: bytes) -> None:
    monkeypatch.setattr(clusters, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        answered = pool.submit(lambda: answer(server, words))
        with pytest.raises(Unavailable, match="No scheduler answers"):
            connected(address)
        answered.result().close()


def answer(server: socket.socket, words: bytes) -> socket.socket:
    """Take a call and say something."""
    line, _ = server.accept()
    line.sendall(words)
    return line


def test_without_dask_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Unavailable, match=r"pip install 'influencelab\[cluster\]'"):
        connected("tcp://127.0.0.1:8786")


# A machine of a cluster that does not see the store's folder.
def job(folder: Path, version: str | None = None) -> Job:
    trial = trials(1)[0]
    return Job("ab" * 32, trial, store=Store(folder), device="cpu", version=version or recipe_version(trial))


def test_what_is_done_out_of_sight_of_the_store_is_sent_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, seen = job(tmp_path / "here"), job(tmp_path / "seen")
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        assert list(run_cluster([seen], client=client)) == [(seen.key, True)]
        # The worker is a thread of this process: it sees what this one does.
        monkeypatch.setattr(os, "access", lambda *_: False)
        assert list(run_cluster([here], client=client)) == [(here.key, True)]
    assert [note.event for note in journal(here.store)] == ["received"]
    assert [note.event for note in journal(seen.store)] == ["begun", "finished"]
    one, two = here.store.find(here.key), seen.store.find(seen.key)
    # Equal bits are the promise: the same code on the same arrays, by one thread each.
    assert all((one.arrays[name] == two.arrays[name]).all() for name in two.arrays)


def test_a_worker_with_other_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="runs another version"):
        finish_remote(job(tmp_path, version="another"))
    assert journal(Store(tmp_path)) == []
