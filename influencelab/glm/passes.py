"""Passes over a table: chunks are worked on at once, and what they give is taken in the order of rows."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import numpy
from numpy import ndarray
from threadpoolctl import threadpool_limits

from influencelab.glm.checkpoint import Checkpoint
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.recipe import Progress, unheard
from influencelab.runner.cluster import sent

Found = TypeVar("Found")

# Bytes that may be written after each chunk.
EASY = 2**24


def mapped(
    table: Table,
    work: Callable[[Rows], Found],
    *,
    workers: int = 1,
    client: Any = None,
    progress: Progress = unheard,
    label: str = "rows",
    count: int = 0,
    after: int = 0,
) -> Iterator[Found]:
    """What `work` makes of each chunk, in order; each thread works on a chunk of its own, by arithmetic of one thread.

    Args:
        table: its chunks are read by the calling thread alone.
        work: what is done with one.
        workers: chunks that are worked on at once, and so many more may wait; 0 for one a core.
        client: of a cluster whose workers do it instead.
        progress: told how many of `count` rows are done.
        label: what is being done with them.
        count: rows in all; 0 where nobody has counted them.
        after: rows that are passed over, all those of some chunks.
    """
    with threads(work, workers or cores()) if client is None else sent(work, client) as (submit, at_once):
        waiting: deque[tuple[int, Any]] = deque()
        chunks = (rows for rows in table.chunks() if rows.first >= after)
        while True:
            while len(waiting) < 2 * at_once and (rows := next(chunks, None)) is not None:
                waiting.append((rows.first + len(rows), submit(rows)))
            if not waiting:
                return
            done, found = waiting.popleft()
            yield found.result()
            progress(done, max(count, done), label)


@contextmanager
def threads(work: Callable[[Rows], Found], workers: int) -> Iterator[tuple[Callable[[Rows], Any], int]]:
    """The function that has threads of this process do this work on a chunk, and how many do so at once."""
    with threadpool_limits(1 if workers > 1 else None), ThreadPoolExecutor(workers) as pool:
        try:
            yield partial(pool.submit, work), workers
        finally:
            pool.shutdown(cancel_futures=True)


def summed(found: Iterator[tuple[ndarray | float, ...]]) -> list[ndarray | float]:
    """The sum of each thing over chunks, added up in their order: one result, however many threads there were."""
    total: list[Any] = []
    for parts in found:
        total = added(total, parts)
    return total


def added(total: list[Any], parts: Sequence[ndarray | float]) -> list[Any]:
    """Sums with what one more chunk gives."""
    return [one + other for one, other in zip(total, parts, strict=True)] if total else list(parts)


def kept_sum(
    mapped: Callable[..., Iterator[Any]], work: Callable[[Rows], tuple[ndarray, ...]], kept: Checkpoint, *, name: str
) -> list[Any]:
    """What `summed` gives, kept after chunks; of those that are kept nothing is done again."""
    before = kept.load(name) or {"rows": numpy.array(0)}
    done = int(before.pop("rows"))
    total: list[Any] = [before[str(place)] for place in range(len(before))]
    unkept = 0

    def counted(rows: Rows) -> tuple[int, tuple[ndarray, ...]]:
        return rows.first + len(rows), work(rows)

    for done, parts in mapped(counted, after=done):  # noqa: B020 - rows that are done, before and from now on
        total, unkept = added(total, parts), unkept + EASY
        if unkept >= sum(each.nbytes for each in total):
            kept.keep(name, rows=numpy.array(done), **{str(place): each for place, each in enumerate(total)})
            unkept = 0
    return total


def kept_parts(
    mapped: Callable[..., Iterator[Any]], work: Callable[[Rows], tuple[ndarray, ...]], kept: Checkpoint, *, name: str
) -> list[ndarray]:
    """What `work` makes of each chunk, rows on the last axis, joined and kept; nothing that is kept is done again."""
    parts: list[tuple[ndarray, ...]] = []
    done = 0
    while (found := kept.load(f"{name}-{done}")) and found["0"].shape[-1]:
        parts.append(tuple(found[str(place)] for place in range(len(found))))
        done += parts[-1][0].shape[-1]
    for part in mapped(work, after=done):
        kept.keep(f"{name}-{done}", **{str(place): each for place, each in enumerate(part)})
        parts.append(part)
        done += part[0].shape[-1]
    return [numpy.concatenate(each, axis=-1) for each in zip(*parts, strict=True)]


def cores() -> int:
    """How many this process may take."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
