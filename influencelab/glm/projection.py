"""Projections: random matrices Ω (p k) whose rows are made from a hash when they are needed, and never stored whole."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy
import scipy.sparse
from jaxtyping import Float, UInt64
from numpy import ndarray

from influencelab.errors import InvalidParameter
from influencelab.glm.rows import Matrix
from influencelab.recipe import Recipe

# Of splitmix64 (Steele, Lea and Flood 2014).
STEP, FIRST, SECOND = (numpy.uint64(each) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
# Numbers of Ω that are made at once.
MADE = 2**22


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
        step = max(1, MADE // self.k)
        for first in range(0, x.shape[1], step):
            some = x if step >= x.shape[1] else x[:, first : first + step]
            found = some @ self.rows(first, some.shape[1])
            total += found if isinstance(found, ndarray) else found.toarray()
        return total

    def gram(self, count: int) -> Float[ndarray, "k k"]:
        """ΩᵀΩ of the first rows."""
        total = numpy.zeros((self.k, self.k))
        step = max(1, MADE // self.k)
        for first in range(0, count, step):
            rows = self.rows(first, min(step, count - first))
            found = rows.T @ rows
            total += found if isinstance(found, ndarray) else found.toarray()
        return total


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
