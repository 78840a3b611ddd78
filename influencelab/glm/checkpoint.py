"""Finished parts of long work, kept so that it goes on where it was interrupted."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy
from numpy import ndarray

from influencelab.errors import InfluenceLabError, Unavailable, require


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name in a folder that belongs to one piece of work and goes away with its end.

    Nothing tells work on other rows apart: name the folder by all that the work depends on, as `influencelab sketch`
    does.

    Attributes:
        folder: made when something is kept; None keeps nothing.
    """

    folder: Path | None = None

    def load(self, name: str) -> dict[str, ndarray] | None:
        """The arrays that were kept under this name; None where there are none, or not whole ones."""
        path = self.folder / f"{name}.npz" if self.folder else None
        if path is None or not path.exists():
            return None
        try:
            with path.open("rb") as file, numpy.load(file) as found:
                return dict(found)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def keep(self, name: str, **arrays: ndarray) -> None:
        """Write some arrays, whole or not at all; older ones of this name are replaced."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f".{name}.{os.getpid()}.npz"
        try:
            numpy.savez(partial, **arrays)  # pyright: ignore[reportArgumentType]
            partial.replace(self.folder / f"{name}.npz")
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def until_done(self) -> Iterator["Checkpoint"]:
        """Itself. What was kept is left where the work was stopped, and else removed: it is done, or cannot be."""
        try:
            yield self
        except Exception as error:
            if isinstance(error, InfluenceLabError) and not isinstance(error, Unavailable):
                self.remove()
            raise
        self.remove()

    def remove(self) -> None:
        """Remove what was kept."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


# Keeps nothing.
NOTHING = Checkpoint()


def check_kept(kept: object) -> None:
    """Refuse what keeps nothing in any way."""
    require(kept, Checkpoint, what="kept", cure="Make one: Checkpoint(Path('parts')).")
