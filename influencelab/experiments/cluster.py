"""Map over the workers of a dask cluster; calls of a worker that dies go to another."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from influencelab.errors import InvalidParameter, Unavailable

ADDRESS = re.compile(r"(?:tcp|tls)://(?:\[[^\]]+\]|[^:/\s]+):\d{1,5}")
# How long to wait for a scheduler to answer and for its first worker to come, in seconds.
TIMEOUT = 10.0

ClusterMap = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


@contextmanager
def cluster(address: str) -> Iterator[ClusterMap]:
    """A map over the workers of the scheduler at this address; it yields results in the order in which they come.

    On leaving, calls that no worker has begun are cancelled.

    Raises:
        InvalidParameter: that is no address.
        Unavailable: no scheduler answers there, it has no workers, or dask is not installed; or one call ended every
            worker that tried it.
    """
    with closing(connected(address)) as client:
        yield partial(map_calls, client)


def connected(address: str) -> Any:
    """A client of the scheduler at this address, which has a worker."""
    if not ADDRESS.fullmatch(address):
        raise InvalidParameter(f"The scheduler is '{address}', expected an address such as tcp://127.0.0.1:8786.")
    try:
        from distributed import Client
    except ImportError as error:
        raise Unavailable("A scheduler needs dask, which is not here: pip install 'influencelab[cluster]'.") from error
    try:
        # A client waits for ever where something else listens, and goes on trying in a thread where nothing does.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, handshake(address)).result()
        client = Client(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, OverflowError, MemoryError) as error:
        reason = str(error) or "silence"
        raise Unavailable(
            f"No scheduler answers at {address} ({reason}). Start one with `dask scheduler`, and its workers with "
            f"`dask worker {address}`."
        ) from error
    try:
        client.wait_for_workers(1, timeout=TIMEOUT)
    except TimeoutError as error:
        client.close()
        raise Unavailable(f"The scheduler at {address} has no workers. Start some: `dask worker {address}`.") from error
    return client


async def handshake(address: str) -> None:
    """Open a connection to a scheduler, exchange the first messages, and close it.

    An OSError says that no scheduler answers, and a MemoryError that the answer cannot be parsed at all.
    """
    from distributed import Security
    from distributed.comm.core import connect

    settings = Security().get_connection_args("client")
    # The timeout of `connect` ends when the line is open, before the first message.
    line = await asyncio.wait_for(connect(address, timeout=TIMEOUT, **settings), 2 * TIMEOUT)
    await line.close()


def map_calls(client: Any, function: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
    """The result of the function on each thing, in the order in which they are done."""
    from distributed import KilledWorker, as_completed

    # Not pure: a call that is repeated is done again.
    waiting = as_completed(client.map(function, list(things), pure=False), loop=client.loop)
    for future in waiting:
        try:
            yield future.result()
        except KilledWorker as error:
            raise Unavailable(
                "One trial ended every worker that tried it (out of memory?). Start workers with more memory, or make "
                "the trial smaller."
            ) from error
