"""Sweep of many trials: run in parallel, stored as they finish, never run twice."""

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import joblib

from influencelab.data.dataset import usable
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter, MissingData
from influencelab.experiments.cluster import cluster
from influencelab.experiments.code_version import recipe_version
from influencelab.experiments.job import Job, Runnable, run_cluster, run_processes, run_serial
from influencelab.experiments.outcome import Outcome, outcome_of
from influencelab.experiments.progress import SweepProgress
from influencelab.experiments.store import Store
from influencelab.recipe import Progress, fingerprint, kind_name

__all__ = ["run_trials", "with_available_data"]


@runtime_checkable
class Sourced(Protocol):
    """A recipe of one data set."""

    @property
    def source(self) -> Source:
        """The source of its data."""
        ...


Kind = TypeVar("Kind", bound=Sourced)
Executor = Callable[[Sequence[Job]], Iterator[tuple[str, bool]]]
# How often to look whether a trial that another run is at was stored there, in seconds.
POLL = 0.5


def run_trials(
    trials: Sequence[Runnable],
    *,
    store: Store | Path,
    workers: int = 1,
    scheduler: str = "",
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Outcome]:
    """The outcome of each trial, in their order; those the store already has are not run again.

    Several runs may share a store: each does what no other is doing, and all end with every outcome. A killed run
    blocks no other.

    Args:
        trials: what to run.
        store: or its folder; a finished trial is stored under the hash of its recipe and of the code that computes it.
        workers: processes on this machine, 0 for one a core; with more than one, each uses one thread.
        scheduler: the address of a dask scheduler, such as `tcp://10.0.0.1:8786`, whose workers then do the work.
        device: where the tensors of the trials live.
        progress: called with (trials done, trials in all, what is being done); fractions while one is running.

    Raises:
        InvalidParameter: workers < 0, or no address.
        Unavailable: no such device, no scheduler there, or workers that keep dying.
        MissingData: an outcome was removed from the store while the sweep ran.
    """
    if workers < 0:
        raise InvalidParameter(f"workers is {workers}, expected 1 or more processes, or 0 for one a core.")
    versions = [recipe_version(trial) for trial in trials]
    keys = [fingerprint((trial, version, device)) for trial, version in zip(trials, versions, strict=True)]
    shared = Store(Store.at(store).folder.resolve())
    jobs = {
        key: Job(key, trial, store=shared, device=device, version=version)
        for key, trial, version in zip(keys, trials, versions, strict=True)
    }
    pending = {key: job for key, job in jobs.items() if shared.find(key) is None}
    waiting = Counter(key for key in keys if key in pending)
    with SweepProgress(waiting, total=len(trials), progress=progress) as shown:
        if pending:
            with executor(workers or joblib.cpu_count(), scheduler, device=device, progress=shown) as execute:
                run_pending(pending, execute=execute, progress=shown)
    return [load_result(shared, key) for key in keys]


@contextmanager
def executor(workers: int, scheduler: str, *, device: str, progress: SweepProgress) -> Iterator[Executor]:
    """Executor of the jobs: this process, several of this machine, or a cluster."""
    if scheduler:
        with cluster(scheduler) as cluster_map:
            yield lambda jobs: run_cluster(jobs, cluster_map=cluster_map, version=recipe_version)
        return
    usable(device)
    yield partial(run_serial, update=progress.update) if workers == 1 else partial(run_processes, workers=workers)


def run_pending(pending: Mapping[str, Job], *, execute: Executor, progress: SweepProgress) -> None:
    """Run these jobs; poll those locked by another process until their results appear or the lock is released."""
    while pending:
        locked = {}
        for key, done in execute(list(pending.values())):
            if done:
                progress.finished(key)
            else:
                locked[key] = pending[key]
        pending = locked
        if pending:
            time.sleep(POLL)


def load_result(store: Store, key: str) -> Outcome:
    """The outcome that was just stored; a MissingData error where it was removed or damaged since."""
    entry = store.find(key)
    if entry is None:
        raise MissingData(f"{store.path(key)} was removed or damaged while the sweep ran. Run it again.")
    return outcome_of(entry)


def with_available_data(trials: Mapping[Any, Kind], *, optional: bool) -> dict[Any, Kind]:
    """The trials whose data can be had, fetched now if need be, by their keys.

    Args:
        trials: what is to be run.
        optional: leave out, with a warning, those whose data cannot be had; otherwise that is an error.

    Raises:
        MissingData: some data cannot be had and the trials are not optional.
    """
    found = {}
    for key, trial in trials.items():
        try:
            trial.source.load()
        except MissingData as error:
            if not optional:
                raise
            warnings.warn(f"A trial on {kind_name(trial.source)} is left out: {error}", stacklevel=2)
            continue
        found[key] = trial
    return found
