"""One trial of a sweep as work that any process can do and only one does, and the three places to do it."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import joblib
import torch

from influencelab.errors import Unavailable
from influencelab.experiments.cluster import ClusterMap
from influencelab.experiments.code_version import recipe_version
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.store import Store, to_bytes
from influencelab.recipe import Progress

# How often worker processes may die (killed, or out of memory) before a sweep gives up.
DEATHS = 3
# Its declared types know neither numbers as batch sizes nor generators.
PARALLEL: Any = joblib.Parallel


@runtime_checkable
class Runnable(Protocol):
    """Work that a sweep repeats: a `Trial`, or another recipe whose settings say everything about its outcome."""

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Do the work; `progress` is called with the share done, 0 … 1."""
        ...


@dataclass(frozen=True)
class Job:
    """One piece of work, with its address in a store and the version of the code that must do it.

    The store is the same for all jobs of a sweep, and its folder absolute, as other processes may work elsewhere.
    """

    key: str
    recipe: Runnable
    store: Store
    device: str
    version: str


def finish(job: Job, *, progress: Progress | None = None) -> bool:
    """Run the trial and store its result under the key's lock; false where another process holds that."""
    with job.store.lock(job.key) as ours:
        if ours and not job.store.holds(job.key):
            job.store.note("begun", job.key)
            began = time.perf_counter()
            job.store.keep(job.key, job.recipe.run(device=job.device, progress=progress).entry())
            job.store.note("finished", job.key, seconds=time.perf_counter() - began)
        return ours


def run_serial(jobs: Sequence[Job], *, progress: Callable[[str], Progress]) -> Iterator[tuple[str, bool]]:
    """Finish jobs one after the other in this process, each with the progress of its key."""
    for job in jobs:
        yield job.key, finish(job, progress=progress(job.key))


def run_processes(jobs: Sequence[Job], *, workers: int) -> Iterator[tuple[str, bool]]:
    """Finish jobs in processes of this machine, a thread each; one that dies is replaced, a few times."""
    pending = {job.key: job for job in jobs}
    for deaths in range(DEATHS + 1):
        calls = [joblib.delayed(finish_alone)(job) for job in pending.values()]
        # One at a time: a bunch that ends together moves no bar, and a killed run would lose more.
        try:
            for key, done in PARALLEL(n_jobs=workers, batch_size=1, return_as="generator_unordered")(calls):
                del pending[key]
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


def run_cluster(jobs: Sequence[Job], *, cluster_map: ClusterMap) -> Iterator[tuple[str, bool]]:
    """Finish jobs on a cluster, whose machines may or may not see the store's folder."""
    store = jobs[0].store
    # A worker that shares this file system must find the folder.
    store.folder.mkdir(parents=True, exist_ok=True)
    for key, content in cluster_map(finish_remote, jobs):
        if content and not store.holds(key):
            with store.lock(key):
                store.put(key, content)
                store.note("received", key)
        yield key, bool(content)


def finish_remote(job: Job) -> tuple[str, bytes]:
    """Finish a job on a machine of a cluster, on one thread; the key, and the bytes of the stored entry.

    The bytes are sent since the store may be on another file system; there are none while another process is at it.

    Raises:
        Unavailable: the code there is another, so its numbers do not belong under this key.
    """
    if recipe_version(job.recipe) != job.version:
        raise Unavailable(
            "A worker of the cluster runs another version of influencelab, torch, numpy or scikit-learn than this "
            "process. Install the same ones there, and start its workers again."
        )
    torch.set_num_threads(1)
    if os.access(job.store.folder, os.W_OK):
        return job.key, job.store.path(job.key).read_bytes() if finish(job) else b""
    return job.key, to_bytes(job.recipe.run(device=job.device).entry())
