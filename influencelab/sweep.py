"""Many trials as jobs: run in parallel, kept as they finish, never done twice."""

import ast
import hashlib
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import joblib
import numpy
import sklearn
import torch
from tqdm import tqdm

from influencelab.errors import InvalidParameter, MissingData
from influencelab.noun import fingerprint, kind_name
from influencelab.store import Store
from influencelab.trial import Outcome, Trial, outcome_of

Progress = Callable[[float, float, str], None]
BAR = "{percentage:3.0f}% of {total} trials {bar} {elapsed} gone, {remaining} to go"
# The folders and files whose code decides what a trial's numbers are.
COMPUTING = (
    "arrays",
    "block_conjugate_gradient",
    "chord",
    "curvature",
    "dataset",
    "datasets",
    "derivatives",
    "estimator",
    "estimators",
    "fitting",
    "idx",
    "leverage",
    "linear",
    "line_search",
    "minibatch",
    "output_loss",
    "output_losses",
    "power_iteration",
    "removals",
    "retrainer",
    "retrainers",
    "selection",
    "selections",
    "task",
    "tasks",
    "trainer",
    "trainers",
    "trial",
)


def run_trials(
    trials: Sequence[Trial],
    *,
    store: Store,
    workers: int = 1,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Outcome]:
    """The outcome of each trial, in their order; those the store already has are not run again.

    Args:
        trials: what to run.
        store: where each finished trial is kept, under the hash of its recipe and of the code that computes it.
        workers: processes; with more than one, each uses one thread.
        device: where the tensors of the trials live.
        progress: called with (trials done, trials in all, what is being done); fractions while one is running.

    Raises:
        InvalidParameter: workers < 1.
        MissingData: an outcome was taken from the store while the sweep ran.
    """
    if workers < 1:
        raise InvalidParameter(f"workers is {workers}, expected 1 or more processes.")
    keys = [fingerprint((trial, code_version(), device)) for trial in trials]
    missing = {key: trial for key, trial in zip(keys, trials, strict=True) if store.find(key) is None}
    # A bar of text that goes away: a widget in a saved notebook would be a row of broken links.
    with tqdm(
        total=len(trials), file=sys.stdout, bar_format=BAR, leave=False, mininterval=1, disable=not missing
    ) as bar:
        done_before = len(trials) - len(missing)

        def tell(done: float) -> None:
            bar.update(done_before + done - bar.n)
            if progress is not None:
                progress(done_before + done, len(trials), "trials")

        tell(0.0)
        if workers == 1:
            for count, (key, trial) in enumerate(missing.items()):
                finish(
                    key, trial, store=store, device=device, progress=lambda share, before=count: tell(before + share)
                )
        else:
            calls = (
                joblib.delayed(finish_alone)(key, trial, store=store, device=device) for key, trial in missing.items()
            )
            finished = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")(calls)
            for count, _ in enumerate(finished, start=1):
                tell(float(count))
    return [kept(store, key) for key in keys]


def kept(store: Store, key: str) -> Outcome:
    """The outcome that was just kept.

    Raises:
        MissingData: it was taken away or damaged since.
    """
    entry = store.find(key)
    if entry is None:
        raise MissingData(f"{store.path(key)} was removed or damaged while the sweep ran. Run it again.")
    return outcome_of(entry)


def within_reach(trials: Sequence[Trial], *, optional: bool) -> list[Trial]:
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


def finish(
    key: str, trial: Trial, *, store: Store, device: str, progress: Callable[[float], None] | None = None
) -> None:
    """Run one trial and keep it before anything more is said of it."""
    store.keep(key, trial.run(device=device, progress=progress).entry())


def finish_alone(key: str, trial: Trial, *, store: Store, device: str) -> None:
    """The same in a worker process, on one thread."""
    torch.set_num_threads(1)
    finish(key, trial, store=store, device=device)


@cache
def code_version() -> str:
    """A hash of the code that computes trials, blind to comments, docstrings and layout."""
    package = Path(__file__).parent
    files = [path for name in COMPUTING for path in (package / f"{name}.py", *sorted((package / name).glob("*.py")))]
    digest = hashlib.sha256(" ".join((torch.__version__, numpy.__version__, sklearn.__version__)).encode())
    for path in files:
        if path.is_file():
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(ast.dump(without_docstrings(ast.parse(path.read_text()))).encode())
    return digest.hexdigest()


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The same code with every string that stands alone taken out."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [line for line in body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
            node.body = kept or [ast.Pass()]  # pyright: ignore[reportAttributeAccessIssue]
    return tree
