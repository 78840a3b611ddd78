"""Functions of torch by plain operations, where its own lack derivatives that estimators take, or have wrong ones."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any, **__: Any
) -> Tensor:
    """What torch's function of this name gives, whose second derivative is wrong in forward mode."""
    last = tuple(range(-len(normalized_shape), 0))
    centred = input - input.mean(last, keepdim=True)
    found = centred * (centred.square().mean(last, keepdim=True) + eps).rsqrt()
    found = found if weight is None else found * weight
    return found if bias is None else found + bias


def weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    """What torch's function of this name gives, which has no derivative in forward mode."""
    others = tuple(each for each in range(v.dim()) if each != dim)
    return v * (g / v.square().sum(others, keepdim=True).sqrt())


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Tensor:
    """What torch's function of this name gives, whose gradient has no derivative in forward mode."""
    r = size(input - target)
    found = torch.where(r <= delta, r.square() / 2, delta * (r - delta / 2))
    found = found if weight is None else found * weight
    return {"mean": found.mean, "sum": found.sum}.get(reduction, lambda: found)()


def smooth_l1_loss(
    input: Tensor, target: Tensor, _: Any = None, __: Any = None, reduction: str = "mean", beta: float = 1.0, **___: Any
) -> Tensor:
    """What torch's function of this name gives, in the same way; at a beta of 0 the absolute error."""
    r = size(input - target) if beta else (input - target).abs()
    found = r if beta == 0 else torch.where(r < beta, r.square() / (2 * beta), r - beta / 2)
    return {"mean": found.mean, "sum": found.sum}.get(reduction, lambda: found)()


def size(r: Tensor) -> Tensor:
    """|r| where its kink is cut out."""
    return r * r.detach().sign()


PLAIN = {
    "layer_norm": layer_norm,
    "_weight_norm": weight_norm,
    "huber_loss": huber_loss,
    "smooth_l1_loss": smooth_l1_loss,
}


class Plain(TorchFunctionMode):
    """These functions by plain operations inside."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The function's own result, or that of the plain operations."""
        return PLAIN.get(getattr(func, "__name__", ""), func)(*args, **(kwargs or {}))


@contextmanager
def composite(*, plain: bool) -> Iterator[None]:
    """Attention by plain operations inside, whose fused kernels lack derivatives, and the other functions if asked."""
    with ExitStack() as stack:
        if plain:
            stack.enter_context(Plain())
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        stack.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        yield
