"""The tables and figures of a report, counted as a notebook makes them."""

import re
from dataclasses import dataclass

from influencelab.recipe import counted
from influencelab.runner.study import Study

# What a notebook calls once for each table or figure.
PIECE = re.compile(r"\.(?:measure|number|figure|pairs|explore)\(")


@dataclass
class Pieces:
    """Tables and figures of a report, counted as they are made, and their share of the run; it changes by nature.

    Attributes:
        total: how many there will be; 0 where that is not known.
        done: how many there are.
        first: the share of the run's time that was over when trials had ended.
        last: the same when these tables and figures are done.
        before: how many there were when the trials began.
        begun: whether trials have; what is made before them moves nothing, since the trials are most of a run.
    """

    total: int
    done: int = 0
    first: float = 0.0
    last: float = 1.0
    before: int = 0
    begun: bool = False

    def begin(self, first: float, last: float) -> None:
        """Count those after the trials that begin now."""
        self.first, self.last, self.before, self.begun = first, last, self.done, True

    def add(self) -> float:
        """Count one more, if all were foreseen; the share that is over. Not all is before the report is published."""
        self.done = min(self.done + 1, self.total)
        return self.first + (self.last - self.first) * (self.done - self.before) / (self.total - self.before + 1)

    @property
    def text(self) -> str:
        """`3 of 9 tables and figures`."""
        return counted(self.done, self.total, "tables and figures")


def pieces_of(notebook: Study) -> int:
    """How many tables and figures a notebook makes, if it makes none in a loop."""
    return sum(len(PIECE.findall(text)) for kind, text, _ in notebook.cells() if kind == "code")
