"""Invented men in the form that StatLib has body fat in, so that the source is tested without the real file."""

import hashlib
from pathlib import Path

import numpy
import pytest

from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import bodyfat


def invented_men(men: int = 80) -> numpy.ndarray:
    """A table of 15 columns with two decimals, none of them 0."""
    return numpy.random.default_rng(5).integers(100, 10_000, (men, 15)) / 100


def statlib_text(table: numpy.ndarray) -> str:
    """The table as StatLib writes it: words around lines of numbers between blanks."""
    lines = [
        "These data are of 252 men.",
        "",
        "1. Density",
        "   2 columns",
        *(" ".join(map(str, row)) for row in table),
    ]
    return "\n".join([*lines, "", "Roger W. Johnson, 57701"])


def csv_text(table: numpy.ndarray) -> str:
    """The table as R writes it: a header, and each row with its number."""
    lines = (",".join([f'"{count}"', *map(str, row)]) for count, row in enumerate(table.tolist(), start=1))
    return "\n".join(['"","density","percent.fat"', *lines])


def checksum(table: numpy.ndarray) -> str:
    """MD5 of the numbers as text, a line a row."""
    lines = [" ".join(str(float(value)) for value in row) for row in table]
    return hashlib.md5("\n".join(lines).encode()).hexdigest()


def use_invented_men(folder: Path, patch: pytest.MonkeyPatch) -> numpy.ndarray:
    """Put a small file where that of body fat is looked for, and expect its checksum; the table."""
    table = invented_men()
    (folder / "bodyfat").mkdir(parents=True)
    (folder / "bodyfat" / "bodyfat").write_text(statlib_text(table))
    patch.setattr(bodyfat, "CONTENT_MD5", checksum(table))
    patch.setenv(FOLDER_VARIABLE, str(folder))
    return table
