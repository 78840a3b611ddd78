"""Many trials as jobs: run in parallel, kept as they finish, never done twice."""

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

import joblib

from influencelab.data.dataset import usable
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter, MissingData
from influencelab.experiments.cluster import cluster
from influencelab.experiments.code_version import recipe_version
from influencelab.experiments.job import Job, Runnable, run_cluster, run_processes, run_serial
from influencelab.experiments.progress import Progress, SweepProgress
from influencelab.experiments.store import Store
from influencelab.experiments.trial import Outcome, outcome_of
from influencelab.recipe import fingerprint, kind_name

__all__ = ["run_trials", "with_available_data"]


@runtime_checkable
class Sourced(Protocol):
    """A recipe of one data set."""

    @property
    def source(self) -> Source:
        """Where its data come from."""
        ...


Kind = TypeVar("Kind", bound=Sourced)
Team = Callable[[Sequence[Job]], Iterator[tuple[str, bool]]]
# How long to leave a trial alone that another run is at, in seconds.
PAUSE = 0.5


def run_trials(
    trials: Sequence[Runnable],
    *,
    store: Store,
    workers: int = 1,
    scheduler: str = "",
    device: str = "cpu",
    weights: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """The outcome of each trial, in their order; those the store already has are not run again.

    Several runs may share a store: each does what no other is doing, and all end with every outcome. A run that was
    killed holds up nobody.

    Args:
        trials: what to run.
        store: where each finished trial is kept, under the hash of its recipe and of the code that computes it.
        workers: processes on this machine, 0 for one a core; with more than one, each uses one thread.
        scheduler: the address of a dask scheduler, such as `tcp://10.0.0.1:8786`, whose workers then do the work.
        device: where the tensors of the trials live.
        weights: how long each trial takes compared with the others, for the time to go; the same unless given.
        progress: called with (trials done, trials in all, what is being done); fractions while one is running.

    Raises:
        InvalidParameter: workers < 0, weights that are no positive numbers, one a trial, or no address.
        Unavailable: no such device, no scheduler there, or workers that keep dying.
        MissingData: an outcome was taken from the store while the sweep ran.
    """
    if workers < 0:
        raise InvalidParameter(f"workers is {workers}, expected 1 or more processes, or 0 for one a core.")
    versions = [recipe_version(trial) for trial in trials]
    keys = [fingerprint((trial, version, device)) for trial, version in zip(trials, versions, strict=True)]
    shared = Store(store.folder.resolve())
    jobs = {
        key: Job(key, trial, store=shared, device=device, version=version)
        for key, trial, version in zip(keys, trials, versions, strict=True)
    }
    left = {key: job for key, job in jobs.items() if shared.find(key) is None}
    shares = dict.fromkeys(keys, 0.0)
    for key, share in zip(keys, trial_shares(weights, len(trials)), strict=True):
        shares[key] += share
    with SweepProgress({key: shares[key] for key in left}, total=len(trials), progress=progress) as tally:
        if left:
            with executor(workers or joblib.cpu_count(), scheduler, device=device, tally=tally) as finished:
                run_pending(left, finished=finished, tally=tally)
    return [load_result(shared, key) for key in keys]


def trial_shares(weights: Sequence[float] | None, count: int) -> list[float]:
    """What each trial is of the whole, in trials: their weights, scaled to a mean of 1."""
    if weights is None:
        return [1.0] * count
    if len(weights) != count or not all(0 < weight < math.inf for weight in weights):
        raise InvalidParameter(f"weights are {list(weights)}, expected {count} positive numbers, one a trial.")
    return [weight * count / sum(weights) for weight in weights]


@contextmanager
def executor(workers: int, scheduler: str, *, device: str, tally: SweepProgress) -> Iterator[Team]:
    """Who does the jobs: this process, several of this machine, or a cluster."""
    if scheduler:
        with cluster(scheduler) as spread:
            yield lambda jobs: run_cluster(jobs, spread=spread, version=recipe_version)
        return
    usable(device)
    yield partial(run_serial, during=tally.update) if workers == 1 else partial(run_processes, workers=workers)


def run_pending(left: Mapping[str, Job], *, finished: Team, tally: SweepProgress) -> None:
    """Finish these jobs; those that another run is at are looked at again until they are kept or given up there."""
    while left:
        busy = {}
        for key, done in finished(list(left.values())):
            if done:
                tally.finished(key)
            else:
                busy[key] = left[key]
        left = busy
        if left:
            time.sleep(PAUSE)


def load_result(store: Store, key: str) -> Outcome:
    """The outcome that was just kept.

    Raises:
        MissingData: it was taken away or damaged since.
    """
    entry = store.find(key)
    if entry is None:
        raise MissingData(f"{store.path(key)} was removed or damaged while the sweep ran. Run it again.")
    return outcome_of(entry)


def with_available_data(trials: Sequence[Kind], *, optional: bool) -> list[Kind]:
    """The trials whose data can be had, fetched now if need be.

    Args:
        trials: what is to be run.
        optional: leave out, with a warning, those whose data cannot be had; otherwise that is an error.

    Raises:
        MissingData: some data cannot be had and the trials are not optional.
    """
    found = []
    for trial in trials:
        try:
            trial.source.load()
        except MissingData as error:
            if not optional:
                raise
            warnings.warn(f"A trial on {kind_name(trial.source)} is left out: {error}", stacklevel=2)
            continue
        found.append(trial)
    return found
