"""Parts of the broker on a file of the test's own, with a clock that the test sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.broker import schema
from worker.broker.database import Database
from worker.broker.node import Node
from worker.broker.result_store import ResultStore
from worker.broker.store import MessageStore


class Clock:
    """Seconds since 1970 that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    schema.prepare(path, alone=True)
    database = Database(path)
    yield database
    database.close()


@pytest.fixture
def messages(database: Database, clock: Clock) -> MessageStore:
    return MessageStore(database, clock=clock)


@pytest.fixture
def results(database: Database, clock: Clock) -> ResultStore:
    return ResultStore(database, clock)


@pytest.fixture
def node(path: Path) -> Iterator[Node]:
    node = Node(path)
    yield node
    node.close()
