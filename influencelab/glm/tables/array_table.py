"""A table in memory: arrays of NumPy, frames of pandas, sparse matrices of SciPy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy
import pandas
import scipy.sparse
from pandas.api.types import is_numeric_dtype

from influencelab.errors import InvalidData, WrongType, named, whole
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.recipe import settle

# Numbers in a chunk.
CHUNK = 2**22


@dataclass(frozen=True, eq=False)
class ArrayTable(Table):
    """Features X (n p) and responses y (n), with weights and offsets where there are any.

    Attributes:
        X: numbers: an array, a frame, whose index names the rows, or a sparse matrix, which stays sparse.
        y: responses.
        weights: of each row, ≥ 0; 1 where left out.
        offsets: a fixed part of each linear predictor; 0 where left out.
        rows: in a chunk; 0 takes as many as fit the processor's memory well.
    """

    X: Any
    y: Any
    weights: Any = None
    offsets: Any = None
    rows: int = 0

    def __post_init__(self) -> None:
        x, n = features(self.X), 0
        n = x.shape[0]
        parts = {"y": column(self.y, what="y")}
        for what, given, usual in (("weights", self.weights, 1.0), ("offsets", self.offsets, 0.0)):
            parts[what] = numpy.full(n, usual) if given is None else column(given, what=what)
        for what, part in parts.items():
            if len(part) != n:
                raise InvalidData(f"X has {n:,} rows and {what} {len(part):,} numbers. Give one a row.")
        if not x.shape[0] or not x.shape[1]:
            raise InvalidData(f"X is {x.shape[0]} × {x.shape[1]}. Give at least one row and one column.")
        whole(self.rows, what="rows", least=0)
        names = tuple(map(str, getattr(self.X, "columns", ())))
        index = index_of(self.X)
        for what in ("y", "weights", "offsets"):
            check_aligned(index, index_of(getattr(self, what)), what=what)
        # A matrix is kept as CSR, a frame as its numbers under its names.
        settle(self, _x=x, _parts=parts, _columns=names, _index=index)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of a frame."""
        return self._columns  # pyright: ignore[reportAttributeAccessIssue] - settled

    @property
    def index(self) -> Any:
        """That of a frame."""
        return self._index  # pyright: ignore[reportAttributeAccessIssue] - settled

    def chunks(self) -> Iterator[Rows]:
        """Views of the arrays."""
        x, parts = self._x, self._parts  # pyright: ignore[reportAttributeAccessIssue] - settled
        if isinstance(x, numpy.ndarray):
            # Of few columns more chunks, for each thread one; of many, no fewer rows than columns, as far as may be.
            usual = min(CHUNK // x.shape[1], max(CHUNK // 4 // x.shape[1], x.shape[1]))
        else:
            usual = CHUNK // max(1, x.nnz // x.shape[0])
        step = self.rows or max(1, usual)
        for first in range(0, x.shape[0], step):
            some = slice(first, first + step)
            yield Rows(first, x[some], parts["y"][some], parts["weights"][some], parts["offsets"][some])


def features(given: Any) -> Any:
    """Features as a dense array or CSR, in float32 or float64."""
    if scipy.sparse.issparse(given):
        x = scipy.sparse.csr_array(given)
    elif isinstance(given, pandas.DataFrame):
        x = numbers_of(given)
    else:
        try:
            x = numpy.asarray(given)
        except (ValueError, TypeError) as error:
            raise WrongType(
                f"X is {named(given)} and no table of numbers ({error}). Give rows of equal length."
            ) from error
        if not x.ndim:
            raise WrongType(f"X is {named(given)}, expected rows and columns of numbers. Give an array or a frame.")
        if x.ndim != 2:
            raise InvalidData(f"X has shape {x.shape}, expected rows and columns. Give x.reshape(len(x), -1).")
    if x.dtype.kind not in "fiub":
        raise WrongType(f"X is {named(given)} of {x.dtype}, expected numbers. Encode texts and dates as numbers first.")
    return x if x.dtype in (numpy.float32, numpy.float64) else x.astype(float)


def numbers_of(frame: pandas.DataFrame) -> numpy.ndarray:
    """A frame's numbers; true and false, as of `pandas.get_dummies`, are 1 and 0."""
    for name, kind in frame.dtypes.items():
        if not is_numeric_dtype(kind):
            raise WrongType(
                f"Column '{name}' of X holds {kind}, expected numbers. Encode it: pandas.get_dummies(X, dtype=float)."
            )
    single = all(kind == numpy.float32 for kind in frame.dtypes)
    return frame.to_numpy(numpy.float32 if single else float, na_value=numpy.nan)


def index_of(given: Any) -> pandas.Index | None:
    """What rows of a frame or column are called; None where they are only counted."""
    index = getattr(given, "index", None)
    if not isinstance(index, pandas.Index):
        return None
    return None if index.equals(pandas.RangeIndex(len(index))) else index


def check_aligned(index: pandas.Index | None, other: pandas.Index | None, *, what: str) -> None:
    """Refuse a column whose rows are called otherwise than those of X: they would be paired by their places.

    Raises:
        InvalidData: the first such row is named.
    """
    if index is None or other is None or len(index) != len(other) or index.equals(other):
        return
    row = next(place for place, (one, two) in enumerate(zip(index, other, strict=True)) if one != two)
    raise InvalidData(
        f"Row {row} is {index[row]!r} in X and {other[row]!r} in {what}. Align them: {what} = {what}.loc[X.index]."
    )


def column(given: Any, *, what: str) -> numpy.ndarray:
    """One number a row, in float64."""
    whole = isinstance(given, pandas.Series) and is_numeric_dtype(given.dtype)
    found = given.to_numpy(float, na_value=numpy.nan) if whole else numpy.asarray(given)
    if not found.ndim:
        raise WrongType(f"{what} is {named(given)}, expected one number a row. Give an array or a column of a frame.")
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise InvalidData(f"{what} has shape {found.shape}, expected one number a row.")
    if found.dtype.kind not in "fiub":
        last = found.tolist()[-1] if len(found) else None
        how = f": y == {last!r}" if what == "y" and isinstance(last, str) else ""
        raise WrongType(f"{what} is {named(given)} of {found.dtype}, expected numbers. Encode classes as 0 and 1{how}.")
    return found.astype(float)
