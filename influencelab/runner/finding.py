"""Findings in words: sentences and tables whose every number is selected from reports when they are written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from influencelab.runner.report import Report
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import Where

Quote = Where | Setting

MISSING = "–"


@dataclass(frozen=True)
class Finding:
    """One sentence of a study's result.

    Attributes:
        study: whose measurements it quotes.
        text: the sentence, with `{}` in the place of each number, or what chooses it from the numbers, so that it says
            the other thing if they do; no digit of a result is typed.
        quotes: the settings of each number, in order; a `Setting` for a difference, a ratio or a mean of numbers.
    """

    study: str
    text: str | Callable[[Sequence[Measurement]], str]
    quotes: tuple[Quote, ...]

    def written(self, found: Sequence[Report]) -> str:
        """The sentence with its numbers, or nothing where one of them was not measured."""
        numbers = [latest(found, self.study, where) for where in self.quotes]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            return ""
        text = self.text if isinstance(self.text, str) else self.text(known)
        return text.format(*known)


@dataclass(frozen=True)
class FindingTable:
    """A table of a study's numbers.

    Attributes:
        study: whose measurements it shows.
        caption: what it shows.
        corner: the head of the first column.
        rows: the settings that a row's numbers share, by the row's name.
        columns: the same of each column.
        counted: what changes in a cell's settings to find the number whose n stands behind it: of how many networks.
    """

    study: str
    caption: str
    corner: str
    rows: Mapping[str, Where]
    columns: Mapping[str, Where]
    counted: Where | None = None

    def written(self, found: Sequence[Report]) -> str:
        """The table in Markdown, with a dash for what was not measured; nothing where nothing was."""
        cells = {
            name: [self.cell(found, {**row, **column}) for column in self.columns.values()]
            for name, row in self.rows.items()
        }
        lines = [f"| {' | '.join((name, *line))} |" for name, line in cells.items() if set(line) != {MISSING}]
        head = f"| {' | '.join((self.corner, *self.columns))} |\n|{' --- |' * (1 + len(self.columns))}"
        return "\n".join((self.caption, "", head, *lines)) if lines else ""

    def cell(self, found: Sequence[Report], where: Where) -> str:
        """One number, and of how many it is, where that is asked for."""
        number = latest(found, self.study, where)
        count = latest(found, self.study, {**where, **self.counted}) if self.counted else None
        return MISSING if number is None else f"{number} ({count.n:,})" if count else str(number)


def latest(found: Sequence[Report], study: str, quote: Quote) -> Measurement | None:
    """The number with these settings of the largest report that holds it; reports go from small to large."""
    meant = quote if isinstance(quote, Setting) else Setting("", quote)
    numbers = [meant.number(report.measurements) for report in found if report.study == study]
    return next((number for number in reversed(numbers) if number is not None), None)
