"""A module of torch at rest: a copy whose trained parameters are a function's argument, and all else constants."""

import copy
import hashlib
import pickle
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call, vmap

from influencelab.adapters.networks.plain import composite
from influencelab.adapters.networks.probe import Traits, check_settled, probed
from influencelab.data import conversion
from influencelab.errors import InvalidParameter, WrongType, require
from influencelab.errors import named as described
from influencelab.models.shapes import KCB, P, Theta, X
from influencelab.recipe import Recipe, settle

__all__ = ["FrozenModule"]

# Types that data can have, and so parameters.
TYPES = (torch.float32, torch.float64)
# What a module keeps in tables of its own, which count by their tensors.
TABLES = ("_parameters", "_buffers", "_modules")


@dataclass(frozen=True)
class Block:
    """Parameters that lie side by side in θ: a layer's matrix with its bias as last column, or one parameter alone.

    Attributes:
        weight: its name in the module.
        bias: that of the bias; '' where there is none.
        shape: of the weight.
    """

    weight: str
    bias: str
    shape: tuple[int, ...]

    @property
    def rows(self) -> tuple[int, int]:
        """Of a matrix with its bias: (units, inputs + 1)."""
        return self.shape[0], torch.Size(self.shape[1:]).numel() + 1

    @property
    def size(self) -> int:
        """Numbers in θ."""
        return self.rows[0] * self.rows[1] if self.bias else torch.Size(self.shape).numel()


@dataclass(frozen=True, eq=False, init=False, repr=False)
class FrozenModule(Recipe):
    """A copy of a module, in which trained parameters are an argument and everything else is a constant.

    The module that was given is neither changed nor kept. Two are equal if they were made of equal modules: same
    classes, settings, parameters, buffers and modes. Training starts from the parameters that the module had.

    Args:
        module: whose outputs of a point depend on nothing but that point and its parameters.
        x: some points, whole numbers where the module takes such; the first few of them try it out.
        parameters: names, or patterns such as `head.*`, of those that are trained; by default all that require a
            gradient.
        dtype: what real numbers become; None keeps them as they are, float32 or float64.

    Attributes:
        digest: of all that decides its outputs but the code of its classes.
        names: of the trained parameters, in the module's order.
        whole: whether points are whole numbers, such as tokens.

    Raises:
        WrongType: this is no module.
        InvalidParameter: it draws random numbers, mixes points, or cannot be differentiated; or no such parameter.
    """

    digest: str
    names: tuple[str, ...]
    whole: bool

    if TYPE_CHECKING:
        # No fields, which would be settings: the digest stands for them.
        module: nn.Module
        blocks: tuple[Block, ...]
        theta: P
        traits: Traits

    def __init__(
        self,
        module: Any,
        x: Any,
        *,
        parameters: str | Sequence[str] | None = None,
        dtype: torch.dtype | None = torch.float64,
    ) -> None:
        require(module, nn.Module, what="module", cure="Give a module of torch, such as the network you trained.")
        check_settled(module)
        if dtype is not None and dtype not in TYPES:
            raise InvalidParameter(f"dtype is {dtype!r}, expected torch.float64, torch.float32, or None to keep it.")
        names, own = chosen(module, parameters), copied(module).requires_grad_(False)
        own = own if dtype is None else own.to(dtype)
        blocks, held = tuple(blocks_of(own, names)), dict(own.named_parameters())
        if len({each.dtype for each in held.values()}) > 1 or held[names[0]].dtype not in TYPES:
            found = ", ".join(sorted({str(each.dtype).removeprefix("torch.") for each in held.values()}))
            raise InvalidParameter(
                f"The parameters are {found}, expected all float32 or all float64. Leave dtype=None out."
            )
        points = conversion.numbers_in(x, what="X")
        whole = not points.is_floating_point() and points.dtype != torch.bool
        settle(self, module=own, names=names, whole=whole, blocks=blocks, theta=packed(held, blocks))
        settle(self, traits=Traits())
        seen = points[:3].to(self.theta.device)
        settle(self, traits=probed(self, seen if whole else seen.to(self.theta.dtype)))
        settle(self, digest=digest_of(own, names, whole=whole))

    def __repr__(self) -> str:
        """Its class, size and digest."""
        return f"FrozenModule({type(self.module).__name__}, {len(self.theta):,} parameters, {self.digest[:8]})"

    def __eq__(self, other: object) -> bool:
        """Whether both were made of equal modules."""
        return isinstance(other, FrozenModule) and self.digest == other.digest

    def __hash__(self) -> int:
        """By the digest."""
        return hash(self.digest)

    def outputs(self, theta: Theta, x: X) -> KCB:
        """Outputs of k models for b points, points on the last axis."""
        if theta.dim() == 1:
            return self.of_one(theta, x)
        models = theta.flatten(0, -2)
        outputs = self.of_one(models[0], x)[None] if len(models) == 1 else vmap(self.of_one, (0, None))(models, x)
        return outputs.unflatten(0, theta.shape[:-1])

    def of_one(self, theta: Tensor, x: Tensor) -> Tensor:
        """Outputs (c b) of one model, all that a point has on one axis."""
        found = self.raw(theta, x)
        return found[None] if found.dim() == 1 else found.flatten(1).T

    def raw(self, theta: Tensor, x: Tensor) -> Any:
        """What the module itself gives for these parameters."""
        if self.whole:
            if x.is_floating_point() and forward_ad.unpack_dual(x).tangent is not None:
                raise InvalidParameter("Points are whole numbers, such as tokens: they cannot move a little.")
            x = x.long()
        with composite(plain=self.traits.plain):
            return functional_call(self.module, self.named(theta), (x,))

    def named(self, theta: Float[Tensor, " p"]) -> dict[str, Tensor]:
        """θ of one model as the module's parameters."""
        found = {}
        # A slope of each slice would be a θ of its own, and added to the others; those of parts are put side by side.
        for block, part in zip(self.blocks, theta.split([each.size for each in self.blocks]), strict=True):
            if block.bias:
                weight, bias = part.unflatten(0, block.rows).split([block.rows[1] - 1, 1], dim=1)
                found |= {block.weight: weight.unflatten(1, block.shape[1:]), block.bias: bias.squeeze(1)}
            else:
                found[block.weight] = part.reshape(block.shape)
        return found

    def spread(self, numbers: Mapping[str, float]) -> P:
        """A number of each trained parameter at all of its places in θ; 0 for parameters that are not named."""
        held = self.named(self.theta)
        return packed({name: torch.full_like(part, numbers.get(name, 0.0)) for name, part in held.items()}, self.blocks)


def copied(module: nn.Module) -> nn.Module:
    """A copy that shares no tensor with the module."""
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise InvalidParameter(
            f"{type(module).__name__} cannot be copied ({' '.join(str(error).split()):.200}). Keep no results of a "
            "forward pass in it: detach() them, or drop them before."
        ) from error


def chosen(module: nn.Module, patterns: str | Sequence[str] | None) -> tuple[str, ...]:
    """The names of the parameters that are trained.

    Raises:
        InvalidParameter: there are none, or a pattern fits none.
    """
    trained = [name for name, each in module.named_parameters() if each.requires_grad]
    if patterns is not None:
        if not isinstance(patterns, Iterable):
            raise WrongType(f"parameters is {described(patterns)}, expected names or patterns, such as 'head.*'.")
        wanted, known = [patterns] if isinstance(patterns, str) else list(patterns), list(trained)
        for pattern in wanted:
            fitting(pattern, known)
        trained = [name for name in known if any(fnmatchcase(name, pattern) for pattern in wanted)]
    if not trained:
        raise InvalidParameter(
            f"{type(module).__name__} has no parameter that requires a gradient. Name some that do: "
            "module.requires_grad_() before, or parameters= of another module."
        )
    return tuple(trained)


def fitting(pattern: Any, names: Iterable[str]) -> list[str]:
    """The names that a pattern fits; InvalidParameter where there are none."""
    known = list(names)
    found = [name for name in known if isinstance(pattern, str) and fnmatchcase(name, pattern)]
    if not found:
        shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
        raise InvalidParameter(f"No trained parameter fits {pattern!r}. Those that require a gradient are: {shown}.")
    return found


def blocks_of(module: nn.Module, names: tuple[str, ...]) -> Iterator[Block]:
    """The trained parameters in the module's order, each matrix with the bias beside it."""
    held, taken = dict(module.named_parameters()), set()
    for name in names:
        if name in taken:
            continue
        shape, stem = tuple(held[name].shape), name.removesuffix("weight")
        bias = f"{stem}bias"
        beside = bias in names and len(shape) > 1 and tuple(held[bias].shape) == shape[:1] and name.endswith("weight")
        taken.add(bias if beside else name)
        yield Block(name, bias if beside else "", shape)


def packed(held: Mapping[str, Tensor], blocks: tuple[Block, ...]) -> P:
    """Parameters as θ."""
    parts = []
    for block in blocks:
        weight = held[block.weight].detach()
        matrix = torch.cat([weight.flatten(1), held[block.bias].detach()[:, None]], dim=1) if block.bias else weight
        parts.append(matrix.flatten())
    return torch.cat(parts).clone()


def digest_of(module: nn.Module, names: tuple[str, ...], *, whole: bool) -> str:
    """Hash of classes, settings, modes, parameters and buffers; one of its own where a setting cannot be pickled."""
    digest = hashlib.sha256(f"{names} {whole} {module!r}".encode())
    for path, each in module.named_modules():
        settings = {name: value for name, value in vars(each).items() if name not in TABLES}
        digest.update(f"{path} {type(each).__module__}.{type(each).__qualname__}".encode())
        digest.update(content(settings))
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def content(value: Any) -> bytes:
    """A value as bytes; never those of another value where it cannot be pickled."""
    try:
        return pickle.dumps(value)
    except Exception:  # noqa: BLE001 - whatever an object of the user's raises
        return uuid.uuid4().bytes
