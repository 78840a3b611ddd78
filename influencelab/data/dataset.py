"""Training and test points as tensors, checked once."""

import hashlib
from dataclasses import dataclass, replace

import numpy
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.errors import InvalidData, Unavailable
from influencelab.recipe import Recipe

__all__ = ["Dataset"]

TENSORS = ("x_train", "y_train", "x_test", "y_test", "train_ids", "test_ids")


@dataclass(frozen=True, eq=False)
class Dataset(Recipe):
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
        for name in TENSORS:
            array = numpy.ascontiguousarray(getattr(self, name).cpu().numpy())
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()

    def to(self, device: str | torch.device) -> "Dataset":
        """The same data on another device.

        Raises:
            Unavailable: there is no such device here.
        """
        usable(device)
        return replace(self, **{name: getattr(self, name).to(device) for name in TENSORS})


def usable(device: str | torch.device) -> None:
    """Refuse a device that is not here."""
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


def check_features(what: str, x: Tensor, ids: Tensor) -> None:
    """Refuse features that are absent, not real, NaN or infinite."""
    if x.numel() == 0:
        raise InvalidData(
            f"{what} is empty: its features are {tuple(x.shape)}. Give at least one point and one feature."
        )
    if not x.is_floating_point():
        raise InvalidData(f"{what} has features of {x.dtype}, expected real numbers. Give x.double().")
    # The extremes of each point show NaN and infinity without a second array as large as the features.
    low, high = x.reshape(len(x), -1).aminmax(dim=1)
    bad = ~(torch.isfinite(low) & torch.isfinite(high))
    if bad.any():
        first = int(bad.nonzero()[0])
        raise InvalidData(
            f"{what} has {int(bad.sum())} points with NaN or infinite features, the first at row {first} "
            f"(id {int(ids[first])}). Impute or drop them before the study."
        )
