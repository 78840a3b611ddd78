"""Many variations of a few trials: every arm at every setting, with every seed."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from influencelab.errors import InvalidParameter
from influencelab.experiments.job import Runnable
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_trials
from influencelab.experiments.trial import Outcome, Repeated, with_setting
from influencelab.recipe import Progress

__all__ = ["cells", "grid", "run_grid"]

Key = tuple[Any, ...]


def grid(arms: Mapping[str, Repeated], settings: Mapping[str, Sequence[Any]]) -> dict[Key, Repeated]:
    """Every arm at every combination of settings: `{("controlled", 4, 0.005, 0): trial, …}`.

    Args:
        arms: trials by name, the first part of each key.
        settings: values of settings such as `task.depth`, in the order in which they follow in the key; `seed` last.

    Raises:
        InvalidParameter: there is nothing to vary, or an arm has no such setting.
    """
    if not arms or not settings or not all(settings.values()):
        raise InvalidParameter("a grid needs an arm, a setting, and a value of each setting.")
    found: dict[Key, Repeated] = {}
    for arm, trial in arms.items():
        for values in itertools.product(*settings.values()):
            varied = trial
            for setting, value in zip(settings, values, strict=True):
                varied = with_setting(varied, setting, value)
            found[arm, *values] = varied
    return found


def run_grid(
    trials: Mapping[Any, Runnable],
    *,
    store: Store | Path,
    workers: int = 1,
    scheduler: str = "",
    device: str = "cpu",
    progress: Progress | None = None,
) -> dict[Any, Outcome]:
    """The outcome of every trial by its key or name, as one sweep; the arguments are those of `run_trials`."""
    outcomes = run_trials(
        list(trials.values()), store=store, workers=workers, scheduler=scheduler, device=device, progress=progress
    )
    return dict(zip(trials, outcomes, strict=True))


def cells(outcomes: Mapping[Key, Outcome]) -> dict[Key, list[Outcome]]:
    """The outcomes of each setting, one a seed, in the order of the seeds: the last part of a key is dropped."""
    found: dict[Key, list[Outcome]] = {}
    for key, outcome in outcomes.items():
        found.setdefault(key[:-1], []).append(outcome)
    return found
