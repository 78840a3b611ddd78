"""Losses of torch as functions of a point's outputs: closed forms where there are any, else differentiated."""

import copy
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.func import grad, jvp, vmap

from influencelab.adapters.networks.frozen_module import content
from influencelab.adapters.networks.plain import composite
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, WrongType, named
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.binary_cross_entropy import BinaryCrossEntropy
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.shapes import CB, KB, KCB, Y
from influencelab.recipe import settle

NAMES = {"cross_entropy": nn.CrossEntropyLoss, "mse": nn.MSELoss, "bce_with_logits": nn.BCEWithLogitsLoss}
REDUCTIONS = ("mean", "sum")
# What a loss needs as labels: classes, one of two classes, real numbers, or whatever they are.
CLASSES, TWO, REAL, ANY = "classes", "two", "real", "any"
# Losses of torch that hold each output against a target of its own.
EACH = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCEWithLogitsLoss, nn.BCELoss, nn.PoissonNLLLoss)
# Of those that are minus a log-likelihood of classes, and of squares.
NATS, SQUARES = ("CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss"), ("MSELoss",)


@dataclass(frozen=True)
class ScaledLoss(OutputLoss):
    """A loss times a number, such as the squared error, which is twice our half of it.

    Attributes:
        inner: the loss.
        factor: the number.
    """

    inner: OutputLoss
    factor: float

    @property
    def unit(self) -> str:
        """Of the squared error, without its half."""
        return self.inner.unit.removesuffix(" / 2") if self.factor == 2 else f"{self.inner.unit} × {self.factor:g}"

    @property
    def width(self) -> float:
        """That of the loss inside."""
        return self.inner.width

    @property
    def convex(self) -> bool:
        """As the loss inside."""
        return self.inner.convex

    def size(self, data: Dataset) -> int:
        """As many as the loss inside."""
        return self.inner.size(data)

    def values(self, z: KCB, y: Y) -> KB:
        """The loss of each point."""
        return self.factor * self.inner.values(z, y)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """∂ℓ/∂z."""
        return self.factor * self.inner.gradients(z, y)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """(∂²ℓ/∂z²) v."""
        return self.factor * self.inner.products(z, y, v)


@dataclass(frozen=True, eq=False, init=False)
class TracedLoss(OutputLoss):
    """Any function of outputs and targets that gives one loss a point; its derivatives are taken automatically.

    Attributes:
        name: of the function.
        shape: of a point's outputs as the function takes them; () for one row of all points' outputs.
        column: whether it takes targets as a column.
        of_rows: whether a point has a row of targets.
        whole: whether it takes these as whole numbers.
        reduction: of the numbers that it gives for a point's targets, `mean` or `sum`; '' where it gives one.
        digest: of the values that the function holds.
    """

    name: str
    shape: tuple[int, ...]
    column: bool
    of_rows: bool
    whole: bool
    reduction: str
    digest: str

    if TYPE_CHECKING:
        # No field, which would be a setting.
        function: Callable[..., Any]

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        shape: tuple[int, ...],
        column: bool,
        of_rows: bool = False,
        whole: bool = False,
        reduction: str = "",
    ) -> None:
        name = getattr(function, "__qualname__", type(function).__name__)
        digest = hashlib.sha256(content(function)).hexdigest()
        settle(self, function=function, name=name, shape=shape, column=column, digest=digest)
        settle(self, of_rows=of_rows, whole=whole, reduction=reduction)

    def __eq__(self, other: object) -> bool:
        """Whether both are of equal functions."""
        return isinstance(other, TracedLoss) and self.key == other.key

    def __hash__(self) -> int:
        """By what it holds."""
        return hash(self.key)

    @property
    def key(self) -> tuple[Any, ...]:
        """All that it holds."""
        return self.name, self.shape, self.column, self.of_rows, self.whole, self.reduction, self.digest

    @property
    def unit(self) -> str:
        """The function's own."""
        if self.name in SQUARES:
            return "squared units of y"
        return "nats" if self.name in NATS else f"units of {self.name}"

    @property
    def convex(self) -> bool:
        """Nobody knows."""
        return False

    @property
    def several(self) -> bool:
        """As it was made for."""
        return self.of_rows

    def size(self, data: Dataset) -> int:
        """As many as the module gives."""
        return math.prod(self.shape)

    def values(self, z: KCB, y: Y) -> KB:
        """The loss of each point."""
        if z.dim() == 2:
            return self.of_one(z, y)
        models = z.flatten(0, -3)
        found = self.of_one(models[0], y)[None] if len(models) == 1 else vmap(self.of_one, (0, None))(models, y)
        return found.unflatten(0, z.shape[:-2])

    def of_one(self, z: Tensor, y: Tensor) -> Tensor:
        """The losses (b) under one model."""
        found = self.raw(z, y)
        if found.dim() == 1:
            return found
        return found.flatten(1).sum(1) if self.reduction == "sum" else found.flatten(1).mean(1)

    def raw(self, z: Tensor, y: Tensor) -> Tensor:
        """What the function itself gives."""
        with composite(plain=True):
            targets = y.long() if self.whole else y[:, None] if self.column else y
            return self.function(z.T.reshape(-1, *self.shape), targets)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """∂ℓ/∂z, by differentiation of the sum: each point has its own outputs."""
        return grad(lambda at: self.values(at, y).sum())(z)

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """(∂²ℓ/∂z²) v: the derivative of the gradient along each v."""
        slope = partial(self.gradients, y=y)
        found = vmap(lambda along: jvp(slope, (z,), (along,))[1])(v.reshape(-1, *z.shape))
        return found.reshape(v.shape)


@dataclass(frozen=True, eq=False)
class ReadLoss:
    """A loss as it was handed in.

    Attributes:
        labels: what it needs as labels.
        reduction: `mean` or `sum` over points, as it is trained.
        function: of outputs and targets, one loss a point; of torch's own losses one a target.
        closed: the loss of one label in closed form; None for one that is differentiated.
        own: whether it is one of torch's.
        ignored: the class of targets that take no part.
    """

    labels: str
    reduction: str
    function: Callable[..., Any]
    closed: OutputLoss | None = None
    own: bool = False
    ignored: int | None = None

    def made(self, *, shape: tuple[int, ...], column: bool, several: bool, whole: bool) -> OutputLoss:
        """The loss of a module whose outputs of a point have this shape."""
        if self.closed is not None and not several:
            return self.closed
        reduction = self.reduction if self.own else ""
        return TracedLoss(self.function, shape=shape, column=column, of_rows=several, whole=whole, reduction=reduction)


def read_loss(loss: Any, reduction: str | None, *, dtype: torch.dtype) -> ReadLoss:
    """A name, a module or a function as a loss of each point.

    Raises:
        WrongType: it is nothing of these.
        InvalidParameter: its mean is no mean of losses of points, or no such name or reduction.
    """
    if isinstance(loss, str):
        if loss not in NAMES:
            known = ", ".join(NAMES)
            raise InvalidParameter(f"loss is '{loss}', expected one of {known}, a loss of torch.nn or a function.")
        loss = NAMES[loss]()
    if isinstance(loss, type) or not callable(loss):
        step = f"Call it: {loss.__name__}()." if isinstance(loss, type) else "Give such as nn.CrossEntropyLoss()."
        raise WrongType(f"loss is {named(loss)}, expected a loss of torch.nn, a name or a function. {step}")
    used = reduced(loss, reduction)
    if not isinstance(loss, nn.Module):
        return ReadLoss(ANY, used, loss)
    check_weights(loss)
    each: Any = copy.deepcopy(loss).to(dtype)
    own = hasattr(each, "reduction")
    if own:
        each.reduction = "none"
    if isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
        plain = isinstance(loss, nn.CrossEntropyLoss) and loss.label_smoothing == 0
        return ReadLoss(CLASSES, used, each, CrossEntropy() if plain else None, own, loss.ignore_index)
    if isinstance(loss, nn.BCEWithLogitsLoss) and loss.pos_weight is None:
        return ReadLoss(TWO, used, each, BinaryCrossEntropy(), own)
    if isinstance(loss, nn.MSELoss):
        return ReadLoss(REAL, used, each, ScaledLoss(SquaredError(), 2.0), own)
    labels = REAL if isinstance(loss, EACH) else CLASSES if isinstance(loss, nn.MultiMarginLoss) else ANY
    return ReadLoss(labels, used, each, own=own)


def reduced(loss: Any, reduction: str | None) -> str:
    """Whether the mean or the sum of losses is trained, as the loss says, or the setting where it does not."""
    own = getattr(loss, "reduction", "none") if isinstance(loss, nn.Module) else "none"
    if own not in (*REDUCTIONS, "none"):
        raise InvalidParameter(f"The loss has reduction='{own}', which is no mean over points. Take 'mean' or 'sum'.")
    if reduction is not None and (reduction not in REDUCTIONS or own not in ("none", reduction)):
        raise InvalidParameter(
            f"reduction is '{reduction}' where the loss has '{own}'; expected 'mean' or 'sum', as it was trained. "
            "Leave it out where the loss says it."
        )
    return reduction or (own if own in REDUCTIONS else "mean")


def check_weights(loss: nn.Module) -> None:
    """Refuse weights of classes, by which torch divides, so that the mean is none of losses of points."""
    if getattr(loss, "weight", None) is not None:
        raise InvalidParameter(
            f"{type(loss).__name__} has weight=…, by which its mean is divided. Give a loss without, and the weight of "
            "each point as sample_weight=weight[y]: the objective is the same, and test losses then have no weights."
        )
