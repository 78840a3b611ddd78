"""Rows of a svmlight file, `label index:value …` a line, which stay sparse."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy
import scipy.sparse
from sklearn.datasets import load_svmlight_file

from influencelab.errors import InvalidData, MissingData, whole
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table

# Bytes that are read at once.
BLOCK = 2**24
# As many features as there can be.
WIDEST = 2**31 - 2


@dataclass(frozen=True)
class SvmlightTable(Table):
    """Lines of a label and the features that are not 0.

    Attributes:
        path: the file, not packed.
        width: how many features there are; 0 looks for the largest index, which takes one pass.
        one_based: whether the first feature has index 1, as is usual.
        block: bytes that are read at once.
    """

    path: str
    width: int = 0
    one_based: bool = True
    block: int = BLOCK

    def __post_init__(self) -> None:
        whole(self.width, what="width", least=0)
        whole(self.block, what="block", least=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    @cached_property
    def found_width(self) -> int:
        """The number of features."""
        return self.width or max(int(x.indices.max(initial=0)) + 1 for x, _ in self.blocks(WIDEST))

    def blocks(self, width: int) -> Iterator[tuple[Any, numpy.ndarray]]:
        """Features and labels of the lines that begin in each block of the file."""
        path = Path(self.path)
        if not path.exists():
            raise MissingData(f"There is no file {self.path}. Give the path of a svmlight file.")
        options: Any = {"n_features": width, "zero_based": not self.one_based, "length": self.block}
        for offset in range(0, path.stat().st_size, self.block):
            try:
                x, y = load_svmlight_file(self.path, offset=offset, **options)
            except ValueError as error:
                raise InvalidData(
                    f"{self.path}: a line after byte {offset:,} cannot be read ({error}). Mend it, or give the right "
                    "width, or one_based=False."
                ) from error
            if x.shape[0]:
                yield x, y

    def chunks(self) -> Iterator[Rows]:
        """Blocks of the file, in order."""
        first = 0
        for x, y in self.blocks(self.found_width):
            yield Rows(first, scipy.sparse.csr_array(x), y, numpy.ones(len(y)), numpy.zeros(len(y)))
            first += len(y)
