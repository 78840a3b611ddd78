"""A small convolutional network, trained for a stated number of steps on pictures that are transformed each time."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

# Channels of the four layers; the last is the number of features.
CHANNELS = (16, 32, 32, 32)
# Pictures that are looked at once where nothing is trained.
AT_ONCE = 500
# What Adam remembers of slopes and of their squares, and what it adds to their size.
DECAYS, SMALLEST = (0.9, 0.999), 1e-8

# From pictures, their rows and a generator to pictures.
Augment = Callable[[Tensor, Tensor, torch.Generator], Tensor]


class Classifier(nn.Module):
    """Four convolutions, a mean over what is left of the picture, and a linear layer (Lee et al. use four layers too).

    Pictures of fewer than 16 pixels a side are halved twice, others three times.
    """

    def __init__(self, colours: int, side: int, classes: int, *, seed: int) -> None:
        super().__init__()
        one, two, three, four = CHANNELS
        stride, large = (2, 5) if side >= 16 else (1, 3)
        self.first = nn.Conv2d(colours, one, large, stride=stride, padding=large // 2)
        self.second = nn.Conv2d(one, two, 3, stride=2, padding=1)
        self.third = nn.Conv2d(two, three, 3, padding=1)
        self.fourth = nn.Conv2d(three, four, 3, padding=1)
        self.last = nn.Linear(four, classes)
        generator = torch.Generator().manual_seed(seed)
        for name, each in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(each)
            else:
                nn.init.normal_(each, std=math.sqrt(2 / each[0].numel()), generator=generator)

    def features(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """Inputs of the last layer."""
        found = torch.relu(self.second(torch.relu(self.first(pictures))))
        found = functional.max_pool2d(torch.relu(self.third(found)), 2)
        return torch.relu(self.fourth(found)).mean((2, 3))

    def forward(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """A score a class."""
        return self.last(self.features(pictures))


class Descent:
    """Adam (Kingma & Ba 2015) with a rate that rises over the first tenth of the steps, then falls as a cosine.

    torch's own takes seconds to be imported. It counts its steps, and so changes by nature.
    """

    def __init__(self, parameters: list[nn.Parameter], *, rate: float, steps: int) -> None:
        self.parameters, self.rate, self.steps, self.done = parameters, rate, steps, 0
        self.first, self.second = ([torch.zeros_like(each) for each in parameters] for _ in range(2))

    def step(self, loss: Float[Tensor, ""]) -> None:
        """One step down the slope of this loss."""
        slopes = torch.autograd.grad(loss, self.parameters)
        share = min(1.0, 10 * (self.done + 1) / self.steps) * (1 + math.cos(math.pi * self.done / self.steps)) / 2
        self.done += 1
        short, long = (1 - decay**self.done for decay in DECAYS)
        with torch.no_grad():
            for theta, slope, first, second in zip(self.parameters, slopes, self.first, self.second, strict=True):
                first.lerp_(slope, 1 - DECAYS[0])
                second.mul_(DECAYS[1]).addcmul_(slope, slope, value=1 - DECAYS[1])
                theta.addcdiv_(first, (second / long).sqrt_().add_(SMALLEST), value=-self.rate * share / short)


@dataclass(frozen=True, eq=False)
class TrainedClassifier:
    """A network and how its training ended.

    Attributes:
        network: in evaluation mode, its parameters frozen.
        loss: mean cross-entropy of the training pictures as they are, in nats.
        grad_norm: norm of its gradient: the budget of steps is spent, which is no minimum.
        seconds: of the processor.
    """

    network: Classifier
    loss: float
    grad_norm: float
    seconds: float


def trained(
    pictures: Float[Tensor, "n c h w"],
    labels: Int[Tensor, " n"],
    *,
    classes: int,
    augment: Augment | None,
    steps: int,
    batch: int,
    seed: int,
    rate: float = 1e-2,
) -> TrainedClassifier:
    """Adam for so many steps, its rate falling as a cosine; the seed draws start, batches and transformations.

    Two calls with one seed see the same batches in the same order, however each transforms them.
    """
    began = time.process_time()
    count, colours, side = len(pictures), pictures.shape[1], pictures.shape[-1]
    network = Classifier(colours, side, classes, seed=seed)
    descent = Descent(list(network.parameters()), rate=rate, steps=steps)
    order, draws = (torch.Generator().manual_seed(2 * seed + place) for place in (10**6, 10**6 + 1))
    left = torch.zeros(0, dtype=torch.int64)
    for _ in range(steps):
        while len(left) < min(batch, count):
            left = torch.cat([left, torch.randperm(count, generator=order)])
        rows, left = left[:batch], left[batch:]
        seen = pictures[rows]
        if augment is not None:
            with torch.no_grad():
                seen = augment(seen, rows, draws)
        loss = functional.cross_entropy(network(seen), labels[rows])
        descent.step(loss)
    seconds = time.process_time() - began
    loss, norm = loss_and_slope(network, pictures, labels)
    return TrainedClassifier(network.eval().requires_grad_(requires_grad=False), loss, norm, seconds)


def loss_and_slope(
    network: Classifier, pictures: Float[Tensor, "n c h w"], labels: Int[Tensor, " n"]
) -> tuple[float, float]:
    """Mean loss of pictures as they are, and the norm of its gradient in the parameters."""
    network.zero_grad()
    total = 0.0
    for x, y in zip(pictures.split(AT_ONCE), labels.split(AT_ONCE), strict=True):
        loss = functional.cross_entropy(network(x), y, reduction="sum") / len(pictures)
        loss.backward()
        total += float(loss.detach())
    slopes = [each.grad for each in network.parameters() if each.grad is not None]
    return total, float(torch.cat([each.flatten() for each in slopes]).norm())


@torch.no_grad()
def scores(network: Classifier, pictures: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k"]:
    """Scores of many pictures."""
    return torch.cat([network(each) for each in pictures.split(AT_ONCE)])


def error(network: Classifier, pictures: Float[Tensor, "n c h w"], labels: Int[Tensor, " n"]) -> float:
    """The share of pictures whose class is not the one of largest score."""
    return float((scores(network, pictures).argmax(1) != labels).double().mean())


def loss_of(network: Classifier, pictures: Float[Tensor, "n c h w"], labels: Int[Tensor, " n"]) -> float:
    """Mean cross-entropy, in nats."""
    return float(functional.cross_entropy(scores(network, pictures), labels))
