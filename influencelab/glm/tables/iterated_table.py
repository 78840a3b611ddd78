"""Rows from any function that gives them in pieces."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from influencelab.errors import InvalidData, WrongType, named
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.glm.tables.array_table import ArrayTable


@dataclass(frozen=True, eq=False)
class IteratedTable(Table):
    """Pieces (X, y) or (X, y, weights) or (X, y, weights, offsets) of all rows; the function is called for every pass.

    Attributes:
        pieces: a function without arguments that gives the same pieces whenever it is called, such as a generator.
        columns: names of the features.
    """

    pieces: Callable[[], Iterable[tuple[Any, ...]]]
    columns: tuple[str, ...] = ()  # pyright: ignore[reportIncompatibleMethodOverride] - a field answers too

    def __post_init__(self) -> None:
        if not callable(self.pieces):
            raise WrongType(
                f"pieces is {named(self.pieces)}, expected a function that gives pieces anew at each call, since rows "
                "are read several times. Give lambda: …, or the name of a generator."
            )

    def chunks(self) -> Iterator[Rows]:
        """Each piece, or parts of it where it is large."""
        first = 0
        for piece in self.pieces():
            if not isinstance(piece, tuple) or not 2 <= len(piece) <= 4:
                raise InvalidData(f"A piece is {named(piece)}, expected a tuple (X, y), or with weights and offsets.")
            for rows in ArrayTable(*piece).chunks():
                yield replace(rows, first=first + rows.first)
            first += len(piece[1])
