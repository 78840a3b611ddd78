"""Sweep of many trials: run in parallel, stored as they finish, never run twice."""

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import joblib
from tqdm import tqdm

from influencelab.data.dataset import usable
from influencelab.errors import InvalidParameter, MissingData, require
from influencelab.experiments.code_version import VERSIONS, data_version, recipe_version
from influencelab.experiments.job import Job, Runnable, run_cluster, run_processes, run_serial
from influencelab.experiments.outcome import Outcome, outcome_of
from influencelab.experiments.store import Entry, Store
from influencelab.recipe import Progress, counted, fingerprint, kind_name, stage, unheard
from influencelab.runner.cluster import connected
from influencelab.runner.signals import stopped_by_signals

__all__ = ["run_grid", "run_trials", "with_available_data"]

Executor = Callable[[Sequence[Job]], Iterator[tuple[str, bool]]]
# How often to look whether a trial that another run is at was stored there, in seconds.
POLL = 0.5
# File of a store that remembers what the code was found to be.
BAR = "{desc}{bar} {elapsed} gone, {remaining} to go"


def run_trials(
    trials: Sequence[Runnable],
    *,
    store: Store | Path | str,
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
        store: or its folder; a finished trial is stored under the hash of its recipe, of the code that computes it, the
            user's own kinds included, and of the data of sources of the user's own.
        workers: processes on this machine, 0 for one a core; each uses one thread.
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
    require(trials, Iterable, what="trials", cure="Give a list: [trial].")
    trials = list(trials)
    for trial in trials:
        require(
            trial, Runnable, what="a trial", cure="Make one: il.Trial(source, task, trainer, {'exact': il.Exact()})."
        )
    folder: Any = store.folder if isinstance(store, Store) else store
    shared = Store(Store(folder).folder.resolve())
    jobs = jobs_of(trials, shared, device=device)
    found = {job.key: shared.find(job.key) for job in jobs}
    pending = {job.key: job for job in jobs if found[job.key] is None}
    left = Counter(job.key for job in jobs if job.key in pending)
    with progress_bar(left, trials=len(jobs), progress=progress) as shown:
        if pending:
            processes = workers or joblib.cpu_count()
            moved = partial(stage, shown, 0)
            with (
                stopped_by_signals(),
                executor(processes, scheduler, device=device, progress=lambda key: moved(left[key])) as execute,
            ):
                run_pending(pending, execute=execute, left=left, shown=shown)
    return [stored(job, found[job.key]) for job in jobs]


def jobs_of(trials: Iterable[Runnable], store: Store, *, device: str) -> list[Job]:
    """A job for each trial, by the key under which its outcome is stored."""
    jobs, known = [], {}
    for trial in trials:
        version, data = recipe_version(trial, memory=store.folder / VERSIONS), data_version(trial, known)
        address = (trial, version, device, data) if data else (trial, version, device)
        jobs.append(Job(fingerprint(address), trial, store, device, version))
    return jobs


def stored(job: Job, found: Entry | None) -> Outcome:
    """The outcome of a job that was found before, or is done now."""
    entry = found or job.store.find(job.key)
    if entry is None:
        raise MissingData(f"{job.store.path(job.key)} was removed or damaged while the sweep ran. Run it again.")
    return outcome_of(entry)


def run_grid(trials: Mapping[Any, Runnable], *, store: Store | Path | str, **computing: Any) -> dict[Any, Outcome]:
    """The outcome of every trial by its key or name, as one sweep; the arguments are those of `run_trials`."""
    return dict(zip(trials, run_trials(list(trials.values()), store=store, **computing), strict=True))


@contextmanager
def progress_bar(left: Counter[str], *, trials: int, progress: Progress | None) -> Iterator[Progress]:
    """Bar of text and callback over so many trials, of which each key in `left` stands for so many that are not done.

    Both move when called with how many trials the running job has done, fractions allowed. The bar goes away at the
    end: a widget in a saved notebook would be a row of broken links.
    """
    # Trials found in the store say nothing of the pace; and jobs end in bunches, so the pace is the mean one.
    pace: Any = {"initial": trials - left.total(), "mininterval": 1, "smoothing": 0}
    with tqdm(total=trials, file=sys.stdout, bar_format=BAR, leave=False, disable=not left, **pace) as bar:

        def show(done: float, total: float = 1.0, label: str = "") -> None:  # noqa: ARG001 - what calls it gives shares
            now = trials - left.total() + done
            bar.set_description(counted(now, trials, "trials") if trials > 1 else "one trial", refresh=False)
            bar.update(now - bar.n)
            # Of one trial, its own steps say more than its share.
            (progress or unheard)(now, trials, "trials" if trials > 1 else label or "one trial")

        show(0)
        yield show


@contextmanager
def executor(workers: int, scheduler: str, *, device: str, progress: Callable[[str], Progress]) -> Iterator[Executor]:
    """Executor of the jobs: this process, several of this machine, or a cluster."""
    if scheduler:
        with closing(connected(scheduler)) as client:
            yield partial(run_cluster, client=client)
        return
    usable(device)
    yield partial(run_serial, progress=progress) if workers == 1 else partial(run_processes, workers=workers)


def run_pending(pending: dict[str, Job], *, execute: Executor, left: Counter[str], shown: Progress) -> None:
    """Run these jobs; poll those locked by another process until their results appear or the lock is released."""
    while pending:
        for key, done in execute(list(pending.values())):
            if done:
                del pending[key], left[key]
                shown(0)
        if pending:
            time.sleep(POLL)


def with_available_data(trials: Mapping[Any, Any], *, optional: bool) -> dict[Any, Any]:
    """The trials, or other recipes of one source, whose data can be had, fetched now if need be, by their keys.

    Optional ones whose data cannot be had are left out, with a warning; of others that is a MissingData error.
    """
    found = {}
    for key, trial in trials.items():
        try:
            trial.source.load()
        except MissingData as error:
            if not optional:
                raise
            warnings.warn(f"A trial on {kind_name(trial.source)} is left out: {error}", stacklevel=2)
        else:
            found[key] = trial
    return found
