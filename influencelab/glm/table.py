"""Tables: rows that may be more than memory holds, read a chunk at a time, as often as is asked."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy
import scipy.sparse
from numpy import ndarray

from influencelab.errors import InvalidParameter, WrongType, named
from influencelab.glm.rows import Rows
from influencelab.recipe import Recipe, default


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

    @property
    @default
    def index(self) -> Any:
        """What rows are called, as pandas has it; None where they go by their places."""
        return None

    def called(self, place: int) -> Any:
        """What a row is called."""
        return place if self.index is None else self.index[place]


def rows_at(table: Table, places: ndarray) -> Rows:
    """Some rows of a table in the order asked for, dense, from one pass; a place may come twice."""
    found = gathered(table, places)
    return replace(found, x=numpy.asarray(found.x if isinstance(found.x, ndarray) else found.x.toarray(), dtype=float))


def gathered(table: Table, places: ndarray) -> Rows:
    """The same as `rows_at`; sparse rows stay sparse."""
    wanted, back = numpy.unique(places, return_inverse=True)
    parts = []
    for rows in table.chunks():
        low, high = numpy.searchsorted(wanted, [rows.first, rows.first + len(rows)])
        if low < high:
            at = wanted[low:high] - rows.first
            parts.append((rows.x[at], rows.y[at], rows.weights[at], rows.offsets[at]))
        if high == len(wanted):
            break
    x, *others = zip(*parts, strict=True)
    whole: Any = numpy.concatenate(x) if isinstance(x[0], ndarray) else scipy.sparse.vstack(x, format="csr")
    return Rows(0, whole[back], *(numpy.concatenate(each)[back] for each in others))


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
