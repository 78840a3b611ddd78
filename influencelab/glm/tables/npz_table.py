"""Rows of `.npz` files: a sparse matrix of SciPy, or arrays X and y of NumPy."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy
import scipy.sparse

from influencelab.errors import InvalidData, MissingData
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.glm.tables.array_table import ArrayTable


@dataclass(frozen=True)
class NpzTable(Table):
    """X of one file, whole in memory, and y.

    Attributes:
        path: a file of `scipy.sparse.save_npz`, or of `numpy.savez` with arrays X and y.
        target: a file of `numpy.save` with the responses; '' where `path` holds y, and perhaps weights and offsets.
    """

    path: str
    target: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @cached_property
    def table(self) -> ArrayTable:
        """The arrays."""
        for path in filter(None, (self.path, self.target)):
            if not Path(path).exists():
                raise MissingData(f"There is no file {path}. Give the path of a file of numpy or scipy.")
        try:
            with numpy.load(self.path, allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
            x = scipy.sparse.load_npz(self.path) if "format" in arrays else arrays.get("X")
            y = numpy.load(self.target, allow_pickle=False) if self.target else arrays.get("y")
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise InvalidData(f"{self.path} cannot be read ({error}). Save it anew by numpy.savez.") from error
        if x is None or y is None:
            raise InvalidData(
                f"{self.path} holds {', '.join(arrays) or 'nothing'}, expected arrays named X and y, or a matrix of "
                "scipy.sparse and a file of responses as `target`."
            )
        return ArrayTable(x, y, arrays.get("weights"), arrays.get("offsets"))

    def chunks(self) -> Iterator[Rows]:
        """Views of the arrays."""
        return self.table.chunks()
