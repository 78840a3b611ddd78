"""Points and labels as training met them: tensors and arrays, or a Dataset or DataLoader of torch in their place."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils import data as torch_data

from influencelab.adapters.networks.frozen_module import FrozenModule
from influencelab.adapters.networks.losses import ANY, CLASSES, REAL, TWO, ReadLoss
from influencelab.data import conversion
from influencelab.data.dataset import Dataset
from influencelab.data.names import check_rows, rows_of
from influencelab.errors import InvalidData, InvalidParameter, WrongType, named

# What a loader passes points on by in one order, each time.
STEADY = (torch_data.SequentialSampler, torch_data.BatchSampler)
PAIR = "a pair of a point and its label: (x, y)"


def points_of(x: Any, y: Any, *, what: str) -> tuple[Any, Any]:
    """Features and labels; those of a Dataset or DataLoader, read twice to see that both passes give the same.

    Raises:
        WrongType: neither labels nor what holds them; items that are no pairs.
        InvalidData: a loader that shuffles, or data that change from pass to pass.
    """
    if x is None:
        raise WrongType(
            f"{what} is None. Give points and labels, of training and of test points whose loss is watched."
        )
    held = isinstance(x, torch_data.Dataset | torch_data.DataLoader)
    labels = f"y{what.removeprefix('X')}"
    if held != (y is None):
        if held:
            raise WrongType(f"{what} is {named(x)}, which holds labels already. Leave {labels} out.")
        raise WrongType(f"{labels} is missing. Give a label a point, or a Dataset or DataLoader of torch as {what}.")
    if not held:
        return x, y
    if isinstance(x, torch_data.DataLoader):
        sampler = x.batch_sampler if isinstance(x.sampler, STEADY) and x.batch_sampler is not None else x.sampler
        if not isinstance(sampler, STEADY) and not isinstance(x.dataset, torch_data.IterableDataset):
            raise InvalidData(
                f"{what} is a DataLoader that draws its order ({type(sampler).__name__}), so that its rows are no "
                "fixed points. Give its dataset (loader.dataset), or one with shuffle=False."
            )
    first, again = (read(x, what=what) for _ in range(2))
    if any(one.shape != two.shape or not torch.equal(one, two) for one, two in zip(first, again, strict=True)):
        raise InvalidData(
            f"{what} gives other values in a second pass: it shuffles or augments. Give each point as it is, without "
            "random transforms, such as the transform that you test with, and in one order: shuffle=False."
        )
    return first


def read(given: Any, *, what: str) -> tuple[Tensor, Tensor]:
    """One pass over all points."""
    batched = isinstance(given, torch_data.DataLoader) and given.batch_size is not None
    rows, labels = [], []
    for item in items(given):
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise WrongType(f"An item of {what} is {named(item)}, expected {PAIR}. Wrap the Dataset to give such.")
        x, y = (torch.as_tensor(part) for part in item)
        rows.append(x if batched else x[None])
        labels.append(y if batched else y[None])
    if not rows:
        raise InvalidData(f"{what} is empty: it gives no point. Give at least one.")
    return torch.cat(rows).detach(), torch.cat(labels).detach()


def items(given: Any) -> Iterator[Any]:
    """The items of a loader or data set in its order."""
    passes = isinstance(given, torch_data.DataLoader | torch_data.IterableDataset)
    yield from given if passes else (given[place] for place in range(len(given)))


def features(given: Any, *, what: str) -> Tensor:
    """Points as the module takes them, whole numbers left as they are."""
    x = conversion.numbers_in(given, what=what)
    if x.dim() < 2:
        raise InvalidData(f"{what} is {tuple(x.shape)}, expected a row a point, such as {what}[:, None].")
    return x


def labels_in(given: Any, *, read: ReadLoss, shape: tuple[int, ...], points: int, what: str) -> Tensor:
    """Labels as a flat row, classes as whole numbers and targets as real ones; or a row of targets a point.

    Raises:
        InvalidData: a label a point was not given, or labels are of another kind than the loss needs.
    """
    y = conversion.column(given, what=what)
    if not isinstance(y, Tensor):
        raise WrongType(
            f"{what} holds texts, expected numbers: of the module's outputs, or targets. Number the classes."
        )
    y = y[:, 0] if y.dim() == 2 and y.shape[1] == 1 else y
    if y.dim() == 0 or not y.numel():
        raise InvalidData(f"{what} is {tuple(y.shape)}, expected a label or target a point, or a row of targets each.")
    if len(y) != points:
        raise InvalidData(f"X{what[1:]} and {what} have {points} and {len(y)} rows. Give one label a point.")
    if not y.isfinite().all():
        raise InvalidData(f"{what} has NaN or infinite values. Drop those points.")
    needs, count = read.labels, math.prod(shape)
    if needs in (REAL, TWO):
        check_targets(y, two=needs == TWO, count=count, what=what)
    if needs == CLASSES and not (y.is_floating_point() and y.dim() > 1 and y.shape[1:] == shape):
        check_classes(y, read=read, shape=shape, what=what)
    real = y.is_floating_point() or needs == REAL
    if y.dim() > 1:
        return y.double() if real or needs == TWO or y.dtype == torch.bool else y.long()
    if needs == TWO:
        return y.long()
    return y.double() if real or (needs == ANY and (int(y.min()) < 0 or int(y.max()) >= max(2, count))) else y.long()


def check_targets(y: Tensor, *, two: bool, count: int, what: str) -> None:
    """Refuse real targets, or such as say of each output whether it is, that are not as many as outputs."""
    if count != y[0].numel():
        raise InvalidParameter(
            f"The module gives {count} outputs a point, and this loss takes one a target, of which {what} has "
            f"{y[0].numel()} a point. Give as many, or a function as loss that gives one number a point."
        )
    if two and not ((y == 0) | (y == 1)).all():
        raise InvalidData(
            f"{what} has values other than 0 and 1. Give such, or a function as loss: lambda z, y: "
            "binary_cross_entropy_with_logits(z, y, reduction='none')."
        )


def check_classes(y: Tensor, *, read: ReadLoss, shape: tuple[int, ...], what: str) -> None:
    """Refuse classes, one a point or a row such as next tokens, that do not go with a module's outputs or the loss."""
    wanted, count = tuple(y.shape[1:]), shape[0] if shape else 1
    if shape[1:] != wanted:
        rows = "one class" if not wanted else f"classes of shape {wanted}"
        raise InvalidData(
            f"{what} is {tuple(y.shape)}, {rows} a point, and the module gives outputs of shape {shape}; torch's loss "
            f"takes {('classes', *wanted)}. Where classes stand last, give a function as loss: lambda z, y: "
            "cross_entropy(z.transpose(1, 2), y, reduction='none').mean(1)."
        )
    kept = y[y != read.ignored]
    if len(kept) < y.numel() and not wanted:
        raise InvalidData(
            f"{what} has {y.numel() - len(kept)} points of class {read.ignored}, which the loss ignores. Leave these "
            "points out."
        )
    if len(kept) < y.numel() and read.reduction == "mean":
        raise InvalidData(
            f"{what} has {y.numel() - len(kept)} targets of class {read.ignored}, which the loss ignores, so that its "
            "mean is none over points. Train its sum; or give a function that takes each point's own mean, and as "
            f"sample_weight how many targets each has: (y != {read.ignored}).sum(1)."
        )
    if y.is_floating_point() or (len(kept) and (int(kept.min()) < 0 or int(kept.max()) >= count)):
        raise InvalidData(
            f"{what} goes from {y.min():g} to {y.max():g} in {str(y.dtype).removeprefix('torch.')}, expected "
            f"whole numbers 0 … {count - 1}, one of the module's {count} outputs. Give such, as y.long()."
        )


def dataset_of(module: FrozenModule, parts: dict[str, tuple[Any, Any]], *, read: ReadLoss) -> tuple[Dataset, bool]:
    """Training and test points in the type of the parameters, on their device; rows go by a table's own names.

    Also, whether rows of targets are whole numbers.
    """
    like, shape, found = module.theta, module.traits.shape, {}
    for part, (x, y) in parts.items():
        what = "" if part == "train" else "_test"
        check_rows(x, y, part=part)
        points = features(x, what=f"X{what}")
        labels = labels_in(y, read=read, shape=shape, points=len(points), what=f"y{what}")
        if not labels.is_floating_point() and not torch.equal(labels.to(like.dtype).long(), labels):
            raise InvalidData(f"y{what} has whole numbers larger than {like.dtype} can hold. Give targets in float64.")
        if module.whole and (
            points.is_floating_point() or not torch.equal(points.to(like.dtype).long(), points.long())
        ):
            kind = str(points.dtype).removeprefix("torch.")
            raise InvalidData(
                f"X{what} is {kind}, and the module takes whole numbers that {like.dtype} can hold. Give integers."
            )
        ids, names = rows_of(None, x, y, names=None, count=len(points), what=part)
        found |= {f"x_{part}": points.to("cpu", like.dtype), f"y_{part}": labels.cpu()}
        found |= {f"{part}_ids": ids, f"{part}_names": names}
    train, test = found["y_train"], found["y_test"]
    if train.is_floating_point() != test.is_floating_point():
        found |= {"y_train": train.double(), "y_test": test.double()}
    real = train.is_floating_point() or test.is_floating_point() or train.dim() > 1
    classes = 0 if real else max(2, module.traits.outputs)
    data = Dataset(**found, classes=classes, name=f"data of {type(module.module).__name__}").to(like.device)
    return data, train.dim() > 1 and not (train.is_floating_point() or test.is_floating_point())
