"""Write rows like documents' words, sparse, to Parquet: python tests/benchmarks/sparse_rows.py 2300000 rows.parquet.

Row i has about 100 of 100,000 columns, by Zipf's law, weighted and of length 1, and a class that they decide in part.
"""

import sys
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet

WIDTH, DRAWN, CHUNK, BEFORE = 100_000, 103, 40_000, 30.0


def lists(kind: pyarrow.DataType) -> pyarrow.DataType:
    """Lists of numbers of this kind, none of which is missing."""
    return pyarrow.list_(pyarrow.field("element", kind, nullable=False))


FIELDS = {"places": lists(pyarrow.int32()), "values": lists(pyarrow.float32()), "y": pyarrow.float64()}
SCHEMA = pyarrow.schema([pyarrow.field(name, kind, nullable=False) for name, kind in FIELDS.items()])


def write(path: Path, rows: int, *, seed: int = 0) -> None:
    """Write so many rows, some at a time; fewer rows of one seed are the first of more."""
    effects = numpy.random.default_rng([seed, 0]).normal(size=WIDTH)
    partial = path.with_name(f".{path.name}.partial")
    with pyarrow.parquet.ParquetWriter(partial, SCHEMA, compression="none", use_dictionary=False) as writer:
        for first in range(0, rows, CHUNK):
            generator = numpy.random.default_rng([seed, 1, first])
            writer.write_table(chunk(generator, effects, min(CHUNK, rows - first)))
    partial.replace(path)


def chunk(generator: numpy.random.Generator, effects: numpy.ndarray, rows: int) -> pyarrow.Table:
    """Some rows."""
    # The inverse of Zipf's law 1 / (column + BEFORE); a column that is drawn again counts once.
    drawn = BEFORE * ((WIDTH + BEFORE) / BEFORE) ** generator.random((CHUNK, DRAWN)) - BEFORE
    places = numpy.sort(numpy.clip(drawn.astype(numpy.int32), 0, WIDTH - 1), axis=1)[:rows]
    fresh = numpy.diff(places, axis=1, prepend=-1) != 0
    values = generator.exponential(size=(CHUNK, DRAWN))[:rows] * fresh
    values /= numpy.sqrt((values**2).sum(1, keepdims=True))
    noise = generator.logistic(size=CHUNK)[:rows]
    y = (4 * (values * effects[places]).sum(1) + noise > 0).astype(float)
    ends = numpy.concatenate([[0], numpy.cumsum(fresh.sum(1))]).astype(numpy.int32)
    columns = [
        pyarrow.ListArray.from_arrays(ends, each, type=FIELDS[name])
        for name, each in (("places", places[fresh]), ("values", values[fresh].astype(numpy.float32)))
    ]
    return pyarrow.Table.from_arrays([*columns, pyarrow.array(y)], schema=SCHEMA)


if __name__ == "__main__":
    write(Path(sys.argv[2]), int(sys.argv[1]))
