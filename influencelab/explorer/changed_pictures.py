"""Training pictures before and after a change, and what changed, made visible."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy
from jaxtyping import Float, Int, Num, UInt8

from influencelab.explorer.sprites import COLUMNS, blocks, laid_out, levels, pictures_in, smaller, sprite_sheet

# Times that a change is shown larger, the first at which at most that share of the pixels leaves the range.
FACTORS, CUT = (50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5), 0.02
# Pixels of the longer side beyond which these pictures are made smaller.
SIDE = 160
MIDDLE = 128
PICTURES, KEPT = ("before", "after", "difference"), ("rows", "tests", "factor", "labels")


@dataclass(frozen=True, eq=False)
class ChangedPictures:
    """Some training points before and after they were changed.

    Attributes:
        rows: which training points, by their places; one may be there several times, changed for one test point each.
        tests: the place of the test point that each was changed for; −1 for all of them.
        before: their pictures, in 256 levels.
        after: those that came in their places.
        difference: after less before, `factor` times as large, around the middle level, which is no change.
        factor: how many times.
        labels: the label that each has after; NaN where it keeps its own.
    """

    rows: Int[numpy.ndarray, " t"]
    tests: Int[numpy.ndarray, " t"]
    before: UInt8[numpy.ndarray, "t h w *colours"]
    after: UInt8[numpy.ndarray, "t h w *colours"]
    difference: UInt8[numpy.ndarray, "t h w *colours"]
    factor: float
    labels: Float[numpy.ndarray, " t"]

    def only(self, train: Int[numpy.ndarray, " k"], test: Int[numpy.ndarray, " j"]) -> "ChangedPictures | None":
        """Those of some training and test points, which are numbered anew; None where there is none."""
        kept = numpy.isin(self.rows, train) & ((self.tests < 0) | numpy.isin(self.tests, test))
        if not kept.any():
            return None
        rows = numpy.searchsorted(train, self.rows[kept])
        tests = numpy.where(self.tests[kept] < 0, -1, numpy.searchsorted(test, self.tests[kept]))
        parts = {name: getattr(self, name)[kept] for name in (*PICTURES, "labels")}
        return replace(self, rows=rows, tests=tests, **parts)


def changed_pictures(
    rows: Int[numpy.ndarray, " t"],
    tests: Int[numpy.ndarray, " t"],
    before: Num[numpy.ndarray, " t *shape"],
    after: Num[numpy.ndarray, " t *shape"],
    *,
    labels: Float[numpy.ndarray, " t"],
    extremes: tuple[float, float],
) -> ChangedPictures:
    """Pictures of any range in 256 levels, from the darkest to the brightest that they can be: the `extremes`."""
    first, second, (low, high) = laid_out(before), laid_out(after), extremes
    # Of each block of a picture that is too large, the largest change: alternating ones would vanish in a mean.
    change = second - first
    if max(change.shape[1:3]) > SIDE:
        apart = numpy.moveaxis(blocks(change, SIDE), 2, 3)
        apart = apart.reshape(*apart.shape[:3], -1, *apart.shape[5:])
        largest = numpy.abs(apart).argmax(3, keepdims=True)
        change = numpy.take_along_axis(apart, largest, 3).squeeze(3)
    change = change * 255 / max(high - low, 1e-300)
    factor = next((each for each in FACTORS if (numpy.abs(each * change) > MIDDLE).mean() <= CUT), FACTORS[-1])
    return ChangedPictures(
        rows=rows,
        tests=tests,
        before=levels(smaller(first, SIDE), low, high),
        after=levels(smaller(second, SIDE), low, high),
        difference=numpy.clip(numpy.round(MIDDLE + factor * change), 0, 255).astype(numpy.uint8),
        factor=factor,
        labels=labels,
    )


def extremes(pictures: Num[numpy.ndarray, " n *shape"]) -> tuple[float, float]:
    """The darkest and the brightest that pictures like these can be: 0 and 1 or 255, else what is found."""
    low, high = float(pictures.min()), float(pictures.max())
    for brightest in (1.0, 255.0):
        if low >= 0 and brightest / 2 < high <= brightest:
            return 0.0, brightest
    return low, high


def to_record(changed: ChangedPictures) -> dict[str, Any]:
    """What a file keeps: all pictures in one sheet, those before first, then those after, then the differences."""
    kept = {name: getattr(changed, name) for name in KEPT}
    sheet = sprite_sheet(numpy.concatenate([getattr(changed, name) for name in PICTURES]))
    shape = changed.before.shape[1:3]
    return {**kept, "shape": shape, "columns": COLUMNS, "sprite_sheet": numpy.frombuffer(sheet, numpy.uint8)}


def from_record(record: Mapping[str, Any]) -> ChangedPictures:
    """The same from what a file keeps."""
    pictures = pictures_in(record["sprite_sheet"].tobytes(), count=3 * len(record["rows"]), shape=record["shape"])
    parts: dict[str, Any] = dict(zip(PICTURES, numpy.split(pictures, 3), strict=True))
    return ChangedPictures(**parts | {name: record[name] for name in KEPT})
