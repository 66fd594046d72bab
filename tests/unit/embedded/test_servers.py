"""What each broker is told, and rate limits that were used before the worker was there."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from worker import servers
from worker.consumer import EmbeddedConsumer, seconds_since

BUNDLED, REDIS, RABBIT = "nagatha+file:///q.db", "redis://h/0", "amqp://h//"


@pytest.mark.parametrize("url", [BUNDLED, REDIS, "rediss://h/0", RABBIT])
def test_priority_comes_back_as_it_was_told(url: str) -> None:
    told = [servers.told_priority(url, priority) for priority in range(10)]
    assert [servers.told_priority(url, priority) for priority in told] == list(range(10))
    # Redis begins with 0, the others with 9.
    assert told == (list(range(9, -1, -1)) if url.startswith("redis") else list(range(10)))


def test_only_rabbitmq_is_told_that_a_queue_has_priorities() -> None:
    for url in (BUNDLED, REDIS, RABBIT):
        for queue in servers.queues(url):
            assert queue.max_priority == (9 if url == RABBIT else None)


def test_what_a_person_waits_for_has_a_queue_of_its_own() -> None:
    assert [servers.queue_for(priority) for priority in range(10)] == (
        [servers.QUEUE] * 8 + [servers.URGENT] * 2
    )


def test_who_sends_waits_for_no_server_for_long() -> None:
    assert servers.transport_options(BUNDLED) == {}
    for url in (REDIS, RABBIT):
        assert servers.transport_options(url)["max_retries"] == 1
    assert servers.transport_options(RABBIT)["confirm_publish"] is True
    assert servers.transport_of(REDIS) == servers.REDIS
    assert servers.transport_of(RABBIT) == servers.RABBITMQ
    assert servers.transport_of(BUNDLED) is None and servers.transport_of("rediss://h") is None


class Bucketed(EmbeddedConsumer):
    """A consumer of which only the buckets are looked at."""

    def __init__(self, ago: float | None) -> None:
        self.task_buckets: dict[str, Any] = {"t": None}
        self.controller = SimpleNamespace(started=lambda name: ago)


def limited(rate: str | None) -> Any:
    return SimpleNamespace(name="t", rate_limit=rate)


@pytest.mark.parametrize(
    ("ago", "allowed"), [(None, True), (5.9, False), (0.0, False), (6.1, True), (1e9, True)]
)
def test_bucket_is_as_full_as_if_the_worker_had_never_been_stopped(
    ago: float | None, allowed: bool
) -> None:
    bucket = Bucketed(ago).bucket_for_task(limited("10/m"))
    assert bucket is not None and bucket.can_consume() is allowed
    if ago == 0.0:
        assert 0 < bucket.expected_time() <= 6.0


def test_bucket_stays_with_what_waits_in_it_while_its_rate_does() -> None:
    consumer = Bucketed(None)
    first = consumer.bucket_for_task(limited("10/m"))
    consumer.task_buckets["t"] = first
    assert consumer.bucket_for_task(limited("10/m")) is first
    assert consumer.bucket_for_task(limited("20/m")) is not first
    assert consumer.bucket_for_task(limited(None)) is None


def test_start_that_a_wrong_clock_put_into_the_future_was_just_now() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert seconds_since(None, now) is None
    assert seconds_since(now + timedelta(days=1), now) == 0.0
    assert seconds_since(now - timedelta(seconds=5), now) == 5.0
