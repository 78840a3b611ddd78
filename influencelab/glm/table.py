"""Tables: rows that may be more than memory holds, read a chunk at a time, as often as is asked."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy
from numpy import ndarray

from influencelab.errors import InvalidParameter, WrongType, named
from influencelab.glm.rows import Rows
from influencelab.recipe import Recipe


@dataclass(frozen=True)
class Table(Recipe):
    """Where rows come from; each pass gives the same rows in the same order."""

    @abstractmethod
    def chunks(self) -> Iterator[Rows]:
        """All rows, some at a time, in order."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the features; empty where they have none."""


def rows_at(table: Table, places: ndarray) -> Rows:
    """Some rows of a table in the order asked for, dense, from one pass; a place may come twice."""
    found: dict[int, tuple[Any, ...]] = {}
    wanted = numpy.unique(places)
    for rows in table.chunks():
        low, high = numpy.searchsorted(wanted, [rows.first, rows.first + len(rows)])
        for place in wanted[low:high].tolist():
            at = place - rows.first
            x = rows.x[at] if isinstance(rows.x, ndarray) else rows.x[[at]].toarray()[0]
            found[place] = x, rows.y[at], rows.weights[at], rows.offsets[at]
        if high == len(wanted):
            break
    columns = zip(*(found[each] for each in places.tolist()), strict=True)
    return Rows(0, *(numpy.array(column, dtype=float) for column in columns))


def chosen(rows: Any, n: int) -> ndarray:
    """Places of rows, refused where there is no such row."""
    if rows is None:
        return numpy.arange(n)
    try:
        found = numpy.atleast_1d(numpy.asarray(rows))
    except ValueError:
        found = numpy.zeros((0, 0))
    if not found.size and found.ndim == 1:
        return numpy.zeros(0, dtype=int)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise WrongType(f"rows is {named(rows)}, expected whole numbers: places of rows, from 0.")
    if not 0 <= found.min() <= found.max() < n:
        raise InvalidParameter(f"rows go from {found.min()} to {found.max()}, expected 0 … {n - 1}.")
    return found
