"""One trial of a sweep as work that any process can do and only one does, and the three places to do it."""

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import joblib

from influencelab.errors import LostDigits, NotSolved, Unavailable
from influencelab.experiments.code_version import recipe_version
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.store import Entry, Store, to_bytes
from influencelab.recipe import Progress
from influencelab.threads import OF_A_TRIAL, now, one_thread

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
        if ours and job.store.find(job.key) is None:
            job.store.note("begun", job.key)
            began = time.perf_counter()
            job.store.keep(job.key, entry_of(job, progress=progress))
            job.store.note("finished", job.key, seconds=time.perf_counter() - began)
        return ours


@one_thread(of=OF_A_TRIAL)
def entry_of(job: Job, *, progress: Progress | None = None) -> Entry:
    """The outcome of a job as it is stored, found on one thread wherever it runs: its bits depend on no place.

    Warnings of solves that did not end and of rounding are facts of it, as their residuals are, and not printed.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        entry = job.recipe.run(device=job.device, progress=progress).entry()
    said = {each for each in heard if issubclass(each.category, (NotSolved, LostDigits))}
    for each in heard:
        if each not in said:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return replace(entry, facts=entry.facts | {"threads": now(), "warnings": sorted({str(w.message) for w in said})})


def run_serial(jobs: Sequence[Job], *, progress: Callable[[str], Progress]) -> Iterator[tuple[str, bool]]:
    """Finish jobs one after the other in this process, each with the progress of its key."""
    for job in jobs:
        yield job.key, finish(job, progress=progress(job.key))


def run_processes(jobs: Sequence[Job], *, workers: int) -> Iterator[tuple[str, bool]]:
    """Finish jobs in processes of this machine; one that dies is replaced, a few times."""
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
    """Finish a job in a worker process."""
    return job.key, finish(job)


def run_cluster(jobs: Sequence[Job], *, client: Any) -> Iterator[tuple[str, bool]]:
    """Finish jobs on a cluster, whose machines may or may not see the store's folder; those of one that dies elsewhere.

    A job that ended every worker that tried it is an Unavailable error.
    """
    from distributed import KilledWorker, as_completed

    store = jobs[0].store
    # A worker that shares this file system must find the folder.
    store.folder.mkdir(parents=True, exist_ok=True)
    try:
        # Not pure: a call that is repeated is done again.
        for future in as_completed(client.map(finish_remote, jobs, pure=False), loop=client.loop):
            key, content = future.result()
            if content and store.find(key) is None:
                with store.lock(key):
                    store.put(key, content)
                    store.note("received", key)
            yield key, bool(content)
    except KilledWorker as error:
        raise Unavailable(
            "One trial ended every worker that tried it (out of memory?). Start workers with more memory, or make "
            "the trial smaller."
        ) from error


def finish_remote(job: Job) -> tuple[str, bytes]:
    """Finish a job on a machine of a cluster; the key, and the bytes of the stored entry.

    The bytes are sent since the store may be on another file system; there are none while another process is at it.
    Other code is refused, since its numbers do not belong under this key.
    """
    if recipe_version(job.recipe) != job.version:
        raise Unavailable(
            "A worker of the cluster runs another version of influencelab, torch, numpy or scikit-learn than this "
            "process. Install the same ones there, and start its workers again."
        )
    if os.access(job.store.folder, os.W_OK):
        return job.key, job.store.path(job.key).read_bytes() if finish(job) else b""
    return job.key, to_bytes(entry_of(job))
