"""Rows of a Parquet file, or of a folder of such files."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.dataset
import pyarrow.parquet

from influencelab.errors import InvalidData, MissingData, unknown, whole
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.glm.tables._columns import Columns, chosen, rows_of

# Numbers in a chunk.
CHUNK = 2**22


@dataclass(frozen=True)
class ParquetTable(Table):
    """Every column is a feature, but the target and the columns of weights and offsets; or those that are named.

    Attributes:
        path: the file, or a folder of them, read in the order of their names.
        target: the column of responses.
        weights: the column of weights; '' for none.
        offsets: the column of offsets; '' for none.
        features: names of the features; empty for all others.
        rows: in a chunk at most; 0 takes as many as fit the processor's memory well.
    """

    path: str
    target: str
    weights: str = ""
    offsets: str = ""
    features: tuple[str, ...] = ()
    rows: int = 0

    def __post_init__(self) -> None:
        whole(self.rows, what="rows", least=0)

    @cached_property
    def dataset(self) -> Any:
        """The file as pyarrow sees it."""
        return opened(self.path)

    @cached_property
    def chosen(self) -> Columns:
        """Which columns are what."""
        own = {name: getattr(self, name) for name in ("target", "weights", "offsets", "features")}
        return chosen(self.dataset.schema.names, **own, where=self.path)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""
        return self.chosen.features

    def chunks(self) -> Iterator[Rows]:
        """Batches of rows, in the order of the file."""
        columns, first = self.chosen, 0
        size = self.rows or max(1, CHUNK // len(columns.features))
        for batch in batches(self.dataset, columns.all, size):
            yield rows_of(batch, columns, first=first, where=self.path)
            first += batch.num_rows


def opened(path: str) -> Any:
    """A Parquet file, or a folder of them, as pyarrow sees it.

    Raises:
        MissingData: there is none.
        InvalidData: it is something else.
    """
    if not Path(path).exists():
        raise MissingData(f"There is no file or folder {path}. Give the path of a Parquet file.")
    try:
        return pyarrow.dataset.dataset(path, format="parquet")
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise InvalidData(f"{path} is no Parquet file, or not whole ({str(error).splitlines()[0]}).") from error


def batches(dataset: Any, columns: list[str], size: int) -> Iterator[Any]:
    """Some columns of so many rows at a time, file by file.

    A dataset's own batches are read ahead of slow work on them without bound, until all of it is in memory.

    Raises:
        UnknownName: a file of a folder lacks one of the columns.
    """
    for path in dataset.files:
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            for name in columns:
                if name not in file.schema_arrow.names:
                    raise unknown("column", name, file.schema_arrow.names, of=path)
            yield from (batch for batch in file.iter_batches(batch_size=size, columns=columns) if batch.num_rows)
