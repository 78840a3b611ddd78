"""Protocols of retraining by the fit's own trainer, and trials repeated with other starts and orders of batches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from influencelab.experiments.grid import Key, grid
from influencelab.experiments.trial import Trial
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.training.trainer import Trainer

__all__ = ["seeded_trials"]

# Where retraining starts, and whether all models see the batches of the fit or each draws its own.
PROTOCOLS = {"paired": ("cold", True), "unpaired": ("cold", False), "warm": ("warm", True)}


def seeded_trials(
    arms: Mapping[str, Trial], settings: Mapping[str, Sequence[Any]], *, seeds: int, protocols: Iterable[str]
) -> dict[Key, Trial]:
    """Every arm at every combination of settings, once a seed, which draws both the start and the order of the batches.

    Args:
        arms: trials by name; their targets are replaced.
        settings: values of settings, such as `trainer.learning_rate`.
        seeds: how many: seeds 0, 1, …, the last part of each key.
        protocols: keys of `PROTOCOLS`: the targets, each of them retraining for as many steps as the fit took.
    """
    trials = {}
    for key, trial in grid(arms, {**settings, "seed": range(seeds)}).items():
        trainer, targets = with_known(trial.trainer, seed=key[-1]), {}
        for name in protocols:
            start, paired = PROTOCOLS[name]
            targets[name] = Rerun(trainer=with_known(trainer, paired=paired), start=start)
        trials[key] = replace(trial, trainer=trainer, targets=targets)
    return trials


def with_known(trainer: Trainer, **settings: Any) -> Trainer:
    """The trainer with those of these settings changed that it has: one that draws no batches has no order of them."""
    return replace(trainer, **{name: value for name, value in settings.items() if name in vars(trainer)})
