"""Body fat of 252 men, by 12 measurements of weight, height and circumferences: a regression."""

import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy
from jaxtyping import Float

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.download import RemoteFile, data_folder, lookalikes, retrieved
from influencelab.data.source import Source
from influencelab.recipe import kind_name

HOME = "https://lib.stat.cmu.edu/datasets/bodyfat"
NAME = "bodyfat"
ROWS, COLUMNS = 252, 15
# Of the numbers of all columns, row by row, however the file writes them.
CONTENT_MD5 = "75399032be5da828f5a64a3672f65b15"
# Columns 0 to 2 are density, body fat (%) and age.
FAT, FIRST = 1, 3
GIRTHS = ("neck", "chest", "abdomen", "hip", "thigh", "knee", "ankle", "biceps", "forearm", "wrist")
FEATURES = ("weight (lb)", "height (in)", *(f"{part} (cm)" for part in GIRTHS))


@dataclass(frozen=True)
class Bodyfat(Source):
    """The data of Penrose, Nelson and Fisher (1985) as StatLib has them, split at random by `seed`.

    The target is body fat by Siri's equation, in percent. The covariates are the 12 of Hellton, Lingjærde and De Bin
    (2024): all but density, of which the target is a function, and age. They differ in unit, so scale them.

    Attributes:
        held_out: how many of the 252 men are for testing. Ids are rows of the file, from 0: the man of 363 lb is 38,
            the one of 29.5 inches 41.
    """

    held_out: int = 52

    def arrays(self) -> Arrays:
        """All men, features (n, 12)."""
        table = published(kind_name(self))
        return hold_out(table[:, FIRST:], table[:, FAT], held_out=self.held_out, seed=self.seed)


def published(source: str) -> Float[numpy.ndarray, "n 15"]:
    """The table, from any file in the data folder that holds it, as StatLib's text or as CSV, else downloaded.

    Raises:
        MissingData: it lies nowhere there and could not be downloaded, or what came is another table.
    """
    for path in lookalikes(NAME, data_folder()):
        found = table_in(path)
        if content_md5(found) == CONTENT_MD5:
            return found
    folder, part = data_folder() / source, f"{NAME}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = table_in(retrieved(HOME, name=part, folder=folder))
        if content_md5(found) == CONTENT_MD5:
            (folder / part).replace(folder / NAME)
            return found
        why = f"What {HOME} gave is not the published table."
    except OSError as error:  # requests' errors are of this kind too
        why = f"{NAME} could not be downloaded to {folder} ({type(error).__name__})."
    finally:
        (folder / part).unlink(missing_ok=True)
    raise RemoteFile(source, NAME, "", HOME, ()).missing(why)


def table_in(path: Path) -> Float[numpy.ndarray, "rows columns"]:
    """The rows of 15 numbers in a text, or of 16 with the row's own number first; other lines are words about them."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.replace(",", " ").replace('"', " ").split()
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            continue
        if len(numbers) in (COLUMNS, COLUMNS + 1) and all(map(math.isfinite, numbers)):
            rows.append(numbers[-COLUMNS:])
    return numpy.array(rows, dtype=numpy.float64).reshape(-1, COLUMNS)


def content_md5(table: Float[numpy.ndarray, "rows columns"]) -> str:
    """Checksum of the numbers, each as the shortest text that reads back as it."""
    text = "\n".join(" ".join(map(repr, row)) for row in table.tolist())
    return hashlib.md5(text.encode()).hexdigest()
