"""Trials of the study `depth_and_weight_decay`: arms over depths, widths, weight decays and seeds of their own."""

from collections.abc import Mapping, Sequence

from influencelab.experiments.grid import Key, grid, with_setting
from influencelab.experiments.trial import Trial

# A trial with its depths, widths, weight decays, and the number of seeds of each setting, or of each depth.
Arm = tuple[Trial, Sequence[int], Sequence[int], Sequence[float], int | Sequence[int]]


def trials(arms: Mapping[str | Key, Arm], *, own_splits: bool = False, damping: float = 1e-3) -> dict[Key, Trial]:
    """Every arm over settings of its own, by arm, depth, width, weight decay and seed; empty arms are left out.

    Args:
        arms: by name.
        own_splits: whether each network has a split of its source drawn by its own seed. With the same few test points
            for all, an interval is never narrower than what these points differ by, however many networks there are.
        damping: of exact influence where there is no weight decay, as in Basu et al. (2021).
    """
    found: dict[Key, Trial] = {}
    for name, (trial, depths, widths, decays, seeds) in arms.items():
        counts = [seeds] * len(depths) if isinstance(seeds, int) else seeds
        for depth, count in zip(depths, counts, strict=True):
            settings = {"depth": [depth], "width": widths, "weight_decay": decays}
            axes = {f"task.{setting}": values for setting, values in settings.items()} | {"seed": range(count)}
            found |= grid({name: trial}, axes) if all(axes.values()) else {}
    if own_splits:
        found = {key: with_setting(trial, "source.seed", trial.seed) for key, trial in found.items()}
    return {
        key: trial if trial.task.weight_decay else with_setting(trial, "estimators.exact.damping", damping)
        for key, trial in found.items()
    }
