"""The explorer's file: safetensors, whose metadata hold a JSON header that says which array is what.

Any reader of safetensors opens it. Arrays that are equal, such as the points that all networks share, are stored once.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy
from safetensors import SafetensorError
from safetensors.numpy import load, save

from influencelab.errors import InvalidData
from influencelab.explorer.pairs_table import DampingSteps, PairsTable
from influencelab.explorer.point_display import COLUMNS, Points, pictures_in, sprite_sheet

# The key of the header among the metadata, and of an array's name within the header.
HEADER, ARRAY = "explorer", "$"
# No browser reads 64-bit integers as plain numbers.
NARROWER = {numpy.dtype(numpy.int64): numpy.int32}


def to_bytes(fields: Mapping[str, Any]) -> bytes:
    """The file of explorer data, from their fields; equal fields give equal bytes."""
    arrays: dict[str, numpy.ndarray] = {}
    names: dict[tuple[Any, ...], str] = {}

    def described(value: Any, name: str) -> Any:
        if isinstance(value, numpy.ndarray):
            held = numpy.ascontiguousarray(value, dtype=NARROWER.get(value.dtype, value.dtype))
            name = names.setdefault((held.dtype.str, held.shape, held.tobytes()), name)
            arrays[name] = held
            return {ARRAY: name}
        if isinstance(value, Points):
            value = record_of(value)
        elif dataclasses.is_dataclass(value):
            value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if isinstance(value, Mapping):
            return {key: described(each, f"{name}/{key}") for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [described(each, f"{name}/{place}") for place, each in enumerate(value)]
        return value

    header = {key: described(value, key) for key, value in fields.items()}
    text = json.dumps(header, allow_nan=False, separators=(",", ":"))
    return save(arrays, metadata={HEADER: text})


def record_of(points: Points) -> dict[str, Any]:
    """The fields of points, their pictures as one PNG and their features in single precision."""
    record = {field.name: getattr(points, field.name) for field in dataclasses.fields(points)}
    record["kind"] = points.kind
    if points.kind == "images":
        pictures = points.pictures()
        sheet = numpy.frombuffer(sprite_sheet(pictures), numpy.uint8)
        record |= {"train": None, "test": None, "shape": pictures.shape[1:], "columns": COLUMNS, "sprite_sheet": sheet}
    elif points.train is not None and points.test is not None:
        record |= {"train": points.train.astype(numpy.float32), "test": points.test.astype(numpy.float32)}
    return record


def from_bytes(content: bytes) -> dict[str, Any]:
    """The fields of explorer data, from the bytes of their file; an InvalidData error where they are none."""
    try:
        arrays = load(content)
    except SafetensorError as error:
        raise InvalidData(f"This is no explorer file ({error}). Run the study again.") from error
    metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
    if HEADER not in metadata:
        raise InvalidData("This safetensors file has no explorer header. Run the study again.")

    def restored(value: Any) -> Any:
        if isinstance(value, dict):
            return arrays[value[ARRAY]] if ARRAY in value else {key: restored(each) for key, each in value.items()}
        return tuple(map(restored, value)) if isinstance(value, list) else value

    fields = restored(json.loads(metadata[HEADER]))
    points = {name: points_of(record) for name, record in fields["points"].items()}
    tables = [
        PairsTable(**{**record, "damping_steps": record["damping_steps"] and DampingSteps(**record["damping_steps"])})
        for record in fields["tables"]
    ]
    return fields | {"points": points, "tables": tables}


def points_of(record: dict[str, Any]) -> Points:
    """Points from their fields."""
    fields = {field.name: record[field.name] for field in dataclasses.fields(Points)}
    if record["kind"] == "images":
        n, m = len(record["train_ids"]), len(record["test_ids"])
        pictures = pictures_in(record["sprite_sheet"].tobytes(), count=n + m, shape=record["shape"])
        fields |= {"train": pictures[:n], "test": pictures[n:]}
    return Points(**fields)
