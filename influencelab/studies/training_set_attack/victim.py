"""Models that are attacked, and the attack of Koh and Liang (2017), Section 5.2, through their training pictures."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.errors import InvalidData
from influencelab.experiments.extraction import extracted
from influencelab.models.extractor import Extractor
from influencelab.models.shapes import KP
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.studies.training_set_attack.attack import INFLUENCE, TOWARD, UNDECIDED, Attacked, Toward, joined
from influencelab.studies.training_set_attack.boxes import Box, whole_levels
from influencelab.studies.training_set_attack.moved_models import ON_THE_WAY, MovedModels
from influencelab.training.fit import Fit, fit
from influencelab.training.trainer import Trainer

# Pictures whose way through the network is kept at once for their derivatives.
TOGETHER = 48


@dataclass(frozen=True, eq=False)
class Victim:
    """A model that is attacked, with the pictures behind its features.

    Attributes:
        model: fitted to the features.
        pixels: of the training pictures, whole grey levels.
        shown: the same of the test pictures.
        network: from pixels to features.
    """

    model: Fit
    pixels: Float[Tensor, " n *shape"]
    shown: Float[Tensor, " m *shape"]
    network: nn.Module

    def chosen(self, tests: Int[Tensor, " k"], *, toward: str, count: int, candidates: int) -> Int[Tensor, "k count"]:
        """The training pictures through which each test loss can be moved farthest, by Σ|∂I/∂pixel|, largest first.

        The sum is taken for so many candidates, those whose influence depends most on their features: it takes the
        network forward and back for each.
        """
        every, found = torch.arange(len(self.pixels)), []
        whole = self.model.task.features(self.model.data.x_train)[None]
        for test in tests:
            models = MovedModels.of(self.model, every[None])
            aim = self.aim(test[None], toward)
            slopes = models.feature_slopes(whole, aim)[0]
            some = slopes.norm(dim=1).topk(min(candidates, len(every))).indices
            largest = torch.cat([self.pixel_slopes(part, slopes[part]) for part in some.split(TOGETHER)])
            found.append(some[largest.flatten(1).abs().sum(1).topk(count).indices])
        return torch.stack(found)

    def aim(self, tests: Int[Tensor, " k"], toward: str) -> KP:
        """What each attack goes toward before anything has moved."""
        nothing = torch.zeros(len(tests), 1, dtype=torch.int64)
        models = MovedModels.of(self.model, nothing)
        return TOWARD[toward](models, self.model.task.features(self.model.data.x_train[nothing[:, 0]])[:, None], tests)

    def slopes(self, points: Int[Tensor, " k"], tests: Int[Tensor, " k"]) -> Float[Tensor, " k *shape"]:
        """The rise of each test loss per grey level in each pixel of one training picture, before anything moved."""
        models = MovedModels.of(self.model, points[:, None])
        moved = models.features(self.model.data.x_train[points][:, None])
        slopes = models.feature_slopes(moved, self.aim(tests, INFLUENCE))[:, 0]
        parts = zip(points.split(TOGETHER), slopes.split(TOGETHER), strict=True)
        return torch.cat([self.pixel_slopes(some, own) for some, own in parts])

    def pixel_slopes(self, points: Int[Tensor, " t"], slopes: Float[Tensor, "t p"]) -> Float[Tensor, " t *shape"]:
        """Slopes in the features of training pictures as slopes in their pixels."""
        pixels = self.pixels[points].clone().requires_grad_()
        found = self.network(pixels)
        (back,) = torch.autograd.grad(found, pixels, slopes[:, : found.shape[1]])
        return back

    def attack(
        self, points: Int[Tensor, "k b"], tests: Int[Tensor, " k"], box: Box, *, toward: str, step: float, most: int
    ) -> Attacked:
        """Steps of so many grey levels, after each of which the model is trained anew, until a test picture flips.

        Args:
            points: the training pictures that each attack changes.
            tests: the test picture that each aims at.
            box: how far pixels may go.
            toward: which of `TOWARD`.
            step: grey levels.
            most: steps.
        """
        size = max(1, TOGETHER // points.shape[1])
        parts = [
            self.climb(some, own, box, toward=TOWARD[toward], step=step, most=most)
            for some, own in zip(points.split(size), tests.split(size), strict=True)
        ]
        return joined(parts)

    def climb(
        self, points: Int[Tensor, "k b"], tests: Int[Tensor, " k"], box: Box, *, toward: Toward, step: float, most: int
    ) -> Attacked:
        """The attacks of one batch."""
        x, models = self.pixels[points], MovedModels.of(self.model, points)
        v, pictures, steps = torch.zeros_like(x), x.clone(), torch.zeros(len(points), dtype=torch.int64)
        found, left = self.network(x.flatten(0, 1)).detach().unflatten(0, points.shape), torch.arange(len(points))
        for count in range(most + 1):
            pixels = box.picture(x[left], v[left]).requires_grad_()
            features = self.network(pixels.flatten(0, 1)).unflatten(0, pixels.shape[:2])
            some = models.take(left)
            moved = some.features(features.detach())
            some.train(moved, tolerance=ON_THE_WAY)
            models.theta[left], pictures[left], found[left], steps[left] = (
                some.theta,
                pixels.detach(),
                features.detach(),
                count,
            )
            on = some.losses(tests[left]) <= UNDECIDED
            if count == most or not on.any():
                break
            slopes = some.feature_slopes(moved, toward(some, moved, tests[left]))[..., : features.shape[2]]
            (slope,) = torch.autograd.grad(features, pixels, slopes)
            v[left] = box.stepped(v[left], slope, step=step)
            left = left[on]
        norms = models.train(models.features(found))
        return Attacked(points, tests, pictures, found, models.theta, norms, steps)

    def at_random(
        self, points: Int[Tensor, "k b"], tests: Int[Tensor, " k"], box: Box, generator: torch.Generator
    ) -> Attacked:
        """Every pixel as far up or down as the box lets it, by a coin."""
        x, models = self.pixels[points], MovedModels.of(self.model, points)
        signs = torch.randint(0, 2, x.shape, generator=generator).to(x) * 2 - 1
        pictures = box.picture(x, box.reach * signs)
        with torch.no_grad():
            parts = [self.network(part) for part in pictures.flatten(0, 1).split(TOGETHER)]
        features = torch.cat(parts).unflatten(0, points.shape)
        norms = models.train(models.features(features))
        return Attacked(points, tests, pictures, features, models.theta, norms, torch.ones_like(tests))


@lru_cache(maxsize=2)
def victim_of(source: Source, extractor: Extractor, weight_decay: float, trainer: Trainer, device: str) -> Victim:
    """Pictures in whole grey levels, their features, and the model of these; the last two are remembered."""
    data = levels_of(source).to(device)
    if data.classes != 2:
        raise InvalidData(f"{data.name} has {data.classes} classes, expected pictures of 2. Choose two: labels=(3, 8).")
    features = extracted(data, extractor)
    model = fit(BinaryLogistic(weight_decay, intercept=False), features, trainer)
    return Victim(model, data.x_train, data.x_test, extractor.network(data).to(data.x_train.device))


def levels_of(source: Source) -> Dataset:
    """Pictures in whole grey levels from 0 to 255."""
    data = source.load()
    brightest = float(data.x_train.max())
    parts = {name: whole_levels(getattr(data, name), brightest=brightest) for name in ("x_train", "x_test")}
    return replace(data, **parts)
