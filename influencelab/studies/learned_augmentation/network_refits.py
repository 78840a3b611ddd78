"""Batches of pictures replaced by learned copies, and the whole network trained again each time."""

from dataclasses import dataclass

import torch

from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import Outcome
from influencelab.recipe import Progress, Recipe, stage, unheard
from influencelab.studies.learned_augmentation.classifier import TrainedClassifier, loss_of
from influencelab.studies.learned_augmentation.learning import by_network, by_policy
from influencelab.studies.learned_augmentation.paired_arms import (
    ESTIMATOR,
    PairedArms,
    as_pictures,
    labelled,
)
from influencelab.studies.learned_augmentation.replaced import batches, copies_of, outcome_of_batches
from influencelab.studies.learned_augmentation.transformation import random_policy

NETWORK, SELECTION = "network", "learned_copies"


@dataclass(frozen=True)
class NetworkRefits(Recipe):
    """What influence through the last layer says of the network that is trained, features and all.

    The first network of a seed is trained again, from its start with its batches and draws, on training pictures some
    of which are replaced; what happens to mean validation loss is held against the same prediction. Such a network is
    where a stated number of steps ends, which is no minimum.

    Attributes:
        arms: the seed whose first network and augmenter these are.
        count: networks, each with a batch of its own replaced.
    """

    arms: PairedArms
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidParameter(f"count is {self.count}, expected at least 1 network.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Train the first network and the augmenter, then the network once a batch."""
        arms, report = self.arms, stage(progress or unheard, 0.05, 1.0)
        arms.check_device(device)
        data = arms.source.load()
        inner = arms.parted(data)
        first, layer, learned, _ = arms.learn(inner)
        (x, y), others = labelled(inner), as_pictures(inner.x_test)
        generator = torch.Generator().manual_seed(2 * arms.seed + 7 * 10**6)
        points, rows = batches(inner.n, count=self.count, size=arms.group(inner), generator=generator)
        copies = copies_of(x, points, by_network(learned.augmenter), generator)
        usual, before = by_policy(random_policy(x.shape[1], fields=False)), loss_of(first.network, others, inner.y_test)
        rises: list[float] = []
        for number in range(self.count):
            changed, mine = x.clone(), rows == number
            changed[points[mine]] = copies[mine]
            made: TrainedClassifier = arms.train(changed, y, inner.classes, usual, steps=arms.steps)
            rises.append(loss_of(made.network, others, inner.y_test) - before)
            report((number + 1) / self.count)
        predicted = layer.predicted(copies, points, rows).mean(1, keepdim=True)
        actual = torch.tensor(rises, dtype=torch.float64)[:, None]
        facts = {"network": {"loss": before, "grad_norm": first.grad_norm}}
        return outcome_of_batches(
            data,
            layer,
            predicted={ESTIMATOR: predicted},
            chosen={SELECTION: torch.ones_like(predicted, dtype=torch.bool)},
            actual={NETWORK: actual},
            trusted={NETWORK: torch.ones(self.count, dtype=torch.bool)},
            facts=facts,
        )
