"""Training and test points as tensors, checked once, and the recipes that load them."""

import hashlib
from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.arrays import SCALINGS, Arrays, choose, numbering, parts, scale
from influencelab.errors import InvalidData, InvalidParameter, Unavailable
from influencelab.noun import Noun, fingerprint, kind_name


@dataclass(frozen=True, eq=False)
class Dataset(Noun):
    """n training points that a model is fitted to, and m test points whose loss is watched.

    Attributes:
        x_train: features of the training points.
        y_train: their classes 0 … c − 1 (int64) or real targets.
        x_test: features of the test points.
        y_test: their classes or targets.
        train_ids: where each training point stands in its source, kept through every subset: a point is the same
            point in two data sets of one source if its id is the same.
        test_ids: the same for test points.
        classes: c, the number of classes; 0 for regression.
        name: the source's name.

    Raises:
        InvalidData: NaN or infinite values, labels outside the classes, no test point, unequal lengths.
    """

    x_train: Float[Tensor, " n *shape"]
    y_train: Num[Tensor, " n"]
    x_test: Float[Tensor, " m *shape"]
    y_test: Num[Tensor, " m"]
    train_ids: Int[Tensor, " n"]
    test_ids: Int[Tensor, " m"]
    classes: int
    name: str = "data"

    def __post_init__(self) -> None:
        if self.classes < 0 or self.classes == 1:
            raise InvalidData(f"{self.name}: classes is {self.classes}, expected at least 2, or 0 for real targets.")
        check_part(self, "train", self.x_train, self.y_train, self.train_ids)
        check_part(self, "test", self.x_test, self.y_test, self.test_ids)
        if self.x_train.shape[1:] != self.x_test.shape[1:] or self.x_train.dtype != self.x_test.dtype:
            raise InvalidData(
                f"{self.name}: a training point is {tuple(self.x_train.shape[1:])} of {self.x_train.dtype}, a test "
                f"point {tuple(self.x_test.shape[1:])} of {self.x_test.dtype}. Give both the same features and dtype."
            )

    @property
    def n(self) -> int:
        """The number of training points."""
        return len(self.x_train)

    @property
    def m(self) -> int:
        """The number of test points."""
        return len(self.x_test)

    def content_hash(self) -> str:
        """SHA-256 over every value, label and id: two data sets with one hash give one result."""
        digest = hashlib.sha256(f"{self.name} {self.classes}".encode())
        for tensor in (self.x_train, self.y_train, self.x_test, self.y_test, self.train_ids, self.test_ids):
            array = numpy.ascontiguousarray(tensor.cpu().numpy())
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()

    def to(self, device: str | torch.device) -> "Dataset":
        """The same data on another device.

        Raises:
            Unavailable: there is no such device here.
        """
        usable(device)
        moved = {
            name: getattr(self, name).to(device)
            for name in ("x_train", "y_train", "x_test", "y_test", "train_ids", "test_ids")
        }
        return replace(self, **moved)


def usable(device: str | torch.device) -> None:
    """Refuse a device that is not here.

    Raises:
        Unavailable: torch cannot put a tensor there.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        here = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        reason = str(error).splitlines()[0].rstrip(".")
        raise Unavailable(f"Device '{device}' cannot be used: {reason}. There are here: {', '.join(here)}.") from error


def check_part(data: Dataset, part: str, x: Tensor, y: Tensor, ids: Tensor) -> None:
    """Refuse one part, training or test, that cannot be studied."""
    if not len(x) == len(y) == len(ids) or y.dim() != 1 or ids.dim() != 1:
        raise InvalidData(
            f"{data.name}: {part} features are {tuple(x.shape)}, labels {tuple(y.shape)} and ids {tuple(ids.shape)}. "
            "Give one label and one id per point, each as a flat row."
        )
    check_features(f"{data.name}: the {part} set", x, ids)
    if data.classes == 0:
        if not torch.isfinite(y).all():
            raise InvalidData(f"{data.name}: some {part} targets are NaN or infinite. Drop those points.")
        return
    if y.dtype != torch.int64:
        raise InvalidData(
            f"{data.name}: {part} labels are {y.dtype}, expected torch.int64 for {data.classes} classes. "
            "Give y.long(), or classes=0 for real targets."
        )
    if int(y.min()) < 0 or int(y.max()) >= data.classes:
        raise InvalidData(
            f"{data.name}: {part} labels go from {int(y.min())} to {int(y.max())}, "
            f"expected 0 … {data.classes - 1}. Renumber the labels or set `classes`."
        )


def check_features(who: str, x: Tensor, ids: Tensor) -> None:
    """Refuse features that are absent, not real, NaN or infinite."""
    if x.numel() == 0:
        raise InvalidData(
            f"{who} is empty: its features are {tuple(x.shape)}. Give at least one point and one feature."
        )
    if not x.is_floating_point():
        raise InvalidData(f"{who} has features of {x.dtype}, expected real numbers. Give x.double().")
    # The extremes of each point show NaN and infinity without a second array as large as the features.
    low, high = x.reshape(len(x), -1).aminmax(dim=1)
    bad = ~(torch.isfinite(low) & torch.isfinite(high))
    if bad.any():
        first = int(bad.nonzero()[0])
        raise InvalidData(
            f"{who} has {int(bad.sum())} points with NaN or infinite features, the first at row {first} "
            f"(id {int(ids[first])}). Impute or drop them before the study."
        )


@dataclass(frozen=True)
class Source(Noun):
    """A recipe for a data set: where it comes from and which part of it is used, in which order of choices.

    Attributes:
        scaling: `none`, `unit` (divide by the largest absolute value a training feature takes, so pixels run from
            0 to 1) or `standard` (zero mean, unit variance, by training statistics; a feature that is constant in
            training becomes 0 there).
        labels: keep only these classes, renumbered 0, 1, … in this order; empty means all.
        train_size: keep this many training points drawn at random; 0 means all. With one seed, a smaller draw is
            part of a larger one.
        test_size: keep this many test points, drawn in the same way; 0 means all.
        test_ids: test points that are always kept, first and in this order (counted within test_size).
        seed: of the random draws and of a random split.
    """

    scaling: str = "none"
    labels: tuple[int, ...] = ()
    train_size: int = 0
    test_size: int = 0
    test_ids: tuple[int, ...] = ()
    seed: int = 0

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything there is, before any choice."""

    def load(self) -> Dataset:
        """Read, choose and scale; features in float64.

        Raises:
            InvalidParameter: a choice that the source cannot meet.
            InvalidData: what was read cannot be studied.
            MissingData: a file could not be had.
        """
        check_choices(self)
        name = f"{kind_name(self)}-{fingerprint(self)[:8]}"
        train, test = parts(self.arrays())
        classes, renumber = numbering(train.y, self.labels)
        train = choose(train, seed=self.seed, size=self.train_size, labels=self.labels)
        test = choose(test, seed=self.seed, size=self.test_size, labels=self.labels, first=self.test_ids)
        for part in (train, test):
            # Before scaling, which would spread one NaN over every point.
            check_features(f"{name}: the {part.name} set", torch.from_numpy(part.x), torch.from_numpy(part.ids))
        scale(train.x, test.x, scaling=self.scaling)
        return Dataset(
            x_train=torch.from_numpy(train.x),
            y_train=torch.from_numpy(renumber(train.y)),
            x_test=torch.from_numpy(test.x),
            y_test=torch.from_numpy(renumber(test.y)),
            train_ids=torch.from_numpy(train.ids),
            test_ids=torch.from_numpy(test.ids),
            classes=classes,
            name=name,
        )


def check_choices(source: Source) -> None:
    """Refuse what can be known to be wrong before any file is read."""
    if source.scaling not in SCALINGS:
        raise InvalidParameter(f"scaling is '{source.scaling}', expected one of {', '.join(SCALINGS)}.")
    if source.seed < 0:
        raise InvalidParameter(f"seed is {source.seed}, expected a whole number ≥ 0.")
