"""A network that chooses transformations for each picture, taught by the influence of the transformed pictures."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from influencelab.studies.learned_augmentation.classifier import AT_ONCE, Augment, Descent
from influencelab.studies.learned_augmentation.transformation import Policy, sizes, spreads, transformed

HIDDEN = 64
# How far a spread is from what it was before learning, at most: half or twice.
FARTHEST = math.log(2)


class Augmenter(nn.Module):
    """From a picture to the policy from which its transformation is drawn.

    Before learning that is one random policy for all pictures, which has fields; the paper brings its network there by
    adversarial training. Centres stay within one spread of that policy, spreads within half and twice it, as the
    fall that influence predicts has no bound of its own.
    """

    def __init__(self, colours: int, *, seed: int) -> None:
        super().__init__()
        width = sum(sizes(colours).values())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.look = nn.Sequential(
                nn.Conv2d(colours, 8, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(8, 16, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(2),
                nn.Flatten(),
                nn.Linear(64, HIDDEN),
                nn.ReLU(),
            )
        self.choose = nn.Linear(HIDDEN, 2 * width)
        nn.init.zeros_(self.choose.weight)
        nn.init.zeros_(self.choose.bias)
        self.usual = spreads(colours, fields=True)

    def forward(self, pictures: Float[Tensor, "b c h w"]) -> Policy:
        """The policy of each picture."""
        centre, spread = torch.tanh(self.choose(self.look(pictures))).chunk(2, dim=1)
        return Policy(centre * self.usual, self.usual * torch.exp(FARTHEST * spread))


def by_network(augmenter: Augmenter) -> Augment:
    """Pictures transformed as the network chooses for each."""

    def augment(pictures: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG001 - any policy's
        return transformed(pictures, augmenter(pictures).drawn(len(pictures), generator))

    return augment


def either(first: Augment, second: Augment) -> Augment:
    """Pictures transformed in one of two ways, drawn for each with equal chances."""

    def augment(pictures: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        heads = torch.rand(len(pictures), generator=generator) < 0.5
        one, two = (way(pictures, rows, generator) for way in (first, second))
        return torch.where(heads[:, None, None, None], one, two)

    return augment


def by_policy(policy: Policy) -> Augment:
    """Pictures transformed by one policy for all."""

    def augment(pictures: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG001 - any network's
        return transformed(pictures, policy.drawn(len(pictures), generator))

    return augment


@dataclass(frozen=True, eq=False)
class LastLayer:
    """A linear layer on frozen features at its minimum, and what a mean validation loss responds to.

    Attributes:
        features: from pictures to features, differentiable in the pixels.
        theta: c rows of weights, the intercept last.
        sensitivity: s = H⁻¹ ∇L of the mean validation loss, in the same rows: solved once, and kept.
    """

    features: Callable[[Tensor], Tensor]
    theta: Float[Tensor, "c d1"]
    sensitivity: Float[Tensor, "c d1"]

    def fall(self, pictures: Float[Tensor, " b *shape"], labels: Int[Tensor, " b"]) -> Float[Tensor, " b"]:
        """∇ℓᵀ s of each picture: 1/n of it is how far validation loss is predicted to fall when it joins the others.

        Replaced by it, a point takes its own ∇ℓᵀ s away (Eq. 16 to 18 of the paper, with the sign of a fall).
        """
        found = self.features(pictures)
        inputs = torch.cat([found, torch.ones_like(found[:, :1])], dim=1)
        slopes = torch.softmax(inputs @ self.theta.T, dim=1) - nn.functional.one_hot(labels, len(self.theta))
        return (slopes * (inputs @ self.sensitivity.T)).sum(1)


@dataclass(frozen=True, eq=False)
class Learned:
    """A taught augmenter, and what it was taught by.

    Attributes:
        augmenter: in evaluation mode, frozen.
        hold: the nats that a departure of 1 from the start costs.
        falls: of each step, the mean fall in validation loss that replacing every point of the batch was predicted to
            bring, had the whole training set been like the batch, in nats.
        seconds: of the processor.
    """

    augmenter: Augmenter
    hold: float
    falls: list[float]
    seconds: float


def taught(
    layer: LastLayer,
    pictures: Float[Tensor, "n c h w"],
    labels: Int[Tensor, " n"],
    *,
    steps: int,
    batch: int,
    seed: int,
    hold: float,
    rate: float = 3e-3,
) -> Learned:
    """Adam for so many steps on the predicted fall of validation loss, less what departing from the start costs.

    That cost, `hold` nats for a departure of 1, takes the place of the paper's adversarial loss, which holds copies to
    natural pictures.
    """
    began = time.process_time()
    augmenter = Augmenter(pictures.shape[1], seed=seed)
    descent = Descent(list(augmenter.parameters()), rate=rate, steps=steps)
    generator = torch.Generator().manual_seed(2 * seed + 3 * 10**6)
    with torch.no_grad():
        parts = zip(pictures.split(AT_ONCE), labels.split(AT_ONCE), strict=True)
        before = torch.cat([layer.fall(*part) for part in parts])
    falls = []
    for _ in range(steps):
        rows = torch.randint(len(pictures), (batch,), generator=generator)
        x, y = pictures[rows], labels[rows]
        policy = augmenter(x)
        copies = transformed(x, policy.drawn(len(x), generator))
        fall = (layer.fall(copies, y) - before[rows]).mean()
        descent.step(hold * departure(policy, augmenter.usual) - fall)
        falls.append(float(fall.detach()))
    augmenter = augmenter.eval().requires_grad_(requires_grad=False)
    return Learned(augmenter, hold, falls, time.process_time() - began)


def departure(policy: Policy, usual: Float[Tensor, " k"]) -> Float[Tensor, ""]:
    """How far policies are from the usual one: the mean square of centres in its spread and of spreads in doublings."""
    centre, spread = policy.centre / usual, torch.log(policy.spread / usual) / FARTHEST
    return (centre.square() + spread.square()).mean()
