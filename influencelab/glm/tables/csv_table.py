"""Rows of a CSV file with a header."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow
import pyarrow.csv

from influencelab.errors import InvalidData, MissingData, whole
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.glm.tables._columns import Columns, chosen, rows_of

# Bytes that are read at once.
BLOCK = 2**24


@dataclass(frozen=True)
class CsvTable(Table):
    """Every column is a feature, but the target and the columns of weights and offsets; or those that are named.

    Attributes:
        path: the file, packed by gzip or not.
        target: the column of responses.
        weights: the column of weights; '' for none.
        offsets: the column of offsets; '' for none.
        features: names of the features; empty for all others.
        block: bytes that are read at once.
    """

    path: str
    target: str
    weights: str = ""
    offsets: str = ""
    features: tuple[str, ...] = ()
    block: int = BLOCK

    def __post_init__(self) -> None:
        whole(self.block, what="block", least=1)

    @cached_property
    def chosen(self) -> Columns:
        """Which columns are what."""
        own = {name: getattr(self, name) for name in ("target", "weights", "offsets", "features")}
        with self.opened() as reader:
            return chosen(reader.schema.names, **own, where=self.path)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the features."""
        return self.chosen.features

    def opened(self) -> pyarrow.csv.CSVStreamingReader:
        """The file, at its first row."""
        if not Path(self.path).exists():
            raise MissingData(f"There is no file {self.path}. Give the path of a CSV file.")
        try:
            return pyarrow.csv.open_csv(self.path, read_options=pyarrow.csv.ReadOptions(block_size=self.block))
        except (pyarrow.ArrowInvalid, OSError) as error:
            raise InvalidData(f"{self.path} is no CSV file with a header ({str(error).splitlines()[0]}).") from error

    def chunks(self) -> Iterator[Rows]:
        """Batches of rows, in the order of the file."""
        columns, first = self.chosen, 0
        with self.opened() as reader:
            while True:
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
                except pyarrow.ArrowInvalid as error:
                    raise InvalidData(
                        f"{self.path}: after row {first:,} it cannot be read on ({str(error).splitlines()[0]}). Mend "
                        "that line."
                    ) from error
                if batch.num_rows:
                    yield rows_of(batch, columns, first=first, where=self.path)
                first += batch.num_rows
