"""Where many independent tasks are run: by threads of this process, or by a Dask cluster."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from .errors import ConfigError
from .optional import need

PATIENCE = 30  # seconds until a scheduler must answer, and have a worker


@contextmanager
def workers(jobs: int, scheduler: str = "") -> Iterator[Executor]:
    """An executor of concurrent.futures; at the end what has not begun is given up.

    Without `scheduler` it has `jobs` threads. With the address of a Dask scheduler
    ("tcp://host:8786") tasks go to its workers, which need this library: functions and arguments
    are pickled. What a worker did when it died is done again by another one; a task whose workers
    die again and again raises distributed.KilledWorker. Raises ConfigError where nobody answers.
    """
    if not scheduler:
        pool = ThreadPoolExecutor(jobs)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
        return
    client = _client(scheduler)
    cluster: Executor = client.get_executor(pure=False)
    try:
        yield cluster
    finally:
        cluster.shutdown(wait=False)
        client.close()


def _client(scheduler: str) -> Any:
    distributed = need("distributed", "--scheduler")
    try:
        client = distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({error}); write its "
            "address, such as tcp://127.0.0.1:8786"
        ) from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        client.close()
        raise ConfigError(
            f"--scheduler {scheduler}: it has no workers; start one with: dask worker {scheduler}"
        ) from None
    return client
