"""The bundled broker: a Celery broker and result backend in one SQLite file, usable by itself.

Importing this package registers the scheme, so that a URL is all that Celery needs::

    import worker.broker
    url = worker.broker.broker_url("/path/queue.db")  # nagatha+file:///path/queue.db
    app = Celery(broker=url, backend=url)

It imports nothing else of this project. See ``docs/broker.md``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from celery.app.backends import BACKEND_ALIASES
from kombu.transport import TRANSPORT_ALIASES

from worker.broker.errors import (
    BrokerAddressError,
    BrokerBusy,
    BrokerDamaged,
    BrokerDiskFull,
    BrokerError,
    BrokerForeignFile,
    BrokerGone,
    BrokerNetworkShare,
    BrokerNewerFile,
    BrokerReadOnly,
    BrokerTooLarge,
    BrokerUnavailable,
)
from worker.broker.node import DONE, REGISTER, WORK, used
from worker.broker.places import SCHEME, broker_url, path_from_url
from worker.broker.upkeep import BrokerStatus, Cleaned, DeadLetter, QueueLength, Upkeep

# Names only: neither Celery's backends nor kombu's transports are loaded before they are used.
TRANSPORT_ALIASES[SCHEME] = "worker.broker.transport:Transport"
BACKEND_ALIASES[SCHEME] = "worker.broker.results:Backend"


def wake(path: str | PathLike[str]) -> None:
    """Wake the threads of this process that wait for messages or results of a file.

    A worker in this process whose ``celery.worker.state.should_stop`` was set ends at once then.
    Does nothing when this process does not have the file open.
    """
    node = REGISTER.open(Path(path))
    if node is not None:
        node.notify(WORK | DONE)


def close(path: str | PathLike[str]) -> None:
    """Close a file in this process, whoever still uses it, and free its thread, port and files.

    To be called when the worker has stopped and the app was closed. What was claimed and not
    acknowledged is delivered again. The next use opens the file again.
    """
    REGISTER.close(Path(path))


def discard(path: str | PathLike[str], task_id: str) -> int:
    """Delete the waiting messages of a task that need not run any more.

    Returns:
        How many there were; 0 when it runs already.

    Raises:
        BrokerError: the file cannot be used.
    """
    with used(REGISTER, Path(path)) as node:
        return node.messages.discard(task_id)


def holds(path: str | PathLike[str], task_id: str) -> bool:
    """Tell whether a message of a task waits, is not yet due, or is with a worker.

    Raises:
        BrokerError: the file cannot be used.
    """
    with used(REGISTER, Path(path)) as node:
        return node.messages.holds(task_id)


def missing(path: str | PathLike[str], task_ids: Sequence[str]) -> frozenset[str]:
    """Tell of which of these tasks no message waits, is not yet due, or is with a worker.

    Raises:
        BrokerError: the file cannot be used.
    """
    with used(REGISTER, Path(path)) as node:
        return node.messages.missing(task_ids)


@contextmanager
def upkeep(path: str | PathLike[str]) -> Iterator[Upkeep]:
    """Open a file's dead letters, clean-up and figures for the length of a block.

    Raises:
        BrokerError: the file cannot be used.
    """
    with used(REGISTER, Path(path)) as node:
        yield node.upkeep


def moved_aside(path: str | PathLike[str]) -> Path | None:
    """Tell where a damaged file was moved when this process opened it, None when it was sound.

    Whoever knows what was in it can then enqueue it again.
    """
    node = REGISTER.open(Path(path))
    return None if node is None else node.moved_aside


__all__ = [
    "BrokerAddressError",
    "BrokerBusy",
    "BrokerDamaged",
    "BrokerDiskFull",
    "BrokerError",
    "BrokerForeignFile",
    "BrokerGone",
    "BrokerNetworkShare",
    "BrokerNewerFile",
    "BrokerReadOnly",
    "BrokerStatus",
    "BrokerTooLarge",
    "BrokerUnavailable",
    "Cleaned",
    "DeadLetter",
    "QueueLength",
    "Upkeep",
    "broker_url",
    "close",
    "discard",
    "holds",
    "missing",
    "moved_aside",
    "path_from_url",
    "upkeep",
    "wake",
]
