"""Protocols of retraining by the fit's own trainer, and trials repeated with other starts and orders of batches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from influencelab.experiments.grid import Key, grid, with_setting
from influencelab.experiments.trial import Trial
from influencelab.influence.retrainers.rerun import Rerun

__all__ = ["seeded_trials"]

# Where retraining starts, and whether all models see the batches of the fit or each draws its own.
PROTOCOLS = {"paired": ("cold", True), "unpaired": ("cold", False), "warm": ("warm", True)}


def seeded_trials(
    arms: Mapping[str, Trial], settings: Mapping[str, Sequence[Any]], *, seeds: int, protocols: Iterable[str]
) -> dict[Key, Trial]:
    """Every arm at every combination of settings, once a seed, which draws both the start and the order of the batches.

    The targets are retraining by these protocols, keys of `PROTOCOLS`, for as many steps as the fit took; so many seeds
    (0, 1, …) are the last part of each key.

    Raises:
        InvalidParameter: a trial has no such setting, or a trainer that draws no batches.
    """
    trials = {}
    for key, trial in grid(arms, {**settings, "seed": range(seeds)}).items():
        trainer, targets = with_setting(trial.trainer, "seed", key[-1]), {}
        for name in protocols:
            start, paired = PROTOCOLS[name]
            targets[name] = Rerun(trainer=with_setting(trainer, "paired", paired), start=start)
        trials[key] = replace(trial, trainer=trainer, targets=targets)
    return trials
