"""Points of one data set for display: pictures, features or text, with their labels."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
from jaxtyping import Float, Int, Num, UInt8
from PIL import Image

from influencelab.errors import InvalidData, InvalidParameter

# Pictures a row of the sprite sheet, and how many features of a point are shown as a table at most.
COLUMNS, READABLE = 40, 30


@dataclass(frozen=True, eq=False)
class Points:
    """Training and test points that pairs speak of; all but ids may be unknown.

    Attributes:
        name: of the data, such as `digits`.
        train_ids: where each training point stands in its source; the number of each group that is removed as one.
        test_ids: the same for test points.
        train_labels: classes or targets; NaN where unknown, and for groups.
        test_labels: the same for test points.
        classes: how many classes there are; 0 for targets, groups, and where it is unknown.
        train: what each training point is, before scaling: pictures (n h w), features (n d), or None.
        test: the same for test points.
        features: the name of each of the d features, with its unit.
        train_texts: the words of each training point, where it is a text; else empty.
        test_texts: the same for test points.
        grouped: whether a training "point" is a group of points.
    """

    name: str
    train_ids: Int[numpy.ndarray, " n"]
    test_ids: Int[numpy.ndarray, " m"]
    train_labels: Float[numpy.ndarray, " n"]
    test_labels: Float[numpy.ndarray, " m"]
    classes: int = 0
    train: Num[numpy.ndarray, " n *shape"] | None = None
    test: Num[numpy.ndarray, " m *shape"] | None = None
    features: tuple[str, ...] = ()
    train_texts: tuple[str, ...] = ()
    test_texts: tuple[str, ...] = ()
    grouped: bool = False

    def __post_init__(self) -> None:
        for part, count in (("train", len(self.train_ids)), ("test", len(self.test_ids))):
            held = getattr(self, part), getattr(self, f"{part}_labels"), getattr(self, f"{part}_texts") or None
            sizes = [len(each) for each in held if each is not None]
            if any(size != count for size in sizes):
                raise InvalidData(
                    f"{self.name}: {count} {part} ids come with {sizes} values; give one of each a point."
                )

    @property
    def kind(self) -> str:
        """`images`, `texts`, `features` or `none`: how a point is shown."""
        if self.train_texts:
            return "texts"
        if self.train is None or self.test is None:
            return "none"
        return "images" if self.train.ndim > 2 else "features"

    def only(self, train: Int[numpy.ndarray, " t"], test: Int[numpy.ndarray, " s"]) -> "Points":
        """Some of the points, by their places here."""
        changes: dict[str, Any] = {}
        for part, rows in (("train", train), ("test", test)):
            held = getattr(self, part)
            texts = getattr(self, f"{part}_texts")
            changes |= {
                part: None if held is None else held[rows],
                f"{part}_ids": getattr(self, f"{part}_ids")[rows],
                f"{part}_labels": getattr(self, f"{part}_labels")[rows],
                f"{part}_texts": tuple(texts[row] for row in rows) if texts else (),
            }
        return replace(self, **changes)

    def pictures(self) -> UInt8[numpy.ndarray, "k h w"]:
        """Every picture in 256 greys, training points first; the darkest value any has is 0, the brightest 255."""
        if self.kind != "images" or self.train is None or self.test is None:
            raise InvalidData(f"{self.name} holds no pictures.")
        both = numpy.concatenate([self.train, self.test]).astype(numpy.float64)
        # Colours, wherever they stand, are mixed into one grey.
        both = both.mean(1) if both.ndim == 4 and both.shape[1] <= 4 else both
        both = both.mean(-1) if both.ndim == 4 else both
        low, high = both.min(), both.max()
        return numpy.round(255 * (both - low) / max(high - low, 1e-300)).astype(numpy.uint8)


def places(ids: Iterable[int], wanted: Iterable[int]) -> list[int]:
    """The places of the wanted points among all, by their ids; an InvalidParameter error where one is missing."""
    known = {identity: place for place, identity in enumerate(ids)}
    missing = [each for each in wanted if each not in known]
    if missing:
        raise InvalidParameter(f"Point {missing[0]} is not among the {len(known)} of this network.")
    return [known[each] for each in wanted]


def readable(shape: Sequence[int]) -> bool:
    """Whether points of this shape can be shown: as pictures, or as a short table."""
    return len(shape) > 1 or (len(shape) == 1 and shape[0] <= READABLE)


def sprite_sheet(pictures: UInt8[numpy.ndarray, "k h w"]) -> bytes:
    """All pictures side by side in one PNG, `COLUMNS` a row."""
    count, height, width = pictures.shape
    rows = -(-count // COLUMNS)
    sheet = numpy.zeros((rows * COLUMNS, height, width), numpy.uint8)
    sheet[:count] = pictures
    sheet = sheet.reshape(rows, COLUMNS, height, width).swapaxes(1, 2).reshape(rows * height, COLUMNS * width)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=True)
    return file.getvalue()


def pictures_in(file: bytes, *, count: int, shape: tuple[int, ...]) -> UInt8[numpy.ndarray, "k h w"]:
    """The first `count` pictures of a sprite sheet."""
    height, width = shape
    rows = -(-count // COLUMNS)
    apart = numpy.asarray(Image.open(io.BytesIO(file))).reshape(rows, height, COLUMNS, width).swapaxes(1, 2)
    return apart.reshape(rows * COLUMNS, height, width)[:count]
