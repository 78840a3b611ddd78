"""NumPy arrays of a source, and the choices made on them: rows, scaling, numbering of classes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy
from jaxtyping import Float, Int, Num
from torch import Tensor

from influencelab.data.conversion import column, numbers_in, positions
from influencelab.errors import InvalidData, InvalidParameter, WrongType, require

SCALINGS = ("none", "unit", "standard")

# Every random choice draws from its own stream, so that choosing fewer training points leaves the test points alone.
STREAMS = ("split", "train", "test")


class Arrays(NamedTuple):
    """Every training point and every test point that a source has, before any choice.

    Labels are integers for classes and real numbers for regression. Ids say where each point stands in the source;
    left out, they count 0, 1, … within each part.
    """

    x_train: Num[numpy.ndarray, " n *shape"]
    y_train: Num[numpy.ndarray, " n"]
    x_test: Num[numpy.ndarray, " m *shape"]
    y_test: Num[numpy.ndarray, " m"]
    train_ids: Int[numpy.ndarray, " n"] | None = None
    test_ids: Int[numpy.ndarray, " m"] | None = None


class Part(NamedTuple):
    """The training points or the test points (`name` says which): features, labels and ids, row by row."""

    name: str
    x: Num[numpy.ndarray, " n *shape"]
    y: Num[numpy.ndarray, " n"]
    ids: Int[numpy.ndarray, " n"]


def parts(arrays: Arrays) -> tuple[Part, Part]:
    """Training and test part, each with its ids; what a source holds otherwise than in NumPy is converted.

    Raises:
        WrongType: these are no `Arrays`, or hold no numbers.
        InvalidData: their lengths differ, there are no points, or one id belongs to several.
    """
    require(arrays, Arrays, what="What arrays() returned", cure="Return Arrays(x_train, y_train, x_test, y_test).")
    arrays = Arrays(*(as_numpy(each, what=name) for name, each in zip(Arrays._fields, arrays, strict=True)))
    train = part_of("train", arrays.x_train, arrays.y_train, arrays.train_ids)
    return train, part_of("test", arrays.x_test, arrays.y_test, arrays.test_ids)


def as_numpy(given: Any, *, what: str) -> Any:
    """One of the `Arrays` as NumPy, in its own type; what is that, or is left out, stays as it is."""
    if given is None or isinstance(given, numpy.ndarray):
        return given
    if what.endswith("ids"):
        return positions(given, what=what).numpy()
    found = column(given, what=what) if what.startswith("y") else numbers_in(given, what=what)
    if not isinstance(found, Tensor):
        raise WrongType(f"{what} holds texts, expected numbers. Number the classes 0, 1, … in the source.")
    return found.numpy()


def part_of(name: str, x: numpy.ndarray, y: numpy.ndarray, ids: numpy.ndarray | None) -> Part:
    """One part, its ids counted where the source gives none."""
    ids = numpy.arange(len(y)) if ids is None else ids.astype(numpy.int64)
    if not len(x) == len(y) == len(ids):
        raise InvalidData(
            f"The source has {len(x)} {name} points, {len(y)} labels and {len(ids)} ids; give one of each."
        )
    if len(ids) == 0:
        raise InvalidData(f"The source has no {name} points. Give at least one.")
    if len(numpy.unique(ids)) < len(ids):
        raise InvalidData(f"The source gives one id to several {name} points. Give each point its own id.")
    return Part(name, x, y, ids)


def hold_out(x: Any, y: Any, *, held_out: int, seed: int) -> Arrays:
    """Split one collection at random: `held_out` test points, the rest for training; ids are rows of the collection."""
    x, y = as_numpy(x, what="x"), as_numpy(y, what="y")
    if len(x) != len(y):
        raise InvalidData(f"x has {len(x)} rows and y {len(y)} labels; give one label a row.")
    if not 0 < held_out < len(x):
        raise InvalidParameter(f"held_out is {held_out}, expected 1 … {len(x) - 1} of the {len(x)} points.")
    shuffled = numpy.random.default_rng((seed, STREAMS.index("split"))).permutation(len(x))
    test, train = numpy.sort(shuffled[:held_out]), numpy.sort(shuffled[held_out:])
    return Arrays(x[train], y[train], x[test], y[test], train_ids=train, test_ids=test)


def choose(part: Part, *, seed: int, size: int, labels: tuple[int, ...] = (), first: tuple[int, ...] = ()) -> Part:
    """The points with ids `first` in that order, then a random draw up to `size` in ascending order; x in float64."""
    if len(set(first)) < len(first):
        raise InvalidParameter(f"{part.name}_ids names a point twice: {first}. Name each point once.")
    allowed = numpy.flatnonzero(numpy.isin(part.y, labels)) if labels else numpy.arange(len(part.y))
    row_of = dict(zip(part.ids[allowed].tolist(), allowed.tolist(), strict=True)) if first else {}
    foreign = [point for point in first if point not in row_of]
    if foreign:
        among = f" of classes {labels}" if labels else ""
        raise InvalidParameter(
            f"{part.name}_ids names point {foreign[0]}, not one of the {len(allowed)} {part.name} points{among}. "
            f"Load without {part.name}_ids to see the ids there are."
        )
    if size < 0 or size > len(allowed) or 0 < size < len(first):
        raise InvalidParameter(
            f"{part.name}_size is {size}, expected {max(1, len(first))} … {len(allowed)}, or 0 for all."
        )
    kept = numpy.array([row_of[point] for point in first], dtype=numpy.int64)
    others = allowed[~numpy.isin(allowed, kept)]
    if size:
        stream = numpy.random.default_rng((seed, STREAMS.index(part.name)))
        others = numpy.sort(stream.permutation(others)[: size - len(kept)])
    rows = numpy.concatenate([kept, others])
    return Part(part.name, part.x[rows].astype(numpy.float64, copy=False), part.y[rows], part.ids[rows])


def scale(train: Float[numpy.ndarray, " n *shape"], test: Float[numpy.ndarray, " m *shape"], *, scaling: str) -> None:
    """Scale both parts in place by what the training part shows: 55,000 images must not be held twice."""
    if scaling == "unit":
        largest = max(float(train.max()), -float(train.min())) or 1.0
        train /= largest
        test /= largest
    if scaling == "standard":
        # A mean is rounded, so the spread of a constant feature may come out as 1e-17 and must not be divided by.
        constant = train.max(0) == train.min(0)
        centre = numpy.where(constant, train[0], train.mean(0))
        train -= centre
        test -= centre
        spread = numpy.sqrt(numpy.einsum("n...,n...->...", train, train) / len(train))
        spread[spread == 0] = 1.0
        train /= spread
        test /= spread


def numbering(
    y: Num[numpy.ndarray, " n"], labels: tuple[int, ...]
) -> tuple[int, Callable[[numpy.ndarray], numpy.ndarray]]:
    """The number of classes (0 for real targets) and the function that renumbers labels of these classes."""
    if numpy.issubdtype(y.dtype, numpy.floating):
        if labels:
            raise InvalidParameter(f"labels is {labels}, but the targets are real numbers. Leave labels empty.")
        return 0, lambda part: part.astype(numpy.float64)
    if not numpy.issubdtype(y.dtype, numpy.integer):
        raise InvalidData(f"The labels are {y.dtype}, expected integers 0, 1, … or real numbers. Number the classes.")
    if not labels:
        return int(y.max()) + 1, lambda part: part.astype(numpy.int64)
    present = numpy.unique(y).tolist()
    if len(labels) < 2 or len(set(labels)) < len(labels) or not set(labels) <= set(present):
        raise InvalidParameter(f"labels is {labels}, expected at least two different classes of {present}.")
    order = numpy.argsort(labels)
    return len(labels), lambda part: order[numpy.searchsorted(labels, part, sorter=order)].astype(numpy.int64)
