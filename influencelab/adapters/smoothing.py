"""Losses with a kink, read through smooth ones: how narrow a bend may be, and whether coefficients are a minimum."""

import torch

from influencelab.adapters.reading import Reading, Smooth
from influencelab.data.dataset import Dataset
from influencelab.models import derivatives
from influencelab.models.shapes import N, P
from influencelab.models.task import Task
from influencelab.training.fit import Fit, fit_from
from influencelab.training.minimum import train_to_minimum
from influencelab.training.strain import WIDE_ENOUGH, strain
from influencelab.training.trainers.newton import Newton

# Each width is so many times narrower than the one before: until the rule has chosen, and on the way to a minimum of
# the true loss.
FINER, FURTHER = 2.0, 4.0
# The last width as a share of what the estimator's own rule for stopping leaves of J; widths that the rule may refuse.
LAST, WIDTHS = 0.1, 30


def smoothed(reading: Reading, smooth: Smooth, data: Dataset, weights: N) -> tuple[Fit, float]:
    """The fit at the width that the rule takes, and by how much the true objective can be lower than at θ.

    From the widest bend down, each from the minimum before: the last whose strain is at most √½ is taken (`strain`).
    From there on to a bend so narrow that its minimum is that of the true loss but for a tenth of what the estimator
    may leave.
    """
    width = smooth.widest
    taken = at = minimum(smooth.at(width), data, torch.zeros(len(reading.theta), dtype=data.x_train.dtype), weights)
    for _ in range(WIDTHS):
        if strain(at) > WIDE_ENOUGH:
            break
        taken, width = at, width / FINER
        at = minimum(smooth.at(width), data, at.theta, weights)
    theta, last = at.theta, LAST * smooth.left
    while width > last:
        width = max(width / FURTHER, last)
        theta = minimum(smooth.at(width), data, theta, weights).theta
    both = torch.stack([torch.from_numpy(reading.theta.copy()), theta])
    ours, best = derivatives.objectives(reading.task, data, both, weights.expand(2, -1)).tolist()
    return taken, ours - best


def minimum(task: Task, data: Dataset, theta: P, weights: N) -> Fit:
    """The fit of a smooth task, from here."""
    trainer = Newton()
    trained = train_to_minimum(trainer, task, data, theta, weights, bounded=True)
    return fit_from(trained, task=task, data=data, trainer=trainer, weights=weights)
