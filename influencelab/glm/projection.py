"""Projections: random matrices Ω (p k) whose rows are made from a hash when they are needed, and never stored whole."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import scipy.sparse
from jaxtyping import Float, Int32, UInt64
from numpy import ndarray

from influencelab.errors import InvalidParameter
from influencelab.glm.rows import Matrix
from influencelab.recipe import Recipe, default

# Of splitmix64 (Steele, Lea and Flood 2014).
STEP, FIRST, SECOND = (numpy.uint64(each) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
# Numbers of Ω that are made at once, and that are held from one chunk of rows to the next.
MADE, HELD = 2**22, 2**25
# Entries of sparse rows that are spread over columns at once, so that they stay in the processor's memory.
SPREAD = 2**14


@dataclass(frozen=True)
class Projection(Recipe):
    """A recipe for Ω; E[Ω Ωᵀ] is k times the identity, and equal recipes give equal rows anywhere.

    Attributes:
        k: columns of Ω.
        seed: of the draw.
    """

    k: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if self.k < 1 or self.seed < 0:
            raise InvalidParameter(f"k is {self.k} and seed {self.seed}; expected k ≥ 1 and seed ≥ 0.")

    @abstractmethod
    def rows(self, first: int, count: int) -> Float[ndarray, "count k"] | scipy.sparse.csr_array:
        """Rows `first`, `first` + 1, … of Ω."""

    def project(self, x: Matrix) -> Float[ndarray, "b k"]:
        """X Ω of some rows, from as many rows of Ω at once as memory holds easily."""
        total = numpy.zeros((x.shape[0], self.k))
        for first, rows in self.parts(x.shape[1]):
            some = x if rows.shape[0] == x.shape[1] else x[:, first : first + rows.shape[0]]
            if isinstance(rows, ndarray) or isinstance(some, ndarray):
                total += some @ rows
            else:
                add_signed(total, some, signed(self, first, rows.shape[0]), size=abs(rows.data[0]))
        return total

    def gram(self, count: int) -> Float[ndarray, "k k"]:
        """ΩᵀΩ of the first rows."""
        total = numpy.zeros((self.k, self.k))
        for _, rows in self.parts(count):
            found = rows.T @ rows
            total += found if isinstance(found, ndarray) else found.toarray()
        return total

    def parts(self, count: int) -> Iterator[tuple[int, Any]]:
        """The first rows of Ω, some at a time, with the place of the first of each part."""
        a_row = self.numbers
        step = count if count * a_row <= HELD else max(1, MADE // a_row)
        for first in range(0, count, step):
            yield first, held(self, first, min(step, count - first))

    @property
    @default
    def numbers(self) -> int:
        """How many in a row of Ω are not 0."""
        return self.k


@lru_cache(maxsize=8)
def held(projection: Projection, first: int, count: int) -> Any:
    """Some rows of Ω, remembered."""
    return projection.rows(first, count)


@lru_cache(maxsize=8)
def signed(projection: Projection, first: int, count: int) -> Int32[ndarray, "count s"]:
    """The columns of Ω that each feature goes to; k further on where its sign is −1."""
    rows = held(projection, first, count)
    columns = rows.indices + projection.k * (rows.data < 0)
    return columns.astype(numpy.int32).reshape(count, projection.numbers)


def add_signed(total: Float[ndarray, "b k"], x: Any, columns: Int32[ndarray, "p s"], *, size: float) -> None:
    """Add X Ω of sparse rows, Ω of numbers of one size: each entry is added to the columns that it goes to."""
    (rows, k), count = total.shape, columns.shape[1]
    first = 0
    while first < rows:
        last = max(first + 1, int(numpy.searchsorted(x.indptr, x.indptr[first] + SPREAD, side="right")) - 1)
        entries = slice(x.indptr[first], x.indptr[last])
        values = numpy.repeat(x.data[entries].astype(float) * size, count)
        ends = ((x.indptr[first : last + 1] - x.indptr[first]) * count).astype(numpy.int32)
        spread = (values, columns.take(x.indices[entries], axis=0).ravel(), ends)
        found = scipy.sparse.csr_array(spread, shape=(last - first, 2 * k)).toarray()
        total[first:last] += found[:, :k]
        total[first:last] -= found[:, k:]
        first = last


def hashed(seed: int, *places: ndarray) -> UInt64[ndarray, "*shape"]:
    """64 bits that look random, from a seed and whole numbers; the arrays are broadcast together."""
    state: Any = numpy.uint64(seed)
    with numpy.errstate(over="ignore"):
        for place in places:
            state = mixed(state + STEP + place.astype(numpy.uint64))
    return state


def mixed(state: UInt64[ndarray, "*shape"]) -> UInt64[ndarray, "*shape"]:
    """One round of splitmix64."""
    with numpy.errstate(over="ignore"):
        state = (state ^ (state >> numpy.uint64(30))) * FIRST
        state = (state ^ (state >> numpy.uint64(27))) * SECOND
    return state ^ (state >> numpy.uint64(31))


def uniform(bits: UInt64[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
    """Numbers strictly between 0 and 1."""
    return ((bits >> numpy.uint64(12)).astype(float) + 0.5) / 2.0**52
