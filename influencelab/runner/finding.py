"""Findings in words: sentences and tables whose every number is selected from reports when they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from influencelab.runner.report import Report
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import Where

Quote = Where | Setting


@dataclass(frozen=True)
class Finding:
    """One sentence of a study's result.

    Attributes:
        study: whose measurements it quotes.
        text: the sentence, with `{}` in the place of each number; no digit of a result is typed.
        quotes: the settings of each number, in order; a `Setting` for a difference, a ratio or a mean of numbers.
    """

    study: str
    text: str
    quotes: tuple[Quote, ...]

    def written(self, found: Sequence[Report]) -> str:
        """The sentence with its numbers, or nothing where one of them was not measured."""
        numbers = [latest(found, self.study, where) for where in self.quotes]
        return self.text.format(*numbers) if all(number is not None for number in numbers) else ""


@dataclass(frozen=True)
class FindingTable:
    """A table of a study's numbers.

    Attributes:
        study: whose measurements it shows.
        caption: what it shows.
        corner: the head of the first column.
        rows: the settings that a row's numbers share, by the row's name.
        columns: the same of each column.
    """

    study: str
    caption: str
    corner: str
    rows: Mapping[str, Where]
    columns: Mapping[str, Where]

    def written(self, found: Sequence[Report]) -> str:
        """The table in Markdown, with a dash for what was not measured; nothing where nothing was."""
        cells = {
            name: [latest(found, self.study, {**row, **column}) for column in self.columns.values()]
            for name, row in self.rows.items()
        }
        lines = [
            f"| {' | '.join((name, *('–' if cell is None else str(cell) for cell in line)))} |"
            for name, line in cells.items()
            if any(cell is not None for cell in line)
        ]
        head = f"| {' | '.join((self.corner, *self.columns))} |\n|{' --- |' * (1 + len(self.columns))}"
        return "\n".join((self.caption, "", head, *lines)) if lines else ""


def latest(found: Sequence[Report], study: str, quote: Quote) -> Measurement | None:
    """The number with these settings of the largest report that holds it; reports go from small to large."""
    meant = quote if isinstance(quote, Setting) else Setting("", quote)
    numbers = [meant.number(report.measurements) for report in found if report.study == study]
    return next((number for number in reversed(numbers) if number is not None), None)
