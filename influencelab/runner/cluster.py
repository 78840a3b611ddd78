"""Clusters: the connection to a dask scheduler, and work that its workers do on what they are sent."""

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

from influencelab.errors import InvalidParameter, Unavailable, require
from influencelab.runner.provenance import sources_hash
from influencelab.threads import one_thread

ADDRESS = re.compile(r"(?:tcp|tls)://(?:\[[^\]]+\]|[^:/\s]+):\d{1,5}")
# How long to wait for a scheduler to answer and for its first worker to come, in seconds.
TIMEOUT = 10.0


def connected(address: str) -> Any:
    """A client of the scheduler at this address, which has a worker; its end cancels calls that no worker has begun.

    Raises:
        InvalidParameter: that is no address.
        Unavailable: no scheduler answers there, it has no workers, or dask is not installed.
    """
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


@contextmanager
def connection(address: str) -> Iterator[Any]:
    """A client of the scheduler at this address, closed at the end; None where there is no address."""
    require(address, str, what="scheduler", cure="Give its address, such as 'tcp://127.0.0.1:8786'.")
    if not address:
        yield None
        return
    with closing(connected(address)) as client:
        yield client


@contextmanager
def sent(work: Callable[[Any], Any], client: Any) -> Iterator[tuple[Callable[[Any], Any], int]]:
    """The function that has workers of a cluster do this work on what it is given, and how many do so at once.

    The work is sent to each of them once, what it is done on goes through the scheduler: whichever worker dies, another
    does it again.
    """
    from dask.config import set as configured
    from distributed import CancelledError, KilledWorker

    held = client.scatter(work, broadcast=True, hash=False)
    try:
        # What is said of large graphs is to send data beforehand; that of a worker which dies would be lost.
        with configured({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            yield (
                lambda given: client.submit(done_there, held, given, code=own_code(), pure=False),
                max(1, sum(client.nthreads().values())),
            )
    except KilledWorker as error:
        raise Unavailable(
            "Some rows ended every worker that tried them (out of memory?). Start workers with more memory."
        ) from error
    except CancelledError as error:
        raise Unavailable(
            "The cluster lost its scheduler, or all workers at once, while rows were worked on. Start them again."
        ) from error


def done_there(work: Callable[[Any], Any], given: Any, *, code: str) -> Any:
    """Do some work on a machine of a cluster, by arithmetic of one thread; other code is refused."""
    if own_code() != code:
        raise Unavailable(
            "A worker of the cluster runs another version of influencelab than this process. Install the same one "
            "there, and start its workers again."
        )
    with one_thread():
        return work(given)


@cache
def own_code() -> str:
    """Hash of the library's code."""
    return sources_hash()
