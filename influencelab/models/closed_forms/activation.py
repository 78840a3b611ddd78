"""Activations of hidden units in closed form: fast values, and derivatives computed from the values alone."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from influencelab.models.loss import softplus

# selu(z) is SCALE z above 0 and SCALE ALPHA (exp z − 1) below.
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
# Units for which one call of a slow function takes less time than four of fast ones.
FEW = 1000
MINUS_ONE = torch.tensor(-1.0)
BACKWARD = torch.ops.aten


class Activation(NamedTuple):
    """u = a(z) of each unit, with its first two derivatives as functions of u."""

    write: Callable[[Tensor, Tensor], Tensor]  # a(z), written to the second argument; z is lost
    backward: Callable[[Tensor, Tensor], Tensor]  # a′(z) g, from g and u
    second: Callable[[Tensor], Tensor]  # a″(z) / a′(z) from u, and 0 where both are 0


def write_tanh(z: Tensor, out: Tensor) -> Tensor:
    """2 σ(2z) − 1: within 4e-16 of torch's own tanh, in a quarter of its time unless there is little to do."""
    if z.numel() < FEW:
        return torch.tanh(z, out=out)
    return torch.add(MINUS_ONE, z.mul_(2).sigmoid_(), alpha=2, out=out)


def backward_softplus(g: Tensor, u: Tensor) -> Tensor:
    """σ(z) g, with σ(z) = 1 − exp(−u)."""
    return torch.neg(u).expm1_().neg_() * g


CLOSED = {
    "tanh": Activation(
        write=write_tanh, backward=lambda g, u: BACKWARD.tanh_backward.default(g, u), second=lambda u: -2 * u
    ),
    "softplus": Activation(
        write=lambda z, out: out.copy_(softplus(z)), backward=backward_softplus, second=lambda u: torch.neg(u).exp_()
    ),
    "selu": Activation(
        write=lambda z, out: out.copy_(torch.selu_(z)),
        backward=lambda g, u: BACKWARD.elu_backward.default(g, ALPHA, SCALE, 1, True, u),
        second=lambda u: (u <= 0).to(u.dtype),
    ),
    "relu": Activation(
        write=lambda z, out: torch.clamp(z, min=0, out=out),
        backward=lambda g, u: BACKWARD.threshold_backward.default(g, u, 0),
        second=torch.zeros_like,
    ),
}
