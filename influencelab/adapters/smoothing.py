"""Losses with a kink, read through smooth ones: how narrow a bend may be."""

import torch

from influencelab.adapters.reading import Reading, Smooth
from influencelab.data.dataset import Dataset
from influencelab.models.shapes import N, P
from influencelab.models.task import Task
from influencelab.training.fit import Fit, fit_from
from influencelab.training.minimum import train_to_minimum
from influencelab.training.strain import WIDE_ENOUGH, strain
from influencelab.training.trainers.newton import Newton

# Each width is so many times narrower than the one before; so many are tried.
FINER, WIDTHS = 2.0, 30


def smoothed(reading: Reading, smooth: Smooth, data: Dataset, weights: N) -> Fit:
    """The fit at the width that the rule takes.

    From the widest bend down, each from the minimum before: the last whose strain is at most √½ is taken (`strain`).
    """
    width = smooth.widest
    taken = at = minimum(smooth.at(width), data, torch.zeros(len(reading.theta), dtype=data.x_train.dtype), weights)
    for _ in range(WIDTHS):
        if strain(at) > WIDE_ENOUGH:
            break
        taken, width = at, width / FINER
        at = minimum(smooth.at(width), data, at.theta, weights)
    return taken


def minimum(task: Task, data: Dataset, theta: P, weights: N) -> Fit:
    """The fit of a smooth task, from here."""
    trainer = Newton()
    trained = train_to_minimum(trainer, task, data, theta, weights, bounded=True)
    return fit_from(trained, task=task, data=data, trainer=trainer, weights=weights)
