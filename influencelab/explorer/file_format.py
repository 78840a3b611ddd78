"""An exploration as bytes: a JSON header that says where each array stands, then the arrays themselves.

Both ends of the widget read it: numbers are little-endian, and every array starts at a multiple of four bytes.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy

from influencelab.errors import InvalidData
from influencelab.explorer.pairs_table import DampingSteps, PairsTable
from influencelab.explorer.point_display import COLUMNS, Points, pictures_in, sprite_sheet

MAGIC = b"ILEX"
VERSION = 1
PATH = ("shares", "dampings", "rows", "predicted")
KINDS = {"f4": numpy.float32, "f8": numpy.float64, "i4": numpy.int32, "u1": numpy.uint8}


class Body:
    """Arrays put one after the other; it grows by nature."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def put(self, values: Any, kind: str) -> list[Any]:
        """Add an array; where it is: its kind, its first byte and how many numbers it has."""
        data = numpy.ascontiguousarray(values, dtype=numpy.dtype(KINDS[kind]).newbyteorder("<")).tobytes()
        return self.place(data, kind, len(data) // numpy.dtype(KINDS[kind]).itemsize)

    def place(self, data: bytes, kind: str, count: int) -> list[Any]:
        """Add bytes, filled up to a multiple of eight."""
        where = [kind, self.size, count]
        filled = data + b"\0" * (-len(data) % 8)
        self.parts.append(filled)
        self.size += len(filled)
        return where


def packed(fields: Mapping[str, Any]) -> bytes:
    """The bytes of an exploration, from its fields."""
    body = Body()
    header = {
        "version": VERSION,
        "title": fields["title"],
        "names": list(fields["names"]),
        "counts": fields["counts"],
        "notes": list(fields["notes"]),
        "points": {name: points_header(points, body) for name, points in fields["points"].items()},
        "sheets": [sheet_header(sheet, body) for sheet in fields["sheets"]],
    }
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 8)
    return MAGIC + struct.pack("<I", len(text)) + text + b"".join(body.parts)


def points_header(points: Points, body: Body) -> dict[str, Any]:
    """Where everything of these points is."""
    header: dict[str, Any] = {
        "name": points.name,
        "kind": points.kind,
        "classes": points.classes,
        "grouped": points.grouped,
        "features": list(points.features),
        "train_texts": list(points.train_texts),
        "test_texts": list(points.test_texts),
        "train_ids": body.put(points.train_ids, "i4"),
        "test_ids": body.put(points.test_ids, "i4"),
        "train_labels": body.put(points.train_labels, "f4"),
        "test_labels": body.put(points.test_labels, "f4"),
    }
    if points.kind == "images":
        pictures = points.pictures()
        drawn = sprite_sheet(pictures)
        header |= {"shape": list(pictures.shape[1:]), "columns": COLUMNS, "atlas": body.place(drawn, "u1", len(drawn))}
    if points.kind == "features" and points.train is not None and points.test is not None:
        header |= {"train": body.put(points.train, "f4"), "test": body.put(points.test, "f4")}
    return header


def sheet_header(sheet: PairsTable, body: Body) -> dict[str, Any]:
    """Where everything of this network is."""
    header: dict[str, Any] = {
        "settings": dict(sheet.settings),
        "points": sheet.points,
        "unscaled": list(sheet.unscaled),
        "repeatability": finite(sheet.repeatability),
        "noise": finite(sheet.noise),
        "train": body.put(sheet.train, "i4"),
        "test": body.put(sheet.test, "i4"),
        "train_loss": body.put(sheet.train_loss, "f4"),
        "self_influence": body.put(sheet.self_influence, "f4"),
        "test_loss": body.put(sheet.test_loss, "f4"),
    }
    for family, kind in (("predicted", "f4"), ("actual", "f4"), ("moved", "u1"), ("removed", "u1")):
        header[family] = {name: body.put(values, kind) for name, values in getattr(sheet, family).items()}
    if sheet.path:
        header["path"] = {
            "shares": body.put(sheet.path.shares, "f8"),
            "dampings": body.put(sheet.path.dampings, "f8"),
            "rows": body.put(sheet.path.rows, "i4"),
            "predicted": body.put(sheet.path.predicted, "f4"),
        }
    return header


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Those that are numbers."""
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def unpacked(content: bytes) -> dict[str, Any]:
    """The fields of an exploration from its bytes.

    Raises:
        InvalidData: no exploration, or one of another version.
    """
    if content[:4] != MAGIC:
        raise InvalidData("This is no exploration: it does not begin as one. Run the study again.")
    (length,) = struct.unpack("<I", content[4:8])
    header = json.loads(content[8 : 8 + length])
    if header["version"] != VERSION:
        raise InvalidData(
            f"This exploration has version {header['version']} and this library reads {VERSION}. Run the study again."
        )
    body = memoryview(content)[8 + length :]

    def take(where: list[Any]) -> numpy.ndarray:
        kind, first, count = where
        return numpy.frombuffer(body, dtype=numpy.dtype(KINDS[kind]).newbyteorder("<"), count=count, offset=first)

    return {
        "title": header["title"],
        "names": tuple(header["names"]),
        "counts": header["counts"],
        "notes": tuple(header["notes"]),
        "points": {name: points_of(held, take) for name, held in header["points"].items()},
        "sheets": [sheet_of(held, take) for held in header["sheets"]],
    }


Take = Callable[[list[Any]], numpy.ndarray]


def points_of(held: Mapping[str, Any], take: Take) -> Points:
    """Points from their part of the header."""
    train_ids, test_ids = take(held["train_ids"]), take(held["test_ids"])
    n, m = len(train_ids), len(test_ids)
    train = test = None
    if held["kind"] == "images":
        pictures = pictures_in(take(held["atlas"]).tobytes(), count=n + m, shape=tuple(held["shape"]))
        train, test = pictures[:n], pictures[n:]
    if held["kind"] == "features":
        train, test = take(held["train"]).reshape(n, -1), take(held["test"]).reshape(m, -1)
    return Points(
        name=held["name"],
        train_ids=train_ids,
        test_ids=test_ids,
        train_labels=take(held["train_labels"]),
        test_labels=take(held["test_labels"]),
        classes=held["classes"],
        train=train,
        test=test,
        features=tuple(held["features"]),
        train_texts=tuple(held["train_texts"]),
        test_texts=tuple(held["test_texts"]),
        grouped=held["grouped"],
    )


def sheet_of(held: Mapping[str, Any], take: Take) -> PairsTable:
    """A network's pairs from their part of the header."""
    path = None
    if "path" in held:
        shares, dampings, rows, predicted = (take(held["path"][name]) for name in PATH)
        path = DampingSteps(shares, dampings, rows, predicted.reshape(len(shares), len(rows)))
    flags = {
        family: {name: take(where) != 0 for name, where in held[family].items()} for family in ("moved", "removed")
    }
    return PairsTable(
        settings=held["settings"],
        points=held["points"],
        train=take(held["train"]),
        test=take(held["test"]),
        predicted={name: take(where) for name, where in held["predicted"].items()},
        actual={name: take(where) for name, where in held["actual"].items()},
        **flags,
        unscaled=tuple(held["unscaled"]),
        path=path,
        train_loss=take(held["train_loss"]),
        self_influence=take(held["self_influence"]),
        test_loss=take(held["test_loss"]),
        repeatability=held["repeatability"],
        noise=held["noise"],
    )
