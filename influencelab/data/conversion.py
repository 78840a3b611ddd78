"""What people hold data in (NumPy, pandas, lists, torch) made tensors; what no tensor can hold is refused by name."""

import numbers
from collections.abc import Iterable, Sized
from typing import Any, TypeGuard

import numpy
import pandas
import scipy.sparse
import torch
from jaxtyping import Float, Int
from pandas.api import types
from torch import Tensor

from influencelab.data.affordable import check_affordable
from influencelab.data.sparse_rows import SparseRows, sparse_rows
from influencelab.errors import InvalidData, WrongType, named

# Labels before they are numbered: those of a tensor, or texts.
Column = Tensor | pandas.Series
# Places of points, from 0: a list, a range, an array, an index, a tensor.
Positions = Iterable[int] | Tensor
TRUTHS = ("False", "True")


def numbers_in(given: object, *, what: str) -> Tensor:
    """The numbers of an array, a table, a list or a tensor, in their own type; a copy of all but a tensor.

    Raises:
        WrongType: these are no numbers.
        InvalidData: they are masked, in rows of unequal length, or sparse and too large with their zeros.
    """
    if isinstance(given, list | tuple) and given and all(isinstance(each, Tensor) for each in given):
        given = torch.stack(tuple(given))
    if isinstance(given, SparseRows):
        return given.to_dense()
    if isinstance(given, Tensor):
        return dense(given, what=what)
    if scipy.sparse.issparse(given):
        sparse: Any = given
        check_affordable(sparse.shape, what=what)
        given = sparse.toarray()
    if isinstance(given, pandas.DataFrame | pandas.Series):
        given = values_of(given, what=what)
    return torch.from_numpy(array_of(given, what=what))


def dense(given: Tensor, *, what: str) -> Tensor:
    """A tensor with its zeros, which is neither part of a graph nor made under inference mode."""
    if given.is_nested or given.is_quantized or given.is_meta:
        raise WrongType(
            f"{what} is a nested, quantised or meta tensor, expected one of plain numbers. Convert it first."
        )
    if given.layout != torch.strided:
        check_affordable(given.shape, what=what)
        given = given.to_dense()
    if given.is_complex():
        raise no_numbers(what, given, holds=" of complex numbers")
    if given.is_inference():
        with torch.inference_mode(mode=False):
            given = given.clone()
    return given.detach() if given.requires_grad else given


def values_of(given: pandas.DataFrame | pandas.Series, *, what: str) -> numpy.ndarray:
    """The numbers of a table, missing ones NaN; float32 where all columns are."""
    frame = given.to_frame() if isinstance(given, pandas.Series) else given
    for name, kind in frame.dtypes.items():
        if not types.is_numeric_dtype(kind) or types.is_complex_dtype(kind):
            raise WrongType(
                f"Column '{name}' of {what} is {kind}, expected numbers. Encode it, such as by pandas.get_dummies, or "
                "leave it out."
            )
    if any(isinstance(kind, pandas.SparseDtype) for kind in frame.dtypes):
        check_affordable(frame.shape, what=what)
    narrow = all(kind == numpy.float32 for kind in frame.dtypes)
    return given.to_numpy(numpy.float32 if narrow else numpy.float64, na_value=numpy.nan)


def array_of(given: object, *, what: str) -> numpy.ndarray:
    """A copy as NumPy, in a type that torch has."""
    if isinstance(given, numpy.ma.MaskedArray) and given.mask.any():
        raise InvalidData(f"{what} has masked values. Impute them, or drop their points.")
    try:
        array = numpy.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidData(f"{what} is no array of numbers ({error}). Give rows of equal length.") from error
    if array.dtype == object and array.size and all(isinstance(each, numbers.Real) for each in array.flat):
        array = as_floats(array, what=what)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in "biuf":
        raise no_numbers(what, given, holds=f" of {array.dtype}" if hasattr(given, "dtype") else "")
    # What torch has no type for, and whole numbers that int64 would make negative.
    huge = kind == "u" and array.size > 0 and array.max() > numpy.iinfo(numpy.int64).max
    wide = numpy.float64 if huge or (kind == "f" and size > 8) else array.dtype
    wide = numpy.int64 if kind == "u" and size > 1 and not huge else wide
    return numpy.array(array, dtype=numpy.dtype(wide).newbyteorder("="), order="C")


def as_floats(array: numpy.ndarray, *, what: str) -> numpy.ndarray:
    """Python's own numbers as float64; InvalidData where one is larger than any of these."""
    try:
        return array.astype(numpy.float64)
    except OverflowError as error:
        raise InvalidData(f"{what} holds a number that is too large for float64. Scale it.") from error


def no_numbers(what: str, given: object, *, holds: str = "") -> WrongType:
    """The refusal of what is no table of numbers."""
    return WrongType(
        f"{what} is {named(given)}{holds}, expected numbers: a tensor, a NumPy array, a pandas DataFrame, or "
        "lists of rows. Convert it first."
    )


def features(given: object, *, what: str) -> Float[Tensor, " n *shape"]:
    """Features as real numbers, a row a point: whole numbers become float64, a flat row of numbers one column.

    A large sparse matrix stays sparse.
    """
    if isinstance(given, SparseRows):
        with torch.inference_mode(mode=False):
            return SparseRows(given.matrix) if given.is_inference() else given
    matrix = matrix_in(given)
    x = numbers_in(given, what=what) if matrix is None else sparse_rows(real(matrix, what=what), what=what)
    if x.dim() == 0:
        raise no_numbers(what, given)
    x = x[:, None] if x.dim() == 1 else x
    return x if x.dtype in (torch.float32, torch.float64) else x.double()


def matrix_in(given: Any) -> Any:
    """The sparse matrix of two axes that this is, or a table all of whose columns are; None for anything else."""
    if isinstance(given, Tensor) and given.layout in (torch.sparse_coo, torch.sparse_csr) and given.dim() == 2:
        whole = given.detach().cpu().to_sparse_coo().coalesce()
        return scipy.sparse.coo_array((whole.values().numpy(), whole.indices().numpy()), shape=tuple(given.shape))
    if scipy.sparse.issparse(given):
        return given if len(given.shape) == 2 else None
    if isinstance(given, pandas.DataFrame) and len(given.columns):
        kinds = list(given.dtypes)
        if all(isinstance(kind, pandas.SparseDtype) and kind.fill_value == 0 for kind in kinds):
            return given.sparse.to_coo()
    return None


def real(matrix: Any, *, what: str) -> Any:
    """A sparse matrix of float32 or float64."""
    if matrix.dtype.kind not in "biuf":
        raise no_numbers(what, matrix, holds=f" of {matrix.dtype}")
    return matrix if matrix.dtype in (numpy.float32, numpy.float64) else matrix.astype(numpy.float64)


def positions(given: object, *, what: str) -> Int[Tensor, " t"]:
    """Positions or ids as int64, of any sequence of whole numbers.

    Raises:
        WrongType: these are no whole numbers in a flat row: a mask, fractions, one number alone.
    """
    if isinstance(given, range | set | frozenset | dict) or not isinstance(given, Sized | numbers.Number | Tensor):
        given = list(given) if isinstance(given, Iterable) else given
    if (
        isinstance(given, Sized)
        and not isinstance(given, Tensor | scipy.sparse.sparray | scipy.sparse.spmatrix)
        and not len(given)
    ):
        return torch.zeros(0, dtype=torch.int64)
    try:
        found = column(given, what=what)
    except InvalidData as error:
        raise WrongType(f"{what} is {named(given)}, expected whole numbers, such as [1, 2].") from error
    if isinstance(found, pandas.Series):
        raise WrongType(f"{what} holds texts, expected whole numbers, such as [1, 2].")
    if found.dim() == 1 and not found.is_floating_point() and found.dtype != torch.bool:
        return found.long()
    if found.dtype == torch.bool:
        raise WrongType(f"{what} is a mask, expected positions. Give the places where it is true: mask.nonzero()[0].")
    form = "one number" if found.dim() == 0 else f"{tuple(found.shape)} of {found.dtype}"
    raise WrongType(f"{what} is {form}, expected whole numbers in a flat row, such as [1, 2].")


def column(given: object, *, what: str) -> Column:
    """Labels as a tensor of numbers, or as a series of texts."""
    if not flat(given):
        return numbers_in(given, what=what)
    series = series_of(given, what=what)
    if not len(series):
        return torch.zeros(0)
    if types.is_complex_dtype(series.dtype):
        raise no_numbers(what, given, holds=" of complex numbers")
    huge = types.is_unsigned_integer_dtype(series.dtype) and series.max() > numpy.iinfo(numpy.int64).max
    real = huge or types.is_float_dtype(series.dtype)
    if series.isna().any() and not real:
        raise InvalidData(f"{what} has {int(series.isna().sum())} missing labels. Drop those points.")
    if types.is_numeric_dtype(series.dtype):
        kind = bool if types.is_bool_dtype(series.dtype) else None if real else numpy.int64
        return numbers_in(series.to_numpy(kind), what=what)
    if not all(isinstance(each, str) for each in series):
        raise WrongType(
            f"{what} holds {', '.join(sorted({type(each).__name__ for each in series}))}, expected labels of one kind: "
            "whole numbers, texts or truth values for classes, real numbers for targets."
        )
    return series


def series_of(given: Any, *, what: str) -> pandas.Series:
    """A flat row of labels; a WrongType error for what pandas cannot hold as one."""
    try:
        return (given if isinstance(given, pandas.Series) else pandas.Series(given)).infer_objects()
    except (ValueError, TypeError, NotImplementedError) as error:
        raise WrongType(f"{what} is {named(given)}, expected a flat row of labels ({error}).") from error


def flat(given: Any) -> TypeGuard[pandas.Series | list]:
    """Whether labels stand in a flat row that pandas can hold; masked ones and tensors it cannot."""
    if isinstance(given, list | tuple):
        return not any(isinstance(each, Tensor | list | tuple | numpy.ndarray) for each in given)
    return getattr(given, "ndim", 0) == 1 and not isinstance(given, Tensor | numpy.ma.MaskedArray)


def both_texts(columns: list[Column]) -> TypeGuard[list[pandas.Series]]:
    """Whether all labels are texts."""
    return all(isinstance(each, pandas.Series) for each in columns)


def labels(
    train: object, test: object, *, classes: int | None, names: tuple[str, ...]
) -> tuple[Tensor, Tensor, int, tuple[str, ...]]:
    """Labels of both parts as numbers, the number of classes (0 for targets) and their names, if they have any.

    Texts are numbered in the order of `names`; else of their categories; else of the alphabet. False is 0 and True 1.
    """
    columns = [column(train, what="y_train"), column(test, what="y_test")]
    for each, what in zip(columns, ("y_train", "y_test"), strict=True):
        if each.ndim == 0:
            raise WrongType(f"{what} is one number, expected a label of each point, such as [0, 1].")
    if both_texts(columns):
        names = names or in_order(*columns)
        columns = [numbered(each, names) for each in columns]
    elif any(isinstance(each, pandas.Series) for each in columns):
        raise WrongType("One of y_train and y_test holds texts and the other numbers. Give both the same.")
    y, y_test = (each for each in columns if isinstance(each, Tensor))
    if y.dtype == y_test.dtype == torch.bool:
        names = names or TRUTHS
    y, y_test = (each if each.is_floating_point() else each.long() for each in (y, y_test))
    if classes is None:
        classes = len(names) or counted(y, y_test)
    return y, y_test, classes, names


def in_order(train: pandas.Series, test: pandas.Series) -> tuple[str, ...]:
    """The names of all classes, in the order of their categories or of the alphabet."""
    if train.dtype == test.dtype and isinstance(train.dtype, pandas.CategoricalDtype):
        return tuple(train.cat.categories)
    return tuple(sorted({*train, *test}))


def numbered(texts: pandas.Series, names: tuple[str, ...]) -> Int[Tensor, " n"]:
    """The place of each text among the names of the classes."""
    strange = sorted(set(texts) - set(names))
    if strange:
        raise InvalidData(f"A label is '{strange[0]}', and the classes are {', '.join(names)}. Name all of them.")
    places = {name: place for place, name in enumerate(names)}
    return torch.tensor([places[each] for each in texts], dtype=torch.int64)


def counted(y: Tensor, y_test: Tensor) -> int:
    """How many classes whole numbers speak of; 0 where labels are real numbers."""
    if y.is_floating_point() or y_test.is_floating_point() or not len(y) or not len(y_test):
        return 0
    classes = int(max(y.max(), y_test.max())) + 1
    if classes > max(2, len(y) + len(y_test)):
        raise InvalidData(
            f"The labels are whole numbers up to {classes - 1}, more than there are points. Give classes=0 if they are "
            "targets of a regression, or number the classes 0, 1, 2, and so on."
        )
    return classes
