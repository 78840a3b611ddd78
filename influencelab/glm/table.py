"""Tables: rows that may be more than memory holds, read a chunk at a time, as often as is asked."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from influencelab.glm.rows import Rows
from influencelab.recipe import Recipe


@dataclass(frozen=True)
class Table(Recipe):
    """Where rows come from; each pass gives the same rows in the same order."""

    @abstractmethod
    def chunks(self) -> Iterator[Rows]:
        """All rows, some at a time, in order."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the features; empty where they have none."""
