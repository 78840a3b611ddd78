"""What tests of retraining share: the tightest retrainer, the size of an error, a trainer that leaves models behind."""

from dataclasses import dataclass

import numpy
import torch

from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.training.trainer import Trained, Trainer
from influencelab.training.trainers.newton import Newton

EXACT = SecondOrder(relative=0, floor=1e-9)
OTHER = {"drop": "renormalise", "renormalise": "drop"}


def rms(values) -> float:
    return float(numpy.sqrt((numpy.asarray(values) ** 2).mean()))


def worst(found, wanted) -> float:
    """max |error| / RMS(ΔL)."""
    return float(numpy.abs(numpy.asarray(found) - numpy.asarray(wanted)).max()) / rms(wanted)


@dataclass(frozen=True)
class Lazy(Trainer):
    """Moves nothing but what it is told to: for seeing what becomes of models that do not converge."""

    moves: tuple[int, ...] = ()

    def train(self, task, data, theta, weights):
        """Train only some of the models of the batch."""
        done = Newton(tolerance=1e-12).train(task, data, theta, weights)
        moved = torch.isin(torch.arange(len(theta)), torch.tensor(self.moves, dtype=torch.int64))
        return Trained(torch.where(moved[:, None], done.theta, theta), done.grad_norm, moved, done.steps)
