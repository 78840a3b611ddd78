"""Ids and names of rows, columns and classes: the ids that the library counts by, and the names people read."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import pandas
from jaxtyping import Int
from pandas.api import types
from torch import Tensor

from influencelab.data.conversion import positions
from influencelab.errors import InvalidData, WrongType, named


def rows_of(
    given: object, *held: object, names: object, count: int, what: str
) -> tuple[Int[Tensor, " n"], tuple[str, ...]]:
    """The id of each row, and the names of ids 0, 1, … where rows are called otherwise than by whole numbers.

    They are those given; else what the rows of a table are called; else row numbers.

    Raises:
        WrongType: ids that are neither whole numbers nor names.
        InvalidData: two rows have one name, or an id has none.
    """
    called = names_in(names, what=f"{what}_names")
    index: Any = pandas.RangeIndex(count) if given is None else given
    if given is None and not called:
        tables = (each.index for each in held if isinstance(each, pandas.DataFrame | pandas.Series))
        index = next(tables, index)
    elif isinstance(given, Iterator):
        index = list(given)
    if are_names(index) if given is not None else not types.is_integer_dtype(index.dtype):
        called = texts(index)
        index = range(len(called))
    ids = positions(index, what=f"{what}_ids")
    if not isinstance(given, Tensor):  # whose ids may repeat, as of points drawn several times
        check_unique(called or ids.tolist(), what=what)
    fits = len(called) == count if given is None else not (ids >= len(called)).any() and not (ids < 0).any()
    if called and not fits:
        raise InvalidData(
            f"There are {len(called)} {what}_names for {count} rows with ids up to {max(ids.tolist(), default=0)}, "
            "expected a name for each of the ids 0, 1, …. Give one for each row, and leave the ids out."
        )
    return ids, called


def are_names(given: Any) -> bool:
    """Whether these are texts, dates or other names of rows, which are no numbers."""
    if isinstance(given, Tensor) or not isinstance(given, Sized):
        return False
    try:
        index = given if isinstance(given, pandas.Index) else pandas.Index(given)
    except (TypeError, ValueError, NotImplementedError):
        return False
    kind = index.inferred_type
    return isinstance(index, pandas.MultiIndex) or kind in ("string", "categorical", "period") or "date" in kind


def texts(index: Any) -> tuple[str, ...]:
    """The names of rows as people read them: dates without hours where none has any, of several levels `1, a`."""
    if isinstance(index, pandas.MultiIndex):
        return tuple(", ".join(map(str, each)) for each in index)
    return tuple(map(str, pandas.Index(index).astype(str)))


def check_unique(names: Sequence[Any], *, what: str) -> None:
    """Refuse two rows of one name."""
    found = pandas.Index(names)
    if not found.is_unique:
        twice = found[found.duplicated()][0]
        raise InvalidData(
            f"{what}_ids: two rows are called {twice}. Give each its own name, or none: reset_index(drop=True)."
        )


def check_rows(x: object, y: object, *, part: str) -> None:
    """Refuse features and labels of pandas whose rows stand in different orders."""
    if not isinstance(x, pandas.DataFrame | pandas.Series) or not isinstance(y, pandas.DataFrame | pandas.Series):
        return
    if len(x) == len(y) and not x.index.equals(y.index):
        raise InvalidData(
            f"The rows of x_{part} and y_{part} have different names or orders. Give y_{part}.loc[x_{part}.index], or "
            "both after reset_index(drop=True)."
        )


def column_names(train: object, test: object) -> tuple[str, ...]:
    """The names of a table's columns; an InvalidData error where those of training and test differ, or their order."""
    if isinstance(train, pandas.DataFrame) and isinstance(test, pandas.DataFrame) and list(train) != list(test):
        raise InvalidData(
            f"The columns of x_train are {list(train)[:8]} and those of x_test {list(test)[:8]}. Give x_test in the "
            "same order: x_test[list(x_train)]."
        )
    return tuple(map(str, train)) if isinstance(train, pandas.DataFrame) else ()


def names_in(given: Any, *, what: str) -> tuple[str, ...]:
    """Names of columns or classes as texts, none for None; a WrongType error for one text or what is no row."""
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise WrongType(f"{what} is {named(given)}, expected a row of names, such as ['a', 'b'].")
    return tuple(map(str, given))
