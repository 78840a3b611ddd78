"""A module tried out on a few points: what would make its derivatives wrong is refused by the module's path."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import grad, jvp, vmap
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from influencelab.adapters.networks.plain import PLAIN
from influencelab.errors import InvalidParameter

# Functions whose slope jumps somewhere, by their names in torch, in place or not.
KINKS = re.compile(
    r"(relu|relu6|leaky_relu|prelu|rrelu|threshold|hardtanh|hardswish|hardsigmoid|hardshrink|softshrink|abs|maximum"
    r"|minimum|(adaptive_)?max_pool[123]d|l1_loss|hinge_embedding_loss|multi_margin_loss)(_with_indices)?_?"
)
# Step of finite differences, and the share to which derivatives agree with them.
STEP, AGREEMENT = 1e-6, 1e-3
# Outputs of a point alone and among others agree to this share, in units of the type's rounding.
ROUNDING = 1e4


@dataclass
class Traits:
    """What a module turned out to be.

    Attributes:
        outputs: numbers that it gives for a point.
        shape: of these, such as (classes,) or (positions, classes); () where it gives one row, without another axis.
        widest: numbers of its largest inner result for a point.
        total: those of all inner results.
        kink: a function with a kink that it takes, with the module that takes it; '' for none.
        plain: whether it takes functions that plain operations stand in for.
    """

    outputs: int = 0
    shape: tuple[int, ...] = ()
    widest: int = 1
    total: int = 1
    kink: str = ""
    plain: bool = False


@dataclass
class Watch:
    """What passes through the parts of a module: their paths, the results of each, and what functions they take."""

    inside: list[str] = field(default_factory=list)
    results: dict[str, Tensor] = field(default_factory=dict)
    kink: str = ""
    plain: bool = False

    @property
    def here(self) -> str:
        """The innermost part that was entered and not left."""
        return self.inside[-1] if self.inside else ""


def called(path: str, module: nn.Module) -> str:
    """A part of a module as errors name it."""
    text = " ".join(repr(module).split())
    return f"{path or 'the module'}: {text if len(text) <= 80 else type(module).__name__}"


def check_kind(module: nn.Module) -> None:
    """Refuse what holds a module and is none that can be differentiated."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise InvalidParameter(f"{type(module).__name__} spreads a module over devices. Give the one in it: .module.")
    if isinstance(module, torch.jit.ScriptModule):
        raise InvalidParameter("A module of torch.jit keeps no operations to differentiate. Give what it was made of.")


def check_settled(module: nn.Module) -> None:
    """Refuse parts that draw, that mix points, or that change by being used."""
    check_kind(module)
    for name, each in module.named_parameters():
        if is_lazy(each):
            raise InvalidParameter(f"Parameter {name} has no shape yet. Call the module on a batch once, and train it.")
        if each.is_complex():
            raise InvalidParameter(f"Parameter {name} is complex, expected real numbers. Keep its two parts instead.")
        if not each.isfinite().all():
            raise InvalidParameter(f"Parameter {name} has NaN or infinite values. Train it again from finite ones.")
    for path, each in module.named_modules():
        rate = float(getattr(each, "p", 0.0)) if isinstance(each, _DropoutNd) else getattr(each, "dropout", 0.0)
        if each.training and isinstance(rate, float) and rate > 0:
            raise InvalidParameter(
                f"{called(path, each)} is active, so that each pass draws another model. Call module.eval() first, and "
                "train to the end without dropout, as influence is that of a minimum."
            )
        if isinstance(each, _BatchNorm) and (each.training or each.running_mean is None):
            raise InvalidParameter(
                f"{called(path, each)} takes the statistics of its batch, so that points have no loss of their own. "
                "Freeze it: module.eval() with track_running_stats=True, and train to the end so; or take GroupNorm."
            )
        if isinstance(each, nn.Embedding | nn.EmbeddingBag) and each.max_norm is not None:
            raise InvalidParameter(
                f"{called(path, each)} rewrites its own weights as it is used (max_norm). Take max_norm=None."
            )


def probed(frozen: Any, x: Tensor) -> Traits:
    """The traits of a module, tried out on a few points.

    Raises:
        InvalidParameter: what it does has no derivatives of single points.
    """
    theta, before = frozen.theta, {name: each.clone() for name, each in frozen.module.named_buffers()}
    if x.dim() < 2 or not len(x):
        raise InvalidParameter(
            f"X is {tuple(x.shape)}, expected a row a point and one point or more: such as X[:, None]."
        )
    with watched(frozen.module) as watch:
        found = attempt(watch, lambda: frozen.raw(theta, x), what="outputs of a batch", whole=frozen.whole)
        check_form(found, len(x))
        seen, kink = dict(watch.results), watch.kink
        frozen.traits.plain = watch.plain
        once, again = (frozen.raw(theta, x).nan_to_num() for _ in range(2))
        if not torch.equal(once, again):
            raise InvalidParameter(
                f"{type(frozen.module).__name__} gives other outputs each time: it draws random numbers or changes. "
                "Call module.eval() first, and leave out dropout and noise."
            )
        for name, each in frozen.module.named_buffers():
            if not torch.equal(each, before[name]):
                raise InvalidParameter(f"Buffer {name} changes with each pass. Freeze it: module.eval() first.")
        attempt(watch, lambda: frozen.raw(theta, x[:1]), what="outputs of one point", whole=frozen.whole)
        if found.isfinite().all():
            check_alone(seen, watch.results)
        attempt(watch, lambda: differentiated(frozen, x), what="second derivatives of single points")
    if not kink and found.isfinite().all() and theta.dtype == torch.float64:
        check_derivatives(frozen, x)
    check_used(frozen, x)
    sizes = [each.numel() // len(x) for each in seen.values()] or [1]
    return Traits(found[0].numel(), tuple(found.shape[1:]), max(sizes), sum(sizes), kink, watch.plain)


@contextmanager
def watched(module: nn.Module) -> Iterator[Watch]:
    """A watch over all parts of a module, taken off at the end."""
    watch, hooks = Watch(), []
    for path, each in module.named_modules():
        name = called(path, each)

        def enter(*_: Any, name: str = name) -> None:
            watch.inside.append(name)

        def leave(_: Any, __: Any, result: Any, name: str = name) -> None:
            watch.inside.pop()
            if isinstance(result, Tensor) and result.dim():
                watch.results[name] = result

        hooks += [each.register_forward_pre_hook(enter), each.register_forward_hook(leave)]
    try:
        with Noting(watch):
            yield watch
    finally:
        for hook in hooks:
            hook.remove()


class Noting(TorchFunctionMode):
    """What notes functions with a kink, and those that plain operations stand in for."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The function's own result."""
        name = getattr(func, "__name__", "")
        self.watch.plain |= name in PLAIN
        if KINKS.fullmatch(name) and not self.watch.kink:
            self.watch.kink = f"function '{name}'" + (f" in {self.watch.here}" if self.watch.here else "")
        return func(*args, **(kwargs or {}))


def attempt(watch: Watch, work: Any, *, what: str, whole: bool = True) -> Any:
    """What some work gives; InvalidParameter that names the part of the module in which it failed."""
    watch.inside.clear()
    watch.results.clear()
    try:
        return work()
    except InvalidParameter:
        raise
    except Exception as error:
        where = f"{watch.here} fails to give" if watch.here else "the module fails to give"
        cure = "Give X as the module takes it (real numbers become float64; keep them with dtype=None)"
        if "derivatives" in what:
            cure = (
                "Take operations that torch.func can trace: none that write into their input, loop over numbers of a "
                "tensor, or lack second derivatives (recurrent layers and EmbeddingBag do)"
            )
        cure = cure if whole else cure + ", whole numbers as integers"
        reason = " ".join(str(error).split()).partition(" Please")[0].rstrip(".")
        raise InvalidParameter(f"{where} {what} ({type(error).__name__}: {reason:.300}). {cure}.") from error


def check_form(found: Any, points: int) -> None:
    """Refuse outputs that are no rows of numbers."""
    if isinstance(found, Tensor) and found.is_floating_point() and found.dim() and len(found) == points:
        return
    form = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
    raise InvalidParameter(
        f"The module gives {form} for {points} points, expected ({points},), ({points}, outputs) or more axes after "
        "that of points, such as positions. Wrap it in a module whose forward picks the logits or predictions, so."
    )


def check_alone(among: dict[str, Tensor], alone: dict[str, Tensor]) -> None:
    """Refuse a module that gives a point something else where others are beside it; the first part that does."""
    for name, result in among.items():
        one = alone.get(name)
        if one is None or one.shape[1:] != result.shape[1:] or len(one) != 1 or not result.is_floating_point():
            continue
        least = ROUNDING * torch.finfo(result.dtype).eps
        if not torch.allclose(result[:1], one, rtol=least, atol=least * float(result.abs().max()), equal_nan=True):
            raise InvalidParameter(
                f"{name} gives a point other outputs alone than beside others: it mixes the points of a batch, so that "
                "none has a loss of its own. Normalise within a point (LayerNorm, GroupNorm), or by frozen statistics."
            )


def differentiated(frozen: Any, x: Tensor) -> None:
    """All kinds of derivative that estimators take, on two points."""
    x, theta = x[:2], frozen.theta

    def total(at: Tensor, points: Tensor) -> Tensor:
        return frozen.of_one(at, points).square().sum()

    vmap(grad(total), in_dims=(0, None))(theta.repeat(2, 1), x)
    vmap(grad(lambda at, point: total(at, point[None])), in_dims=(None, 0))(theta, x)
    vmap(lambda v: jvp(grad(lambda at: total(at, x)), (theta,), (v,))[1])(theta.repeat(2, 1))


def check_derivatives(frozen: Any, x: Tensor) -> None:
    """Refuse a module whose derivatives are not those of its outputs: some of torch's own are wrong in silence."""
    theta = frozen.theta
    along = torch.randn(len(theta), generator=torch.Generator().manual_seed(0), dtype=theta.dtype).to(theta.device)

    def total(at: Tensor) -> Tensor:
        return frozen.of_one(at, x[:2]).square().sum()

    for what, function in (("first", total), ("second", grad(total))):
        found = jvp(function, (theta,), (along,))[1]
        ends = [function(theta + sign * STEP * along) for sign in (1, -1)]
        wanted = (ends[0] - ends[1]) / (2 * STEP)
        size = max(float(found.abs().max()), float(wanted.abs().max()), float(ends[0].abs().max()))
        if not float((found - wanted).abs().max()) <= AGREEMENT * size:
            raise InvalidParameter(
                f"torch's {what} derivatives of {type(frozen.module).__name__} are not those of its outputs, by finite "
                "differences. Some part is cut off (detach, no_grad, item), cast to fewer digits, or has a wrong "
                "derivative: write it by plain operations."
            )


@torch.enable_grad()
def check_used(frozen: Any, x: Tensor) -> None:
    """Refuse trained parameters on which no output depends."""
    held = {name: each.detach().clone().requires_grad_() for name, each in frozen.named(frozen.theta).items()}
    total = torch.func.functional_call(frozen.module, held, (x,)).sum()
    slopes = torch.autograd.grad(total, list(held.values()), allow_unused=True) if total.requires_grad else [None]
    lost = [name for name, slope in zip(held, slopes, strict=False) if slope is None]
    if lost:
        raise InvalidParameter(
            f"No output depends on {', '.join(lost[:8])}: the gradient there is 0 whatever the data. Leave "
            f"{'it' if len(lost) == 1 else 'them'} out: requires_grad_(False), or name the others by parameters=."
        )
