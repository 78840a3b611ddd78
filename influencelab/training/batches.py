"""Batches of training points: the same for all models, or drawn anew for each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy
import torch
from jaxtyping import Int
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.recipe import Recipe

# The points of one step: all of them, the same some for all models, or each model's own.
Rows = None | Int[Tensor, " b"] | Int[Tensor, "k b"]


@dataclass(frozen=True)
class Batches(Recipe):
    """Random batches without replacement: every point comes once an epoch, and each epoch has an order of its own.

    The order of an epoch depends on the seed and the epoch alone, so that training can go on from any step.

    Attributes:
        size: points a batch; the last of an epoch may be smaller. 0, or n and more, is the full batch.
        seed: of the order of the points.
        paired: whether all models see the same batches. If not, the number of a model decides its order too.
    """

    size: int = 0
    seed: int = 0
    paired: bool = True

    def full(self, n: int) -> bool:
        """Whether every step sees all n points."""
        return self.size == 0 or self.size >= n

    def rows(self, n: int, steps: range, *, models: Int[Tensor, " k"]) -> Iterator[Rows]:
        """The points of each step, on the device of `models`: (b), or (k b) if they differ; None for the full batch.

        Steps are counted from the start of training. The numbers of the models have no effect where they are paired.
        """
        if self.full(n):
            yield from (None for _ in steps)
            return
        an_epoch = -(-n // self.size)
        drawn, order = -1, models
        for step in steps:
            epoch, place = divmod(step, an_epoch)
            if epoch != drawn:
                drawn, order = epoch, self.order(n, epoch, models)
            yield order[..., place * self.size : (place + 1) * self.size]

    def order(self, n: int, epoch: int, models: Int[Tensor, " k"]) -> Tensor:
        """The order of one epoch, drawn on the CPU so that devices agree."""
        if self.paired:
            order = numpy.random.default_rng([self.seed, epoch]).permutation(n)
        else:
            rows = [numpy.random.default_rng([self.seed, epoch, model]).permutation(n) for model in models.tolist()]
            order = numpy.stack(rows)
        return torch.from_numpy(order).to(models.device)


def check_batches(batch_size: int, seed: int, *, least: int) -> None:
    """Refuse fewer than `least` points a batch, and negative seeds, by InvalidParameter."""
    if batch_size < least or seed < 0:
        raise InvalidParameter(
            f"batch_size is {batch_size} and seed {seed}; expected batch_size ≥ {least} and seed ≥ 0."
        )
