"""Training and test points as tensors, checked once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data import conversion
from influencelab.data.names import check_rows, column_names, names_in, rows_of
from influencelab.data.sparse_rows import SparseRows, written_out
from influencelab.errors import InvalidData, Unavailable, WrongType, whole
from influencelab.recipe import Recipe, settle
from influencelab.summary import Summarised, by_name, few

__all__ = ["Dataset"]

BOTH_PARTS = (
    "Give features and labels of training points and of the test points whose losses are watched; one table is parted "
    "by sklearn.model_selection.train_test_split."
)
# Targets of a point that results show.
TARGETS = 6
TENSORS = ("x_train", "y_train", "x_test", "y_test", "train_ids", "test_ids")


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Dataset(Recipe, Summarised):
    """n training points that a model is fitted to, and m test points whose loss is watched.

    It takes tensors, NumPy arrays, sparse matrices, pandas tables and lists, and keeps float32 where features have it;
    numbers of another kind become float64. All but tensors are copied. Large sparse matrices of SciPy, and tables of
    sparse columns, stay sparse where most numbers are 0 (`SparseRows`); only linear tasks compute with them.

    Attributes:
        x_train: features of the training points, a row a point.
        y_train: their classes 0 … c − 1 (int64) or real targets. Texts and truth values are numbered, in the order of
            `class_names`, else of their categories, else of the alphabet. A row of targets a point, such as the next
            tokens of a text, where these are real numbers or classes=0 is said; only modules of torch take such.
        x_test: features of the test points.
        y_test: their classes or targets.
        train_ids: where each training point stands in its source, kept through every subset: a point is the same
            point in two data sets of one source if its id is the same. By default the whole numbers that index the
            table in which features (or labels) are given, else row numbers. Texts and dates become `train_names`.
        test_ids: the same for test points.
        classes: c, the number of classes; 0 for regression. By default as many as labels show; 0 if they are real.
        name: the source's name.
        feature_names: of the columns; by default those of the table in which features are given, if it is one.
        class_names: of the classes, in the order of their numbers, where they have names.
        train_names: of the ids 0, 1, … of training points, where a table's rows (or the ids given) have names that are
            no whole numbers; results show them in place of ids.
        test_names: the same for test points.

    Raises:
        InvalidData: NaN or infinite values, labels outside the classes, no test point, unequal lengths, two rows of
            one name, rows or columns of pandas in different orders, sparse features too large with their zeros.
        WrongType: features or labels that are no numbers.
    """

    x_train: Float[Tensor, " n *shape"]
    y_train: Num[Tensor, " n *target"]
    x_test: Float[Tensor, " m *shape"]
    y_test: Num[Tensor, " m *target"]
    train_ids: Int[Tensor, " n"]
    test_ids: Int[Tensor, " m"]
    classes: int
    name: str = "data"
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    train_names: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()

    def __init__(
        self,
        x_train: Any = None,
        y_train: Any = None,
        x_test: Any = None,
        y_test: Any = None,
        train_ids: Any = None,
        test_ids: Any = None,
        classes: int | None = None,
        name: str = "data",
        *,
        feature_names: Sequence[str] = (),
        class_names: Sequence[str] = (),
        train_names: Sequence[str] = (),
        test_names: Sequence[str] = (),
    ) -> None:
        for what, given in (("x_train", x_train), ("y_train", y_train), ("x_test", x_test), ("y_test", y_test)):
            if given is None:
                raise WrongType(f"{what} is None, expected numbers. {BOTH_PARTS}")
        x, x_other = (conversion.features(each, what=what) for each, what in ((x_train, "x_train"), (x_test, "x_test")))
        y, y_other, classes, class_names = conversion.labels(
            y_train,
            y_test,
            classes=None if classes is None else whole(classes, what="classes"),
            names=names_in(class_names, what="class_names"),
        )
        check_rows(x_train, y_train, part="train")
        check_rows(x_test, y_test, part="test")
        train = rows_of(train_ids, x_train, y_train, names=train_names, count=len(x), what="train")
        test = rows_of(test_ids, x_test, y_test, names=test_names, count=len(x_other), what="test")
        settle(
            self,
            x_train=x,
            y_train=y if classes else y.to(x.dtype),
            x_test=x_other,
            y_test=y_other if classes else y_other.to(x_other.dtype),
            train_ids=train[0],
            test_ids=test[0],
            classes=classes,
            name=name,
            feature_names=names_in(feature_names, what="feature_names") or column_names(x_train, x_test),
            class_names=class_names,
            train_names=train[1],
            test_names=test[1],
        )
        check(self)

    def summary(self) -> dict[str, str]:
        """Sizes, kind of labels, type of numbers."""
        several = self.y_train.shape[1:]
        kind = f"{' × '.join(map(str, several))} targets each" if several else "real targets"
        kind = f"{self.classes} classes" if self.classes else kind
        return {
            "name": self.name,
            "training points": f"{self.n:,}" + few(self.shown_ids("train") if self.train_names else ()),
            "test points": f"{self.m:,}" + few(self.shown_ids("test") if self.test_names else ()),
            "features": " × ".join(map(str, self.x_train.shape[1:])) + few(self.feature_names),
            "labels": kind + few(self.class_names),
            "numbers": f"{self.x_train.dtype} on {self.x_train.device}".removeprefix("torch."),
            **({"sparse": f"{x.stored:,} numbers stored"} if isinstance(x := self.x_train, SparseRows) else {}),
        }

    def shown_labels(self, y: Num[Tensor, " b *target"]) -> numpy.ndarray:
        """Labels or targets as people read them: by the names of the classes, where these have names."""
        if y.dim() > 1:
            return by_name(numpy.arange(len(y)), [listed(each) for each in y.flatten(1).tolist()])
        return by_name(y.detach().cpu().numpy(), self.class_names)

    def shown_ids(self, part: str) -> numpy.ndarray:
        """Ids of the `train` or `test` points as people read them: by the names of the rows, where these have names."""
        return by_name(getattr(self, f"{part}_ids").cpu().numpy(), getattr(self, f"{part}_names"))

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
            for array in arrays_of(getattr(self, name)):
                digest.update(f"{array.dtype} {array.shape}".encode())
                digest.update(array.data)
        return digest.hexdigest()

    def written_out(self) -> "Dataset":
        """The same data with all zeros of its features, which is this one unless it is sparse.

        Raises:
            InvalidData: they take too much memory.
        """
        x, x_test = self.x_train, self.x_test
        if not (isinstance(x, SparseRows) or isinstance(x_test, SparseRows)):
            return self
        return replace(self, x_train=written_out(x), x_test=written_out(x_test))

    def to(self, device: str | torch.device) -> "Dataset":
        """The same data on another device.

        Raises:
            Unavailable: there is no such device here.
        """
        usable(device)
        return replace(self, **{name: getattr(self, name).to(device) for name in TENSORS})


def listed(targets: list[float]) -> str:
    """The targets of one point as people read them."""
    return ", ".join(f"{each:.4g}" for each in targets[:TARGETS]) + (", …" if len(targets) > TARGETS else "")


def arrays_of(values: Tensor) -> list[numpy.ndarray]:
    """All that a tensor holds."""
    if not isinstance(values, SparseRows):
        return [numpy.ascontiguousarray(values.cpu().numpy())]
    matrix = values.matrix
    return [numpy.array(values.shape), *map(numpy.ascontiguousarray, (matrix.data, matrix.indices, matrix.indptr))]


def check(data: Dataset) -> None:
    """Refuse data that no honest study can use."""
    if data.classes < 0 or data.classes == 1:
        raise InvalidData(
            f"{data.name}: classes is {data.classes}, expected at least 2, or 0 for real targets. Give labels of at "
            "least two classes, or say classes=2."
        )
    check_part(data, "train")
    check_part(data, "test")
    if data.x_train.shape[1:] != data.x_test.shape[1:] or data.x_train.dtype != data.x_test.dtype:
        raise InvalidData(
            f"{data.name}: a training point is {tuple(data.x_train.shape[1:])} of {data.x_train.dtype}, a test "
            f"point {tuple(data.x_test.shape[1:])} of {data.x_test.dtype}. Give both the same features and dtype."
        )
    if data.y_train.shape[1:] != data.y_test.shape[1:]:
        raise InvalidData(
            f"{data.name}: a training point has targets of shape {tuple(data.y_train.shape[1:])}, a test point of "
            f"{tuple(data.y_test.shape[1:])}. Give both as many."
        )
    width = data.x_train.shape[1] if data.x_train.dim() == 2 else 0
    for what, names, count in (("feature", data.feature_names, width), ("class", data.class_names, data.classes)):
        if names and len(names) != count:
            raise InvalidData(f"{data.name}: there are {len(names)} {what}_names, expected {count} or none.")


def usable(device: str | torch.device) -> None:
    """Refuse a device that is not here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        here = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        reason = str(error).splitlines()[0].rstrip(".")
        raise Unavailable(f"Device '{device}' cannot be used: {reason}. There are here: {', '.join(here)}.") from error


def check_part(data: Dataset, part: str) -> None:
    """Refuse one part, training or test, that cannot be studied."""
    x, y, ids = (getattr(data, name) for name in (f"x_{part}", f"y_{part}", f"{part}_ids"))
    flat = y.dim() == 1 or (data.classes == 0 and y.shape[1:].numel() > 1)
    if not len(x) == len(y) == len(ids) or not flat or ids.dim() != 1:
        raise InvalidData(
            f"{data.name}: {part} features are {tuple(x.shape)}, labels {tuple(y.shape)} and ids {tuple(ids.shape)}. "
            "Give one label and one id per point, each as a flat row."
        )
    check_features(f"{data.name}: the {part} set", x, data.shown_ids(part))
    if data.classes == 0:
        if not torch.isfinite(y).all():
            raise InvalidData(f"{data.name}: some {part} targets are NaN or infinite. Drop those points.")
        return
    if y.dtype != torch.int64:
        raise InvalidData(
            f"{data.name}: {part} labels are {y.dtype}, real numbers, expected whole ones (torch.int64) for "
            f"{data.classes} classes. Give integers, such as y.long() or y.astype(int), or classes=0 for real targets."
        )
    if int(y.min()) < 0 or int(y.max()) >= data.classes:
        raise InvalidData(
            f"{data.name}: {part} labels go from {int(y.min())} to {int(y.max())}, "
            f"expected 0 … {data.classes - 1}. Renumber the labels or set `classes`."
        )


def check_features(what: str, x: Tensor, ids: numpy.ndarray) -> None:
    """Refuse features that are absent, not real, NaN or infinite."""
    if x.numel() == 0:
        raise InvalidData(
            f"{what} is empty: its features are {tuple(x.shape)}. Give at least one point and one feature."
        )
    if not x.is_floating_point():
        raise InvalidData(f"{what} has features of {x.dtype}, expected real numbers. Give x.double().")
    # A sum shows NaN and infinity; so do the extremes of each point, without a second array as large as the features.
    if not isinstance(x, SparseRows) and torch.isfinite(x.sum()):
        return
    low, high = (x.sum(1),) * 2 if isinstance(x, SparseRows) else x.reshape(len(x), -1).aminmax(dim=1)
    bad = ~(torch.isfinite(low) & torch.isfinite(high))
    if bad.any():
        first = int(bad.nonzero()[0])
        raise InvalidData(
            f"{what} has {int(bad.sum())} points with NaN or infinite features, the first at row {first} "
            f"(id {ids[first]}). Impute or drop them before the study."
        )
