"""Terminals: how wide they are, whether they show colour, and text that is wrapped by words and cut between them."""

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass

# Columns where there is no terminal: output that goes to a file or to another program.
COLUMNS = 100
COLOURS = {"bold": "1", "faint": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}


@dataclass(frozen=True)
class Terminal:
    """What text is laid out for.

    Attributes:
        width: in columns.
        colour: whether it shows colours.
    """

    width: int = COLUMNS
    colour: bool = False

    def paint(self, text: str, colour: str) -> str:
        """The text in one of `COLOURS`, if there are any here."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.colour and colour else text

    def wrap(self, text: str, *, first: str = "", rest: str | None = None) -> str:
        """The text in lines no wider than the terminal, broken between words; later ones begin with `rest`."""
        after = first if rest is None else rest
        whole = {"break_on_hyphens": False, "break_long_words": False}
        return textwrap.fill(text, self.width, initial_indent=first, subsequent_indent=after, **whole)


def here() -> Terminal:
    """The terminal that this process writes to; `NO_COLOR` and `COLUMNS` are respected."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return Terminal(max(40, shutil.get_terminal_size((COLUMNS, 24)).columns), not plain)


def cut(text: str, width: int) -> str:
    """The text, or as many of its first and last words as fit around an ellipsis: what differs often stands last."""
    words = text.split()
    if len(text) <= width or not words:
        return text
    end, start = [words.pop()], []
    while words and len(" ".join([words[-1], *end])) <= width * 3 // 5:
        end.insert(0, words.pop())
    while words and len(" ".join([*start, words[0], "…", *end])) <= width:
        start.append(words.pop(0))
    shortened = " ".join([*start, "…", *end])
    return shortened if len(shortened) <= width else shortened[: width - 1] + "…"
