"""Terminals: how wide they are, whether they show colour, and text that is wrapped by words and cut between them."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
        lines = textwrap.TextWrapper(self.width, first, after, break_on_hyphens=False, break_long_words=False)
        return lines.fill(text)


def here() -> Terminal:
    """The terminal that this process writes to; `NO_COLOR` and `COLUMNS` are respected."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return Terminal(max(40, shutil.get_terminal_size((COLUMNS, 24)).columns), not plain)


def shortened(text: str) -> str:
    """The text with its paths relative to the working folder, where they are in it and it still exists."""
    try:
        return re.sub(rf"(?<![^\s'\"(=]){re.escape(str(Path.cwd()))}/", "", text)
    except FileNotFoundError:
        return text


def cut(text: str, width: int, *, end: float = 0.6) -> str:
    """The text, or as many of its first and last words as fit around an ellipsis: what differs often stands last.

    Args:
        text: some words.
        width: how long it may be.
        end: the share of it that the last words may take.
    """
    words = text.split()
    if len(text) <= width or not words:
        return text
    last, first = [words.pop()], []
    while words and len(" ".join([words[-1], *last])) <= width * end:
        last.insert(0, words.pop())
    while words and len(" ".join([*first, words[0], "…", *last])) <= width:
        first.append(words.pop(0))
    shortened = " ".join([*first, "…", *last])
    return shortened if len(shortened) <= width else shortened[: width - 1] + "…"


def cut_apart(texts: Sequence[str], width: int) -> list[str]:
    """The texts, each cut to a width, and where the cut tells most of them apart."""
    ways = [[cut(text, width, end=end) for text in texts] for end in (0.6, 0.4, 0.2)]
    return max(ways, key=lambda way: len(set(way)))
