"""Estimates of many test points, a block of them at a time, within a budget of memory; on request into a file."""

import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy
import torch

from influencelab.errors import InvalidParameter, in_words, require
from influencelab.experiments.comparison import array
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.estimators.random import Random
from influencelab.influence.factors import FACTORS_OF
from influencelab.recipe import Progress
from influencelab.training.fit import Fit

# Bytes of a number, and tables of n and of p numbers a test point that an estimate makes on its way.
NUMBER, TABLES = 8, 6


def estimated(
    estimator: Estimator, fitted: Fit, *, memory: float, out: str | Path | None, progress: Progress | None
) -> Estimate:
    """The estimate at once where it fits the budget, else block by block.

    Raises:
        InvalidParameter: a budget that holds no test point, or a file that is none of NumPy's (`.npy`) or has no
            place on the disk.
    """
    count, parted = len(fitted.measures()), can_be_parted(fitted)
    each = NUMBER * TABLES * (fitted.data.n + len(fitted.theta))
    require(memory, Real, what="memory", cure="Give bytes, such as 2e9.")
    require(progress or print, Callable, what="progress", cure="Give a function of (points done, points in all).")
    if not memory >= each:
        raise InvalidParameter(
            f"memory is {memory:,.0f} bytes, and each of the {fitted.measure.noun} takes {each:,} on its way. "
            "Give a larger budget."
        )
    size = min(int(memory // each), count) if math.isfinite(memory) else count
    if out is None and (size >= count or not parted):
        return estimator.estimate(fitted)
    with held(fitted.data.n, count, out=out, memory=memory) as file:
        return in_blocks(estimator, fitted, file, size=size if parted else count, progress=progress)


def in_blocks(estimator: Estimator, fitted: Fit, file: "held", *, size: int, progress: Progress | None) -> Estimate:
    """Each block as a fit that watches only its test points, and shares the factors of the whole."""
    started, parts = time.perf_counter(), []
    count = file.values.shape[1]
    for first in range(0, count, size):
        rows = slice(first, min(first + size, count))
        part = fitted if size >= count else part_of(fitted, rows)
        FACTORS_OF[part] = FACTORS_OF.setdefault(fitted, {})
        # Numbers drawn for one block are not drawn again for the next.
        drawn = replace(estimator, seed=estimator.seed + first) if isinstance(estimator, Random) else estimator
        found = drawn.estimate(part)
        file.values[:, rows] = array(found.values)
        parts.append(replace(found, values=found.values[:0], slopes=None, sensitivity=None))
        if progress is not None:
            progress(rows.stop, count)
    return replace(
        parts[0],
        fit=fitted,
        values=file.kept(),
        unit="none" if parts[0].unit == "none" else fitted.unit,
        convention=parts[0].convention or fitted.convention or "drop",
        residual=torch.cat([part.residual for part in parts]),
        seconds=time.perf_counter() - started,
    )


def can_be_parted(fitted: Fit) -> bool:
    """Whether what a fit watches can be watched some at a time."""
    task, data, measure = fitted.task, fitted.data, fitted.measure
    return measure.columns(task, data).points or measure.part(task, data, slice(0, 1)) is not None


def part_of(fitted: Fit, rows: slice) -> Fit:
    """The fit that watches only some of what it watches; itself where that cannot be parted."""
    data, measure = fitted.data, fitted.measure
    if measure.columns(fitted.task, data).points:
        watched = {"x_test": data.x_test[rows], "y_test": data.y_test[rows], "test_ids": data.test_ids[rows]}
        return replace(fitted, data=replace(data, **watched))
    return replace(fitted, measure=measure.part(fitted.task, data, rows) or measure)


class held:
    """A table of values in memory, in a file without a name, or in one of the user's that is there once it is whole.

    Attributes:
        values: the table, to be written.
    """

    def __init__(self, n: int, m: int, *, out: str | Path | None, memory: float) -> None:
        given = Path(out or "") if isinstance(out, str | None) else out
        require(given, os.PathLike, what="out", cure="Give the path of a file, such as 'scores.npy'.")
        self.out, self.part = None if out is None else Path(out), None
        if self.out is None and NUMBER * n * m <= memory / 2:
            self.values: Any = numpy.empty((n, m))
            return
        if self.out is not None:
            if self.out.suffix != ".npy" or self.out.is_dir():
                raise InvalidParameter(f"out is '{self.out}', expected a file of NumPy's, such as 'scores.npy'.")
            self.part = self.out.with_name(f".{self.out.name}.{os.getpid()}.part")
        try:
            self.values = on_disk(self.part, (n, m))
        except OSError as error:
            self.__exit__()
            raise InvalidParameter(f"{n:,} × {m:,} values find no place on the disk. {in_words(error)}") from error

    def kept(self) -> torch.Tensor:
        """The values, on the disk where they are too many; changes to them stay in memory."""
        if self.out is None or self.part is None:
            return torch.from_numpy(self.values)
        self.values.flush()
        self.part.replace(self.out)
        return torch.from_numpy(numpy.load(self.out, mmap_mode="c"))

    def __enter__(self) -> "held":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing that is not whole."""
        if self.part is not None:
            self.part.unlink(missing_ok=True)


def on_disk(path: Path | None, shape: tuple[int, int]) -> numpy.ndarray:
    """A table in a file of NumPy's, or in one without a name; its room is taken now, since a full disk kills later."""
    if path is None:
        with tempfile.TemporaryFile() as nameless:
            take(nameless.fileno(), NUMBER * math.prod(shape))
            return numpy.memmap(nameless, dtype=numpy.float64, shape=shape)
    values = numpy.lib.format.open_memmap(path, mode="w+", dtype=numpy.float64, shape=shape)
    with path.open("r+b") as file:
        take(file.fileno(), path.stat().st_size)
    return values


def take(file: int, size: int) -> None:
    """Blocks of the disk for so many bytes, where the system can."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
