"""Where training begins: random weights of layers that are kept as one matrix each, the last column the biases."""

import math
from collections.abc import Iterable

import torch

from influencelab.models.shapes import P


def fan_in(shapes: Iterable[tuple[int, int]], seed: int) -> P:
    """Normal weights of variance 1 / inputs and biases of 0, layer after layer; drawn on the CPU so that devices agree.

    Args:
        shapes: (units, inputs + 1) of each layer.
        seed: of the draw.
    """
    generator, layers = torch.Generator().manual_seed(seed), []
    for rows, columns in shapes:
        matrix = torch.randn(rows, columns, generator=generator, dtype=torch.float64) / math.sqrt(columns - 1)
        matrix[:, -1] = 0.0
        layers.append(matrix.flatten())
    return torch.cat(layers)
