"""Sparse rows of a Parquet file: two columns of lists, the places of what is not 0 and the values there."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy
import pyarrow
import scipy.sparse

from influencelab.errors import InvalidData, unknown, whole
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.glm.tables._columns import numbers
from influencelab.glm.tables.parquet_table import batches, opened

# Numbers in a chunk.
CHUNK = 2**22
# Rows that are looked at to tell how long they are.
LOOKED_AT = 1000


@dataclass(frozen=True)
class SparseParquetTable(Table):
    """Row i has the number values[i][t] in the column of place places[i][t], and 0 elsewhere.

    Attributes:
        path: the file, or a folder of them, read in the order of their names.
        target: the column of responses.
        width: how many features there are; 0 looks for the largest place, which takes one pass.
        places: the column of lists of whole numbers, from 0.
        values: the column of lists of numbers; '' where they are all 1.
        weights: the column of weights; '' for none.
        offsets: the column of offsets; '' for none.
        rows: in a chunk at most; 0 takes as many as fit the processor's memory well.
    """

    path: str
    target: str
    width: int = 0
    places: str = "places"
    values: str = "values"
    weights: str = ""
    offsets: str = ""
    rows: int = 0

    def __post_init__(self) -> None:
        whole(self.width, what="width", least=0)
        whole(self.rows, what="rows", least=0)

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @cached_property
    def dataset(self) -> Any:
        """The file as pyarrow sees it, with all columns that are read."""
        found = opened(self.path)
        for name in filter(None, (self.target, self.places, self.values, self.weights, self.offsets)):
            if name not in found.schema.names:
                raise unknown("column", name, found.schema.names, of=self.path)
        for name in filter(None, (self.places, self.values)):
            kind = found.schema.field(name).type
            if not (pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind)):
                raise InvalidData(f"{self.path}: column '{name}' holds {kind}, expected lists of numbers.")
        return found

    @cached_property
    def found_width(self) -> int:
        """The number of features."""
        return self.width or 1 + max(
            int(flat.max(initial=0))
            for batch in batches(self.dataset, [self.places], self.rows or LOOKED_AT * 64)
            for flat in [numpy.asarray(batch.column(0).flatten())]
        )

    @cached_property
    def chunk(self) -> int:
        """Rows in a chunk."""
        first = next(batches(self.dataset, [self.places], LOOKED_AT), None)
        held = len(first.column(0).flatten()) // first.num_rows if first else 0
        return self.rows or max(1, CHUNK // max(1, held))

    def chunks(self) -> Iterator[Rows]:
        """Batches of rows, in the order of the file."""
        names, first = list(filter(None, (self.target, self.places, self.values, self.weights, self.offsets))), 0
        for batch in batches(self.dataset, names, self.chunk):
            count = batch.num_rows
            own = {
                name: numbers(batch.column(name), name, first=first, where=self.path).astype(float)
                for name in names
                if name not in (self.places, self.values)
            }
            weights = own[self.weights] if self.weights else numpy.ones(count)
            offsets = own[self.offsets] if self.offsets else numpy.zeros(count)
            yield Rows(first, self.sparse(batch, first), own[self.target], weights, offsets)
            first += count

    def sparse(self, batch: Any, first: int) -> scipy.sparse.csr_array:
        """The features of a batch."""
        column = batch.column(self.places)
        if column.null_count:
            row = first + int(numpy.flatnonzero(numpy.asarray(column.is_null()))[0])
            raise InvalidData(f"{self.path}: row {row:,} has no list in column '{self.places}'. Write an empty one.")
        places, ends = numpy.asarray(column.flatten()), numpy.asarray(column.offsets)
        # Where one of them is int64, SciPy makes both so, and products take half as long again.
        ends = (ends - ends[0]).astype(places.dtype if len(places) < 2**31 else numpy.int64)
        if len(places) and not 0 <= places.min() <= places.max() < self.found_width:
            bad = (places < 0) | (places >= self.found_width)
            row = first + int(numpy.searchsorted(ends, int(bad.argmax()), side="right")) - 1
            raise InvalidData(
                f"{self.path}: row {row:,} has the place {places[bad.argmax()]}, expected 0 … {self.found_width - 1}. "
                "Give the right width."
            )
        values = numpy.ones(len(places), dtype=numpy.float32)
        if self.values:
            values = numpy.asarray(batch.column(self.values).flatten())
            lengths = numpy.diff(numpy.asarray(batch.column(self.values).offsets))
            if (lengths != numpy.diff(ends)).any():
                row = int((lengths != numpy.diff(ends)).argmax())
                raise InvalidData(
                    f"{self.path}: row {first + row:,} has {numpy.diff(ends)[row]} places and {lengths[row]} values. "
                    "Give one of each."
                )
        values = values if values.dtype in (numpy.float32, numpy.float64) else values.astype(float)
        return scipy.sparse.csr_array((values, places, ends), shape=(batch.num_rows, self.found_width))
