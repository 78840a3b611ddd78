"""Variations of recipes: one setting changed, or every arm at every setting with every seed and protocol."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.trial import Trial
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.recipe import Recipe, kind_name

__all__ = ["cells", "datasets", "grid", "seeded_trials", "vary"]

# What a study repeats: a trial, or a recipe around one.
Repeated = TypeVar("Repeated", bound=Recipe)
Key = tuple[Any, ...]
# Where retraining starts, and whether all models see the batches of the fit or each draws its own.
PROTOCOLS = {"paired": ("cold", True), "unpaired": ("cold", False), "warm": ("warm", True)}


def grid(arms: Mapping[Any, Repeated], settings: Mapping[str, Sequence[Any]]) -> dict[Key, Repeated]:
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
    for arm, *values in itertools.product(arms, *settings.values()):
        varied = arms[arm]
        for setting, value in zip(settings, values, strict=True):
            varied = with_setting(varied, setting, value)
        found[arm, *values] = varied
    return found


def seeded_trials(
    arms: Mapping[str, Trial], settings: Mapping[str, Sequence[Any]], *, seeds: int, protocols: Iterable[str]
) -> dict[Key, Trial]:
    """Every arm at every combination of settings, once a seed, which draws both the start and the order of the batches.

    The targets are retraining by these protocols, keys of `PROTOCOLS`, for as many steps as the fit took; so many seeds
    (0, 1, …) are the last part of each key. A setting that a trial lacks, or a trainer without batches, is refused.
    """
    trials = {}
    for key, trial in grid(arms, {**settings, "seed": range(seeds)}).items():
        trainer, targets = with_setting(trial.trainer, "seed", key[-1]), {}
        for name in protocols:
            start, paired = PROTOCOLS[name]
            targets[name] = Rerun(trainer=with_setting(trainer, "paired", paired), start=start)
        trials[key] = replace(trial, trainer=trainer, targets=targets)
    return trials


def cells(outcomes: Mapping[Key, Outcome]) -> dict[Key, list[Outcome]]:
    """The outcomes of each setting, one a seed, in the order of the seeds: the last part of a key is dropped."""
    found: dict[Key, list[Outcome]] = {}
    for key, outcome in outcomes.items():
        found.setdefault(key[:-1], []).append(outcome)
    return found


def datasets(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    """Name and content hash of each data set that the outcomes rest on, for `ReportWriter.publish`."""
    return sorted({(outcome.facts["data"], outcome.facts["data_hash"]) for outcome in outcomes})


def vary(trial: Repeated, setting: str, values: Sequence[Any]) -> list[Repeated]:
    """The same trial, or other recipe, once for each value of a setting that it has, such as `task.weight_decay`."""
    return [with_setting(trial, setting, value) for value in values]


def with_setting(recipe: Any, setting: str, value: Any) -> Any:
    """A copy of a recipe with one setting, perhaps of a recipe inside it, changed."""
    name, _, rest = setting.partition(".")
    held = isinstance(recipe, Mapping)
    if name not in (recipe if held else getattr(recipe, "__dataclass_fields__", {})):
        raise InvalidParameter(f"{kind_name(recipe)} has no setting '{name}'.")
    part = with_setting(recipe[name] if held else getattr(recipe, name), rest, value) if rest else value
    return {**recipe, name: part} if held else replace(recipe, **{name: part})
