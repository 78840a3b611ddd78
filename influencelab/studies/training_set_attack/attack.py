"""The attack of Koh and Liang (2017), Section 5.2: training pictures climb the influence on a test picture's loss."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from influencelab.models.shapes import KP
from influencelab.studies.training_set_attack.boxes import Box
from influencelab.studies.training_set_attack.moved_models import MovedModels
from influencelab.training.fit import Fit

# Pictures whose way through the network is kept at once for their derivatives.
TOGETHER = 48
# A test picture is called wrongly above this loss.
UNDECIDED = math.log(2)

Toward = Callable[[MovedModels, Tensor, Tensor], Tensor]
INFLUENCE, GRADIENT, RANDOM = "influence", "gradient", "random"


def by_influence(models: MovedModels, moved: Float[Tensor, "k b p"], tests: Int[Tensor, " k"]) -> KP:
    """s = H⁻¹ ∇L at each model's own θ."""
    return models.sensitivities(moved, tests)


def by_gradient(models: MovedModels, moved: Float[Tensor, "k b p"], tests: Int[Tensor, " k"]) -> KP:  # noqa: ARG001
    """∇L, as if H were the identity."""
    return models.loss_gradients(tests)


# What the change of a training point's gradient is to go against, by name.
TOWARD: Mapping[str, Toward] = MappingProxyType({INFLUENCE: by_influence, GRADIENT: by_gradient})


@dataclass(frozen=True, eq=False)
class Attacked:
    """k attacks, each on one test picture through b training pictures.

    Attributes:
        points: the training pictures that each changes.
        tests: the test picture that each aims at.
        pictures: the changed ones.
        features: theirs.
        theta: of the model that was trained on them.
        steps: taken, fewer where the test picture was called wrongly before the last.
    """

    points: Int[Tensor, "k b"]
    tests: Int[Tensor, " k"]
    pictures: Float[Tensor, " k b *shape"]
    features: Float[Tensor, "k b d"]
    theta: KP
    steps: Int[Tensor, " k"]


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
            some.train(moved)
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
        return Attacked(points, tests, pictures, found, models.theta, steps)

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
        models.train(models.features(features))
        return Attacked(points, tests, pictures, features, models.theta, torch.ones(len(points), dtype=torch.int64))


def joined(parts: list[Attacked]) -> Attacked:
    """Several batches as one."""
    return Attacked(**{name: torch.cat([getattr(part, name) for part in parts]) for name in vars(parts[0])})
