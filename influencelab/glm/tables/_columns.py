"""Columns of a file by name: which are features, and which the response, weights and offsets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from influencelab.errors import InvalidData, unknown
from influencelab.glm.rows import Rows


class Columns(NamedTuple):
    """Names of what is read of each row; '' where there is no such column."""

    features: tuple[str, ...]
    target: str
    weights: str
    offsets: str

    @property
    def all(self) -> list[str]:
        """Every column that is read, once."""
        return list(dict.fromkeys(filter(None, (*self.features, self.target, self.weights, self.offsets))))


def chosen(
    known: Sequence[str], *, target: str, weights: str, offsets: str, features: tuple[str, ...], where: str
) -> Columns:
    """The columns of a file that are read; features are all others, unless they are named.

    Raises:
        UnknownName: the file has no such column.
        InvalidData: nothing is left for features.
    """
    for name in filter(None, (target, weights, offsets, *features)):
        if name not in known:
            raise unknown("column", name, known, of=where)
    others = [name for name in known if name not in (target, weights, offsets)]
    if not (features or others):
        raise InvalidData(f"{where} has no column beside the target. Give features.")
    return Columns(features or tuple(others), target, weights, offsets)


def rows_of(batch: Any, columns: Columns, *, first: int, where: str) -> Rows:
    """A batch of pyarrow as rows.

    Raises:
        InvalidData: a column holds texts, or a row has no value; both are named.
    """
    parts = {name: numbers(batch.column(name), name, first=first, where=where) for name in columns.all}
    count = batch.num_rows
    dtype = numpy.result_type(*(parts[name].dtype for name in columns.features))
    x = numpy.empty((count, len(columns.features)), dtype=dtype if dtype == numpy.float32 else float)
    for place, name in enumerate(columns.features):
        x[:, place] = parts[name]
    usual = {"weights": numpy.ones(count), "offsets": numpy.zeros(count)}
    others = {key: parts[name].astype(float) if (name := getattr(columns, key)) else usual[key] for key in usual}
    return Rows(first, x, parts[columns.target].astype(float), **others)


def numbers(column: Any, name: str, *, first: int, where: str) -> numpy.ndarray:
    """A column as numbers; true and false are 1 and 0."""
    if column.null_count:
        row = first + int(numpy.flatnonzero(numpy.asarray(column.is_null()))[0])
        raise InvalidData(f"{where}: row {row:,} has no value in column '{name}'. Impute it or drop the row.")
    found = numpy.asarray(column.to_numpy(zero_copy_only=False))
    if found.dtype.kind not in "fiub":
        raise InvalidData(
            f"{where}: column '{name}' holds {column.type}, expected numbers. Encode it, or leave it out."
        )
    return found
