"""One trial of a sweep as work that any process can do and only one does, and the three places to do it."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import joblib
import torch

from influencelab.errors import Unavailable
from influencelab.experiments.cluster import Spread
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.store import Store, packed
from influencelab.recipe import Recipe

# How often worker processes may die (killed, or out of memory) before a sweep gives up.
DEATHS = 3
# Its declared types know neither numbers as batch sizes nor generators.
PARALLEL: Any = joblib.Parallel


@runtime_checkable
class Runnable(Protocol):
    """What a sweep repeats: a `Trial`, or another frozen noun whose settings say everything about its outcome."""

    def run(self, *, device: str = "cpu", progress: Callable[[float], None] | None = None) -> Outcome:
        """Do the work; `progress` is called with the share done, 0 … 1."""
        ...


@dataclass(frozen=True)
class Job(Recipe):
    """One piece of work.

    Attributes:
        key: its address in the store.
        recipe: what to run.
        store: where it is kept; an absolute folder, as other processes may work elsewhere.
        device: where the tensors live.
        version: of the code that must do it.
    """

    key: str
    recipe: Runnable
    store: Store
    device: str
    version: str


def finish(job: Job, *, progress: Callable[[float], None] | None = None) -> bool:
    """Do the work and keep it before anything more is said of it, unless that was done before.

    Returns:
        Whether it is kept now; if not, another process is at it.
    """
    with job.store.turn(job.key) as ours:
        if ours and not job.store.holds(job.key):
            job.store.note("begun", job.key)
            began = time.perf_counter()
            job.store.keep(job.key, job.recipe.run(device=job.device, progress=progress).entry())
            job.store.note("finished", job.key, seconds=time.perf_counter() - began)
        return ours


def run_serial(jobs: Sequence[Job], *, during: Callable[[str, float], None]) -> Iterator[tuple[str, bool]]:
    """Finish jobs one after the other in this process; `during` hears how far each is."""
    for job in jobs:
        yield job.key, finish(job, progress=lambda share, key=job.key: during(key, share))


def run_processes(jobs: Sequence[Job], *, workers: int) -> Iterator[tuple[str, bool]]:
    """Finish jobs in processes of this machine, a thread each; one that dies is replaced.

    Raises:
        Unavailable: processes died again and again.
    """
    left = {job.key: job for job in jobs}
    for deaths in range(DEATHS + 1):
        calls = [joblib.delayed(finish_alone)(job) for job in left.values()]
        # One at a time: a bunch that ends together moves no bar, and a killed run would lose more.
        try:
            for key, done in PARALLEL(n_jobs=workers, batch_size=1, return_as="generator_unordered")(calls):
                del left[key]
                yield key, done
            return
        except BrokenProcessPool as error:
            if deaths == DEATHS:
                raise Unavailable(
                    f"Worker processes were killed {deaths + 1} times (out of memory?). What was finished is kept: run "
                    f"it again with fewer than {workers} workers."
                ) from error


def finish_alone(job: Job) -> tuple[str, bool]:
    """Finish a job in a worker process, on one thread."""
    torch.set_num_threads(1)
    return job.key, finish(job)


def run_cluster(
    jobs: Sequence[Job], *, spread: Spread, version: Callable[[Runnable], str]
) -> Iterator[tuple[str, bool]]:
    """Finish jobs on a cluster, whose machines may or may not see the store's folder.

    Args:
        jobs: what to finish.
        spread: how to call a function on many things there.
        version: finds the version of the code that runs a recipe there.
    """
    stores = {job.key: job.store for job in jobs}
    for store in stores.values():
        # Whoever sees the folder must find it.
        store.folder.mkdir(parents=True, exist_ok=True)
    for key, content in spread(partial(finish_remote, version=version), jobs):
        store = stores[key]
        if content and not store.holds(key):
            with store.turn(key):
                store.put(key, content)
                store.note("received", key)
        yield key, bool(content)


def finish_remote(job: Job, *, version: Callable[[Runnable], str]) -> tuple[str, bytes]:
    """Finish a job on a machine of a cluster, on one thread, and send back what was kept.

    Returns:
        The key, and the bytes of the entry, since the store may be out of sight there; none while another process is
        at it.

    Raises:
        Unavailable: the code there is another, so its numbers do not belong under this key.
    """
    if version(job.recipe) != job.version:
        raise Unavailable(
            "A worker of the cluster runs another version of influencelab, torch, numpy or scikit-learn than this "
            "process. Install the same ones there, and start its workers again."
        )
    torch.set_num_threads(1)
    if os.access(job.store.folder, os.W_OK):
        return job.key, job.store.path(job.key).read_bytes() if finish(job) else b""
    return job.key, packed(job.recipe.run(device=job.device).entry())
