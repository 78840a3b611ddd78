"""Features of which most are 0: a tensor that stores the others alone, and what linear models ask of it."""

import math
from collections.abc import Callable
from typing import Any

import numpy
import scipy.sparse
import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from influencelab.data.affordable import available, check_affordable, refuse
from influencelab.errors import Unavailable, WrongType

# Numbers, zeros too, from which on features stay sparse, and the share of them up to which the others pay.
LARGE, DENSITY = 2**20, 0.1
# Vectors of a number a column that any linear model of sparse features makes.
VECTORS = 8
# Numbers of a product of two sparse tables that are found at once.
BLOCK = 2**22

aten = torch.ops.aten


class SparseRows(Tensor):
    """A table such as counts of words, a point a row, of which only what is not 0 is stored; on the CPU.

    It stands where a tensor of features does. Products, rows, columns, lengths and sums cost what is stored; whatever
    has no form for that writes the zeros out, and is refused by an InvalidData error where memory is too small.
    """

    matrix: Any
    known: dict[float, "SparseRows"]

    @staticmethod
    def __new__(cls, matrix: Any) -> "SparseRows":
        """A tensor without numbers of its own, of the size and type of the matrix."""
        kind = torch.from_numpy(numpy.zeros(0, matrix.dtype)).dtype
        return Tensor._make_wrapper_subclass(cls, matrix.shape, dtype=kind, device=torch.device("cpu"))

    def __init__(self, matrix: Any) -> None:
        self.matrix, self.known = matrix, {}

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """By the form of an operation for what is stored, if it has one; else with all zeros."""
        form, named = FORMS.get(func.overloadpacket), kwargs or {}
        if form is not None and (found := form(*args, **named)) is not NotImplemented:
            return found
        if func._schema.is_mutable:
            raise WrongType("Sparse features are not changed in place. Write them out first: x.to_dense().")
        args, named = tree_map_only(SparseRows, SparseRows.to_dense, (args, named))
        return func(*args, **named)

    __torch_function__ = torch._C._disabled_torch_function_impl  # pyright: ignore[reportAssignmentType]

    def to_dense(self, *_: Any, **__: Any) -> Tensor:
        """With its zeros; an InvalidData error where they are too many."""
        check_affordable(self.shape, what="A table of features")
        return torch.from_numpy(numpy.ascontiguousarray(self.matrix.toarray()))

    def numpy(self, *_: Any, **__: Any) -> numpy.ndarray:
        """The same as NumPy."""
        return self.to_dense().numpy()

    @property
    def stored(self) -> int:
        """How many numbers are stored."""
        return int(self.matrix.nnz)

    def __reduce_ex__(self, _: Any) -> tuple[Any, tuple[Any]]:
        """As the matrix, when copied or sent elsewhere."""
        return SparseRows, (self.matrix,)

    def __deepcopy__(self, memo: dict[int, Any]) -> "SparseRows":
        """Of a matrix of its own."""
        return memo.setdefault(id(self), SparseRows(self.matrix.copy()))

    def __repr__(self, *_: Any, **__: Any) -> str:
        """Its size and how much of it is stored."""
        return f"SparseRows({' × '.join(map(str, self.shape))} of {self.dtype}, {self.stored:,} stored)"


def sparse_rows(matrix: Any, *, what: str) -> Tensor:
    """A matrix of SciPy's of real numbers: sparse where that pays, else with its zeros.

    Raises:
        InvalidData: it is too large either way.
    """
    size = math.prod(map(int, matrix.shape))
    few = matrix.nnz <= DENSITY * size
    if size < LARGE or not (few or 8 * size > available()):
        check_affordable(matrix.shape, what=what)
        return torch.from_numpy(numpy.ascontiguousarray(matrix.toarray()))
    taken = 12 * matrix.nnz + 8 * (matrix.shape[0] + VECTORS * matrix.shape[1])
    if taken > available():
        refuse(matrix.shape, what=what, taken=taken, how="with models of so many columns")
    rows: Any = scipy.sparse.csr_array(matrix, copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    places = scipy.sparse.get_index_dtype(maxval=max(rows.nnz, *rows.shape))
    rows.indices, rows.indptr = rows.indices.astype(places), rows.indptr.astype(places)
    return SparseRows(rows)


def row_size(x: Tensor, *, dense: int | None = None) -> int:
    """Numbers that a row holds: on average those stored; of a plain tensor all, or as many as `dense` says."""
    if isinstance(x, SparseRows):
        return max(1, x.stored // max(1, len(x)))
    return x.shape[1:].numel() if dense is None else dense


def written_out(x: Tensor) -> Tensor:
    """With all zeros."""
    return x.to_dense() if isinstance(x, SparseRows) else x


def matrix_of(x: Tensor) -> Any:
    """The same as an array of NumPy or, where sparse, of SciPy: both take `@`, `*` between numbers, `.T` and `.sum`."""
    return x.matrix if isinstance(x, SparseRows) else x.detach().cpu().numpy()


def product(one: Any, other: Any) -> Any:
    """One matrix times another, of which one is sparse or both are: a plain tensor."""
    if not isinstance(one, SparseRows):
        found = other.matrix.T @ numpy.ascontiguousarray(one.detach().numpy().T)
        return torch.from_numpy(found.T.copy())
    if not isinstance(other, SparseRows):
        return torch.from_numpy(one.matrix @ numpy.ascontiguousarray(other.detach().numpy()))
    left: Any = scipy.sparse.csr_array(one.matrix)
    found = numpy.zeros((len(one), other.shape[1]), one.matrix.dtype)
    step = max(1, BLOCK // max(1, other.shape[1]))
    for first in range(0, len(one), step):
        found[first : first + step] = (left[first : first + step] @ other.matrix).toarray()
    return torch.from_numpy(found)


def transposed(x: SparseRows, *_: Any) -> SparseRows:
    """Rows for columns."""
    return SparseRows(x.matrix.T)


def sliced(x: SparseRows, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    """Some rows or columns, in their order."""
    part = slice(start, end, step)
    if part.indices(x.shape[dim]) == (0, x.shape[dim], 1):
        return again(x)
    return SparseRows(x.matrix[part] if dim % 2 == 0 else x.matrix[:, part])


def again(x: SparseRows, *_: Any, **__: Any) -> SparseRows:
    """The same numbers, and what is known of them: nobody changes them."""
    made = SparseRows(x.matrix)
    made.known = x.known
    return made


def indexed(x: Any, places: Any) -> Any:
    """Some rows, or some columns, by places or a mask; a grid of rows with its zeros."""
    where: Any = [each if each is None else each.detach().cpu().numpy() for each in places]
    if not isinstance(x, SparseRows) or len([each for each in where if each is not None]) != 1:
        return NotImplemented
    if where[0] is None:
        return SparseRows(x.matrix[:, where[1]]) if where[1].ndim == 1 else NotImplemented
    if where[0].ndim == 1:
        return SparseRows(x.matrix[where[0]])
    if where[0].dtype == bool:
        return NotImplemented
    return SparseRows(x.matrix[where[0].ravel()]).to_dense().view(*where[0].shape, -1)


def selected(x: SparseRows, dim: int, place: int) -> Tensor:
    """One row or column with its zeros."""
    part = x.matrix[[place]] if dim % 2 == 0 else x.matrix[:, [place]]
    return torch.from_numpy(part.toarray().ravel())


def joined(parts: list[Tensor], dim: int = 0) -> Any:
    """Rows below rows, or columns beside columns; a constant column is put there once."""
    held = [matrix_of(each) for each in parts]
    if dim % 2 == 0:
        return SparseRows(scipy.sparse.csr_array(scipy.sparse.vstack(list(map(scipy.sparse.csr_array, held)))))
    first, last = parts[0], held[-1]
    if len(parts) != 2 or not isinstance(first, SparseRows) or last.shape[1] != 1 or not len(last):
        return SparseRows(scipy.sparse.csr_array(scipy.sparse.hstack(list(map(scipy.sparse.csr_array, held)))))
    if isinstance(parts[1], SparseRows) or last.min() != last.max():
        return SparseRows(beside(held[0], numpy.asarray(parts[1].numpy())[:, 0]))
    if (constant := float(last[0, 0])) not in first.known:
        first.known[constant] = SparseRows(beside(held[0], last[:, 0]))
    return again(first.known[constant])


def beside(matrix: Any, column: numpy.ndarray) -> Any:
    """The rows with one more column after all others."""
    rows: Any = scipy.sparse.csr_array(matrix)
    ends, width = rows.indptr[1:], rows.shape[1]
    numbers, columns = numpy.insert(rows.data, ends, column), numpy.insert(rows.indices, ends, width)
    starts = rows.indptr + numpy.arange(len(rows.indptr), dtype=rows.indptr.dtype)
    return scipy.sparse.csr_array((numbers, columns, starts), shape=(rows.shape[0], width + 1))


def scaled(one: Any, other: Any) -> Any:
    """Times a number, or a number a row or a column."""
    x, factor = (one, other) if isinstance(one, SparseRows) else (other, one)
    if isinstance(factor, SparseRows):
        return SparseRows(scipy.sparse.csr_array(x.matrix * factor.matrix))
    if isinstance(factor, Tensor):
        if factor.dim() > 2 or torch.broadcast_shapes(factor.shape, x.shape) != x.shape:
            return NotImplemented
        factor = factor.detach().numpy()
    if numpy.size(factor) == 1:
        return SparseRows(x.matrix * float(numpy.ravel(factor)[0]))
    wide = numpy.atleast_2d(factor)
    return SparseRows(scipy.sparse.csr_array(x.matrix.multiply(wide))) if 1 in wide.shape else NotImplemented


def divided(x: Any, other: Any) -> Any:
    """Over a number, or a number a row or a column."""
    if not isinstance(x, SparseRows) or isinstance(other, SparseRows):
        return NotImplemented
    return scaled(x, 1 / other)


def power(x: Any, exponent: Any) -> Any:
    """Each number to a power above 0, which leaves zeros."""
    positive = isinstance(x, SparseRows) and isinstance(exponent, int | float) and exponent > 0
    return SparseRows(x.matrix.power(exponent)) if positive else NotImplemented


def summed(x: SparseRows, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    """Of each row, each column, or all."""
    return reduced(x, dim, lambda matrix, axis: matrix.sum(axis=axis), keepdim=keepdim)


def largest(x: SparseRows, dim: Any = None, keepdim: bool = False) -> Any:
    """Of each row or column, zeros among them."""
    return reduced(x, dim, lambda matrix, axis: matrix.max(axis=axis).toarray(), keepdim=keepdim)


def lengths(x: SparseRows, ord: Any = 2, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    """√ of the sum of squares of each row or column."""
    if ord != 2:
        return NotImplemented
    return reduced(x, dim, lambda matrix, axis: numpy.sqrt(matrix.power(2).sum(axis=axis)), keepdim=keepdim)


def reduced(x: SparseRows, dim: Any, of: Callable[[Any, int], Any], *, keepdim: bool) -> Any:
    """One number a row (dim 1) or a column (dim 0)."""
    axes = [each % 2 for each in (dim if isinstance(dim, list | tuple) else [dim] if dim is not None else [])]
    if len(axes) != 1:
        return NotImplemented
    found = torch.from_numpy(numpy.array(of(x.matrix, axes[0]), dtype=x.matrix.dtype).ravel())
    return found.unsqueeze(axes[0]) if keepdim else found


def converted(x: SparseRows, *, dtype: Any = None, device: Any = None, **_: Any) -> Any:
    """In another type of real numbers; there is no other device."""
    if device is not None and torch.device(device).type != "cpu":
        raise Unavailable(f"Sparse features stay on the CPU, and {device} was asked for. Write them out: x.to_dense().")
    kinds = {torch.float32: numpy.float32, torch.float64: numpy.float64}
    return SparseRows(x.matrix.astype(kinds[dtype or x.dtype])) if (dtype or x.dtype) in kinds else NotImplemented


def made(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A plain tensor of another size, in the type of the table."""

    def form(x: SparseRows, size: Any, *filled: Any, dtype: Any = None, **_: Any) -> Tensor:
        return make(size, *filled, dtype=dtype or x.dtype)

    return form


FORMS: dict[Any, Callable[..., Any]] = {
    aten.mm: product,
    aten.mv: lambda x, vector: product(x, vector[:, None])[:, 0] if isinstance(x, SparseRows) else NotImplemented,
    aten.t: transposed,
    aten.transpose: lambda x, one, other: transposed(x) if (one - other) % 2 else again(x),
    aten.permute: lambda x, dims: transposed(x) if dims[0] % 2 else again(x),
    aten.slice: sliced,
    aten.index: indexed,
    aten.select: selected,
    aten.cat: joined,
    aten.abs: lambda x: SparseRows(abs(x.matrix)),
    aten.pow: power,
    aten.mul: scaled,
    aten.div: divided,
    aten.sum: summed,
    aten.amax: largest,
    aten.linalg_vector_norm: lengths,
    aten._to_copy: converted,
    aten.detach: again,
    aten.alias: again,
    aten.clone: again,
    aten.new_zeros: made(torch.zeros),
    aten.new_ones: made(torch.ones),
    aten.new_full: made(torch.full),
    aten.new_empty: made(torch.empty),
}
