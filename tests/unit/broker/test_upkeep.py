"""Dead letters, clean-up and figures."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.broker.conftest import Clock
from worker.broker.database import Database
from worker.broker.result_store import SUCCESS, ChordPart, ResultStore
from worker.broker.store import MessageStore, NewMessage
from worker.broker.upkeep import QueueLength, Upkeep


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def upkeep(database: Database, clock: Clock, rung: list[str]) -> Upkeep:
    return Upkeep(database, lambda: rung.append("ring"), clock)


def bury(messages: MessageStore, *payloads: str) -> None:
    messages.publish([NewMessage("q", payload, priority=4, task=payload) for payload in payloads])
    for _ in range(5):
        for claimed in messages.claim("q", len(payloads), "me", "one"):
            messages.fail(claimed.id, "me")


def test_dead_letters_are_listed_with_what_is_known_newest_first(
    messages: MessageStore, upkeep: Upkeep, clock: Clock
) -> None:
    bury(messages, "first")
    clock.now += 60
    bury(messages, "second")
    newest, oldest = upkeep.dead_letters()
    assert (newest.task, newest.queue, newest.deliveries) == ("second", "q", 5)
    assert newest.died == datetime.fromtimestamp(clock.now, UTC)
    assert upkeep.dead_letters(limit=1, offset=1) == [oldest]


def test_retried_dead_letter_is_delivered_again_with_a_clean_slate(
    messages: MessageStore, upkeep: Upkeep, rung: list[str]
) -> None:
    bury(messages, "a")
    (letter,) = upkeep.dead_letters()
    assert upkeep.retry(letter.id)
    assert rung == ["ring"]
    assert upkeep.dead_letters() == []
    (claimed,) = messages.claim("q", 1, "me", "one")
    assert claimed.payload == "a"
    assert claimed.redelivered
    assert messages.fail(claimed.id, "me")
    assert not upkeep.retry(letter.id)
    assert rung == ["ring"]


def test_deleted_dead_letter_is_gone(messages: MessageStore, upkeep: Upkeep) -> None:
    bury(messages, "a")
    (letter,) = upkeep.dead_letters()
    assert upkeep.delete(letter.id)
    assert not upkeep.delete(letter.id)
    assert upkeep.dead_letters() == []


def test_status_counts_what_is_in_the_file(
    messages: MessageStore, results: ResultStore, upkeep: Upkeep, clock: Clock
) -> None:
    bury(messages, "dead")
    messages.join("me")
    messages.publish([NewMessage("a", "1"), NewMessage("a", "2"), NewMessage("b", "1")])
    messages.publish([NewMessage("a", "3", due=clock.now + 5)])
    messages.claim("a", 1, "me", "one")
    results.put("r", "x", SUCCESS, None)
    status = upkeep.status()
    assert status.queues == (QueueLength("a", 1, 1, 1), QueueLength("b", 1, 0, 0))
    assert (status.dead, status.results, status.peers) == (1, 1, 1)
    assert status.size > 0


def test_clean_deletes_what_expired_and_nothing_else(
    messages: MessageStore, results: ResultStore, upkeep: Upkeep, clock: Clock
) -> None:
    messages.publish([NewMessage("q", "old", expires=clock.now + 5), NewMessage("q", "new")])
    messages.publish([NewMessage("run", "running", expires=clock.now + 5)])
    messages.claim("run", 1, "me", "one")
    results.put("old", "x", SUCCESS, 5)
    results.put("new", "x", SUCCESS, 50)
    results.start_chord("c", 2, 5)
    results.join_chord(ChordPart("c", "t", 0, "v"), "me", 5)
    clock.now += 10
    cleaned = upkeep.clean()
    assert (cleaned.messages, cleaned.results) == (1, 1)
    assert results.get("new") == "x"
    assert messages.count("q") == 1
    assert messages.release("me") == 1
    assert results.join_chord(ChordPart("c", "u", 1, "v"), "me", None) is None


def test_file_that_grew_shrinks_again(messages: MessageStore, upkeep: Upkeep, path: Path) -> None:
    messages.publish([NewMessage("q", "x" * 10_000) for _ in range(3000)], durable=False)
    grown = upkeep.status().size
    messages.purge("q")
    cleaned = upkeep.clean()
    assert grown > 30_000_000
    assert cleaned.freed > 29_000_000
    assert path.stat().st_size < 200_000
    assert upkeep.status().free == 0
