"""Passes over a table: chunks are worked on by several threads, and what they give is taken in the order of rows."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from numpy import ndarray
from threadpoolctl import threadpool_limits

from influencelab.glm.rows import Rows
from influencelab.glm.table import Table
from influencelab.recipe import Progress, unheard

Found = TypeVar("Found")


def mapped(
    table: Table,
    work: Callable[[Rows], Found],
    *,
    workers: int = 1,
    progress: Progress = unheard,
    label: str = "rows",
    count: int = 0,
) -> Iterator[Found]:
    """What `work` makes of each chunk, in order; each thread works on a chunk of its own, by arithmetic of one thread.

    Args:
        table: its chunks are read by the calling thread alone.
        work: what is done with one.
        workers: chunks that are worked on at once, and so many more may wait; 0 for one a core.
        progress: told how many of `count` rows are done.
        label: what is being done with them.
        count: rows in all; 0 where nobody has counted them.
    """
    done, workers = 0, workers or cores()
    with threadpool_limits(1 if workers > 1 else None), ThreadPoolExecutor(max(1, workers)) as pool:
        waiting: deque[tuple[int, Future[Found]]] = deque()
        chunks = iter(table.chunks())
        while True:
            for rows in itertools.islice(chunks, 2 * workers - len(waiting)):
                waiting.append((rows.first + len(rows), pool.submit(work, rows)))
            if not waiting:
                return
            done, found = waiting.popleft()
            yield found.result()
            progress(done, max(count, done), label)


def summed(found: Iterator[tuple[ndarray | float, ...]]) -> list[ndarray | float]:
    """The sum of each thing over chunks, added up in their order: one result, however many threads there were."""
    total: list[ndarray | float] = []
    for parts in found:
        if not total:
            total = list(parts)
            continue
        for place, part in enumerate(parts):
            total[place] = total[place] + part
    return total


def cores() -> int:
    """How many this process may take."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
