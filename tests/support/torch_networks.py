"""Networks by torch.nn alone, with what each layer is given and how the outputs move with it: truths for layers."""

import itertools
from typing import NamedTuple

import numpy
import torch
from torch import nn


class Positions(nn.Module):
    """The mean over positions."""

    def forward(self, x):
        """(b, c, h, w) to (b, c)."""
        return x.mean((2, 3))


def multilayer(widths, activation=nn.Tanh) -> nn.Sequential:
    """Linear layers of these widths, an activation between them."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, units in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, units, dtype=torch.float64), activation()]
    return nn.Sequential(*layers[:-1])


def zeros_around(side: int, stride: int) -> nn.ZeroPad2d:
    """TensorFlow's 'SAME' for 3 × 3: one zero on each side, but none before an even side that is halved."""
    return nn.ZeroPad2d((0, 1, 0, 1)) if stride == 2 and side % 2 == 0 else nn.ZeroPad2d(1)


def convolutional(side: int, channels: int, classes: int, *, pool: int = 1, same: bool = True) -> nn.Sequential:
    """The network of Koh & Liang (2017) for square images (b, side, side)."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, side)), nn.AvgPool2d(pool)]
    side //= pool
    for layer, stride in enumerate((1, 2, 1, 2, 1)):
        layers += [zeros_around(side, stride)] if same else []
        layers += [nn.Conv2d(channels if layer else 1, channels, 3, stride=stride, dtype=torch.float64), nn.Tanh()]
        side = -(-side // stride)
    layers += [nn.Conv2d(channels, 10, 1, dtype=torch.float64), nn.Tanh(), Positions()]
    return nn.Sequential(*layers, nn.Linear(10, classes, dtype=torch.float64))


def affine_layers(network) -> list[nn.Module]:
    return [layer for layer in network if isinstance(layer, nn.Linear | nn.Conv2d)]


def parts(network, theta) -> dict[str, torch.Tensor]:
    """θ, each layer's rows (weights | bias), as parameters by torch's names."""
    named, used = {}, 0
    for name, layer in network.named_children():
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            continue
        rows, columns = len(layer.bias), layer.weight[0].numel() + 1
        matrix = theta[used : used + rows * columns].view(rows, columns)
        named |= {f"{name}.weight": matrix[:, :-1].reshape(layer.weight.shape), f"{name}.bias": matrix[:, -1]}
        used += rows * columns
    assert used == len(theta)
    return named


def outputs(network, theta, x):
    """(b, c), as torch has it."""
    return torch.func.functional_call(network, parts(network, theta), (x,))


class Seen(NamedTuple):
    """One layer at each point: inputs (b, t, h) with a last 1, and ∂z/∂drive (b, c, t, g)."""

    inputs: numpy.ndarray
    jacobian: numpy.ndarray


def seen(network, theta, x) -> list[Seen]:
    """What each layer is given, by hooks and torch's own unfold, and its outputs' Jacobian, output by output."""
    kept: list[tuple[nn.Module, torch.Tensor, torch.Tensor]] = []

    def note(layer, given, drive):
        kept.append((layer, given[0], drive))

    hooks = [layer.register_forward_hook(note) for layer in affine_layers(network)]
    z = outputs(network, theta.detach().requires_grad_(), x)
    for hook in hooks:
        hook.remove()
    pulls = [
        torch.autograd.grad(z[:, a].sum(), [drive for *_, drive in kept], retain_graph=True) for a in range(z.shape[1])
    ]
    found = []
    for place, (layer, given, _) in enumerate(kept):
        rows = given.detach()
        if isinstance(layer, nn.Conv2d):
            rows = nn.functional.unfold(rows, layer.kernel_size, stride=layer.stride)
        rows = rows.reshape(len(x), layer.weight[0].numel(), -1).mT
        jacobian = torch.stack([pull[place].reshape(len(x), len(layer.bias), -1).mT for pull in pulls], dim=1)
        found.append(Seen(numpy.concatenate([rows, numpy.ones((*rows.shape[:2], 1))], 2), jacobian.numpy()))
    return found
