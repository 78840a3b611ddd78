"""Inputs and output slopes of the layers of a module, for estimators that take a curvature of layers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from influencelab.adapters.networks.frozen_module import FrozenModule
from influencelab.errors import InvalidParameter
from influencelab.models.shapes import P, X
from influencelab.models.task import LayerFactors

INSTEAD = "take 'conjugate_gradient', which needs no layers, or name by parameters= those of linear layers"


@dataclass
class Passed:
    """What layers were given and what they gave, by path."""

    inputs: dict[str, Tensor] = field(default_factory=dict)
    results: dict[str, Tensor] = field(default_factory=dict)


def layers_of(frozen: FrozenModule) -> dict[str, nn.Module]:
    """The layer of each block of θ, in its order.

    Raises:
        InvalidParameter: a parameter is not of a linear layer or a convolution of images.
    """
    parts, found = dict(frozen.module.named_modules()), {}
    for block in frozen.blocks:
        path = block.weight.rpartition(".")[0]
        layer: Any = parts[path]
        convolves = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.padding_mode == "zeros"
        plain = block.weight.endswith("weight") and not isinstance(getattr(layer, "padding", 0), str)
        # A bias that is a constant is none of the layer's parameters.
        whole = isinstance(layer, nn.Linear) or convolves
        if not (whole and plain) or path in found:
            raise InvalidParameter(
                f"Parameter {block.weight} is of {type(layer).__name__}, which is no layer of the kind that this "
                f"estimator takes: {INSTEAD}."
            )
        found[path] = layer
    return found


@torch.enable_grad()
def factors(frozen: FrozenModule, theta: P, x: X, roots_of: Callable[[Tensor], Tensor]) -> list[LayerFactors]:
    """Each layer at each point: one pass recorded, then differentiated from the outputs back.

    Args:
        roots_of: roots (c c b) of the outputs' curvature, of the outputs (c b).
    """
    layers = layers_of(frozen)
    with recorded(layers) as passed:
        outputs = frozen.of_one(theta.detach().requires_grad_(), x)
    if len(passed.results) < len(layers):
        raise InvalidParameter(f"A layer's parameters are used without the layer: {INSTEAD}.")
    results = [passed.results[path] for path in layers]
    slopes = torch.autograd.grad(outputs, results, roots_of(outputs.detach()), is_grads_batched=True)
    pairs = zip(frozen.blocks, layers.items(), slopes, strict=True)
    return [factor(layer, passed.inputs[path], slope, bias=bool(block.bias)) for block, (path, layer), slope in pairs]


@contextmanager
def recorded(layers: dict[str, nn.Module]) -> Iterator[Passed]:
    """What passes through layers, each of which is called once."""
    passed, hooks = Passed(), []
    for path, layer in layers.items():

        def keep(_: Any, given: Any, result: Tensor, path: str = path) -> None:
            if path in passed.results:
                raise InvalidParameter(f"Layer {path} is called more than once for a point: {INSTEAD}.")
            passed.inputs[path], passed.results[path] = given[0].detach(), result

        hooks.append(layer.register_forward_hook(keep))
    try:
        yield passed
    finally:
        for hook in hooks:
            hook.remove()


def factor(layer: Any, given: Tensor, slope: Tensor, *, bias: bool) -> LayerFactors:
    """Inputs (h t b) and slopes (c g t b) of one layer; the positions of a convolution are its patches."""
    if isinstance(layer, nn.Conv2d):
        padding: Any = layer.padding
        seen = unfold(given, layer.kernel_size, layer.dilation, padding, layer.stride).permute(1, 2, 0)
        slopes = slope.flatten(3).permute(0, 2, 3, 1)
    else:
        seen = given.reshape(len(given), -1, given.shape[-1]).permute(2, 1, 0)
        slopes = slope.reshape(*slope.shape[:2], -1, slope.shape[-1]).permute(0, 3, 2, 1)
    return LayerFactors(torch.cat([seen, torch.ones_like(seen[:1])]) if bias else seen, slopes)
