"""The end of a wait on a real Redis: what is on its way is delivered all the same."""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Consumer

from tests.support import redis_server
from tests.support.processes import DEADLINE, wait_until
from worker import servers
from worker.redis_transport import RedisChannel, _answered

pytestmark = pytest.mark.skipif(not redis_server.available(), reason="there is no Redis here")
QUEUE = "q"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with redis_server.redis_server(tmp_path / "redis") as server:
        yield server.url()


@pytest.fixture
def waiting(url: str) -> Iterator[tuple[Connection, RedisChannel, list[Any]]]:
    """A connection whose channel waits for a message of a queue, and what it was given."""
    found: list[Any] = []

    def take(body: Any, message: Any) -> None:
        found.append(body)
        message.ack()

    with Connection(url, transport=servers.REDIS) as connection:
        channel = connection.channel()
        assert isinstance(channel, RedisChannel)
        with Consumer(channel, [Queue(QUEUE)], callbacks=[take]):
            with suppress(TimeoutError):
                connection.drain_events(timeout=0.1)
            assert channel._in_poll
            yield connection, channel, found


def test_a_message_that_is_on_its_way_when_a_wait_ends_is_delivered(
    url: str, waiting: tuple[Connection, RedisChannel, list[Any]]
) -> None:
    connection, channel, found = waiting
    with Connection(url) as other, other.SimpleQueue(QUEUE) as queue:
        queue.put("hello")
    wait_until(lambda: _answered(channel._in_poll, 0.01), "the answer is there")
    channel.end_wait()
    connection.drain_events(timeout=DEADLINE)
    assert found == ["hello"]


def test_a_wait_that_is_ended_twice_goes_on(
    url: str, waiting: tuple[Connection, RedisChannel, list[Any]]
) -> None:
    connection, channel, found = waiting
    channel.end_wait()
    channel.end_wait()
    with Connection(url) as other, other.SimpleQueue(QUEUE) as queue:
        queue.put("hello")

    def given() -> bool:
        with suppress(TimeoutError):
            connection.drain_events(timeout=1)
        return bool(found)

    wait_until(given, "the message comes", 15)  # Celery would connect again after 26 s
    assert found == ["hello"]


def test_a_connection_that_was_lost_is_not_waited_for(
    waiting: tuple[Connection, RedisChannel, list[Any]],
) -> None:
    _, channel, _ = waiting
    lost: Any = channel._in_poll
    lost.disconnect()
    assert _answered(lost, 60)
