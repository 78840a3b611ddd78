"""Small random images with labels, for networks of images."""

import torch
from problems import split


def images(*, side: int, n: int = 6, m: int = 2, classes: int = 3):
    """Random pixels and labels."""
    generator = torch.Generator().manual_seed(side)
    x = torch.rand(n + m, side, side, generator=generator, dtype=torch.float64)
    return split(x, torch.randint(classes, (n + m,), generator=generator), n=n, classes=classes)


# Task, side: strides meet even and odd sides, with zeros around and without.
