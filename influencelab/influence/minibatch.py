"""Random samples of the training points, whose curvature estimates that of all."""

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor

# Positions drawn ahead for each seed.
DRAWN = 2**16


def draws(n: int, *, size: int, count: int, seeds: list[int]) -> Iterator[Int[Tensor, "r b"]]:
    """`count` times a sample of `size` points a seed, each point drawn uniformly and independently.

    What a seed draws depends on it alone, not on its neighbours.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    step = max(1, DRAWN // size)
    for first in range(0, count, step):
        shape = (min(step, count - first), size)
        yield from torch.stack([torch.randint(n, shape, generator=generator) for generator in generators], dim=1)


def partition(n: int, *, size: int, seed: int) -> Int[Tensor, "r b"]:
    """One epoch: all points in random order, cut into samples of `size`; what is left over at the end is left out."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[: n // size * size].view(-1, size)
