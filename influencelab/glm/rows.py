"""Some rows of a table: features, responses, weights and offsets; and the products that are made of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy
import scipy.sparse
from jaxtyping import Float
from numpy import ndarray

from influencelab.errors import InvalidData
from influencelab.glm.family import Family
from influencelab.glm.link import B
from influencelab.glm.pairs import dense_gram, sparse_gram

# Features (b p): an array, or a `scipy.sparse.csr_array`, of whose shape type checkers know nothing.
Matrix = Any


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows `first`, `first` + 1, … of a table.

    Attributes:
        first: the place of the first of them in the table.
        x: features (b p), dense or sparse, float32 or float64; what is summed over rows is float64.
        y: responses.
        weights: of each row, ≥ 0.
        offsets: a fixed part of each linear predictor.
    """

    first: int
    x: Matrix
    y: B
    weights: B
    offsets: B

    def __len__(self) -> int:
        """How many there are."""
        return len(self.y)

    def predictor(self, coefficients: Float[ndarray, " p"]) -> B:
        """η = X β + offset."""
        return self.x @ coefficients + self.offsets

    def pulled(self, slopes: B) -> Float[ndarray, " p"]:
        """Xᵀ times a number a row."""
        return numpy.asarray(self.x.T @ slopes, dtype=float)

    def squared_sums(self, curvature: B) -> Float[ndarray, " p"]:
        """The diagonal of Xᵀ V X."""
        squares = self.x**2 if isinstance(self.x, ndarray) else self.x.power(2)
        return numpy.asarray(squares.T @ curvature, dtype=float)

    def gram(self, curvature: B) -> Float[ndarray, "p p"]:
        """Xᵀ V X, dense."""
        return (dense_gram if isinstance(self.x, ndarray) else sparse_gram)(self.x, curvature)


def with_intercept(rows: Rows) -> Rows:
    """The same with a last column of ones."""
    ones = numpy.ones((len(rows), 1), dtype=rows.x.dtype)
    if isinstance(rows.x, ndarray):
        return replace(rows, x=numpy.hstack([rows.x, ones]))
    # SciPy's own way goes through places of rows, and takes ten times as long.
    ends = rows.x.indptr + numpy.arange(len(rows) + 1, dtype=rows.x.indptr.dtype)
    old = numpy.ones(ends[-1], dtype=bool)
    old[ends[1:] - 1] = False
    columns, values = (
        numpy.full(len(old), rows.x.shape[1], dtype=rows.x.indices.dtype),
        numpy.ones(len(old), ones.dtype),
    )
    columns[old], values[old] = rows.x.indices, rows.x.data
    return replace(rows, x=scipy.sparse.csr_array((values, columns, ends), shape=(len(rows), rows.x.shape[1] + 1)))


def check_rows(rows: Rows, family: Family, *, columns: tuple[str, ...], table: str) -> None:
    """Refuse rows with NaN or infinite numbers, negative weights, or responses outside the family's range.

    Raises:
        InvalidData: the message names the first such row and column.
    """
    values = rows.x if isinstance(rows.x, ndarray) else rows.x.data
    if not numpy.isfinite(values.sum()) and not (fine := numpy.isfinite(values)).all():
        place = numpy.argwhere(~fine)[0]
        if isinstance(rows.x, ndarray):
            row, column = map(int, place)
        else:
            row = int(numpy.searchsorted(rows.x.indptr, place[0], side="right")) - 1
            column = int(rows.x.indices[place[0]])
        named = f"column {columns[column]}" if columns else f"column {column}"
        raise InvalidData(
            f"{table}: row {rows.first + row:,} has {values[tuple(place)]} in {named}. Impute it or drop the row."
        )
    for what, given in (("response", rows.y), ("weight", rows.weights), ("offset", rows.offsets)):
        bad = ~numpy.isfinite(given) | ((given < 0) if what == "weight" else False)
        if bad.any():
            row = int(bad.argmax())
            raise InvalidData(
                f"{table}: row {rows.first + row:,} has the {what} {given[row]}, expected a finite number"
                f"{' ≥ 0' if what == 'weight' else ''}. Mend it or drop the row."
            )
    inside = family.inside(rows.y)
    if not inside.all():
        row = int((~inside).argmax())
        raise InvalidData(
            f"{table}: row {rows.first + row:,} has the response {rows.y[row]:g}; {type(family).__name__} takes "
            f"{family.range}. Recode the responses, or take another family."
        )
