"""A small network of our own, and the same by torch."""

import pytest
import torch
from torch_networks import multilayer
from torch_problems import DATA, DECAY, WATCHED, X, Y

import influencelab as il


@pytest.fixture(scope="module")
def ours():
    """A small network of our own at its minimum."""
    return il.fit(il.MLP(DECAY, width=3), DATA, il.Newton(), seed=1)


@pytest.fixture(scope="module")
def network(ours):
    """The same network by torch.nn."""
    module = multilayer((4, 3, 2))
    matrices = ours.theta[:15].view(3, 5), ours.theta[15:].view(2, 4)
    with torch.no_grad():
        for layer, matrix in zip((module[1], module[3]), matrices, strict=True):
            layer.weight.copy_(matrix[:, :-1])
            layer.bias.copy_(matrix[:, -1])
    return module


@pytest.fixture(scope="module")
def theirs(network):
    return il.from_torch(network, "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY)


@pytest.fixture
def same_draws():
    """Modules that are drawn in a test are the same ones each time."""
    torch.manual_seed(0)
