"""Messages, queues and routes."""

import pytest

from tests.unit.broker.conftest import Clock
from worker.broker.database import Arguments, Database, Row
from worker.broker.errors import BrokerDiskFull
from worker.broker.store import MessageStore, NewMessage, Route
from worker.broker.upkeep import Upkeep


def payloads(messages: MessageStore, queue: str = "q", limit: int = 10) -> list[str]:
    return [claimed.payload for claimed in messages.claim(queue, limit, "me", "channel")]


def test_messages_come_by_priority_and_then_by_age(messages: MessageStore) -> None:
    for number, priority in enumerate([0, 9, 5, 9, 0]):
        messages.publish([NewMessage("q", f"{priority}-{number}", priority=priority)])
    assert payloads(messages) == ["9-1", "9-3", "5-2", "0-0", "0-4"]


def test_claimed_message_is_not_handed_out_again_until_it_is_given_back(
    messages: MessageStore,
) -> None:
    messages.publish([NewMessage("q", "a"), NewMessage("q", "b")])
    (first,) = messages.claim("q", 1, "me", "one")
    assert payloads(messages) == ["b"]
    assert messages.release("me", channel="one") == 1
    (again,) = messages.claim("q", 1, "me", "two")
    assert (again.id, again.payload) == (first.id, "a")
    assert again.redelivered
    assert not first.redelivered


def test_of_many_tasks_those_are_told_that_have_no_message(messages: MessageStore) -> None:
    tasks = [f"task {number}" for number in range(1200)]
    for task in tasks[::2]:
        messages.publish([NewMessage("q", "a", task=task)])
    messages.claim("q", 10, "me", "channel")
    assert messages.missing(tasks) == frozenset(tasks[1::2])
    assert messages.missing([]) == frozenset()


def test_acknowledged_message_is_gone(messages: MessageStore) -> None:
    messages.publish([NewMessage("q", "a")])
    (claimed,) = messages.claim("q", 1, "me", "one")
    messages.ack(claimed.id)
    messages.ack(claimed.id)
    assert messages.release("me") == 0
    assert payloads(messages) == []


def test_taken_message_is_gone_at_once(messages: MessageStore) -> None:
    messages.publish([NewMessage("q", "a"), NewMessage("q", "b", priority=1)])
    assert [taken.payload for taken in messages.take("q", 5)] == ["b", "a"]
    assert messages.take("q", 5) == []
    assert messages.count("q") == 0


def test_only_the_owner_gives_back_and_only_what_is_meant(messages: MessageStore) -> None:
    messages.publish([NewMessage("q", "a"), NewMessage("q", "b")])
    first, second = messages.claim("q", 2, "me", "one")
    assert messages.release("other") == 0
    assert messages.release("me", channel="two") == 0
    assert messages.release("me", message=second.id) == 1
    assert messages.fail(first.id, "other")
    assert payloads(messages) == ["b"]


def test_message_that_failed_five_deliveries_is_a_dead_letter(messages: MessageStore) -> None:
    messages.publish([NewMessage("q", "poison", priority=3, task="t")])
    for attempt in range(5):
        (claimed,) = messages.claim("q", 1, "me", "one")
        assert claimed.redelivered is (attempt > 0)
        assert messages.fail(claimed.id, "me") is (attempt < 4)
    assert payloads(messages) == []


def test_message_of_a_peer_that_dies_five_times_is_a_dead_letter(
    messages: MessageStore, database: Database
) -> None:
    messages.publish([NewMessage("q", "poison")])
    for attempt in range(5):
        peer = f"peer{attempt}"
        messages.join(peer)
        messages.claim("q", 1, peer, "one")
        messages.bury(peer)
    (letter,) = Upkeep(database, lambda: None).dead_letters()
    assert (letter.queue, letter.payload, letter.deliveries) == ("q", "poison", 5)
    assert messages.peers() == []


def test_good_endings_never_make_a_dead_letter(messages: MessageStore) -> None:
    messages.publish([NewMessage("q", "a")])
    for attempt in range(12):
        peer = f"peer{attempt}"
        messages.join(peer)
        assert len(messages.claim("q", 1, peer, "one")) == 1
        messages.leave(peer)
    assert payloads(messages) == ["a"]


def test_message_with_a_time_waits_for_it(messages: MessageStore, clock: Clock) -> None:
    messages.publish([NewMessage("q", "later", due=clock.now + 10), NewMessage("q", "now")])
    assert messages.promote_due() == 10
    assert payloads(messages) == ["now"]
    assert messages.count("q") == 1
    clock.now += 4
    assert messages.promote_due() == 6
    assert payloads(messages) == []
    clock.now += 6
    assert messages.promote_due() is None
    assert payloads(messages) == ["later"]


def test_due_times_hold_when_the_clock_is_set_back_and_forth(
    messages: MessageStore, clock: Clock
) -> None:
    messages.publish([NewMessage("q", "later", due=clock.now + 100)])
    clock.now -= 5000
    assert messages.promote_due() == 5100
    assert payloads(messages) == []
    clock.now += 9000
    assert messages.promote_due() is None
    assert payloads(messages) == ["later"]


def test_time_in_the_past_means_at_once(messages: MessageStore, clock: Clock) -> None:
    messages.publish([NewMessage("q", "late", due=clock.now - 1)])
    assert payloads(messages) == ["late"]


def test_expired_message_is_not_delivered(messages: MessageStore, clock: Clock) -> None:
    messages.publish([NewMessage("q", "old", expires=clock.now + 5), NewMessage("q", "new")])
    clock.now += 5
    assert messages.count("q") == 1
    assert payloads(messages) == ["new"]
    assert messages.release("me") == 1


def test_expired_messages_take_no_place_of_those_that_are_handed_out(
    messages: MessageStore, clock: Clock
) -> None:
    for queue in ("q", "r"):
        messages.publish([NewMessage(queue, "old", 9, expires=clock.now + 5) for _ in range(2500)])
        messages.publish([NewMessage(queue, name) for name in "abc"])
    clock.now += 5
    assert payloads(messages, limit=2) == ["a", "b"]
    assert [taken.payload for taken in messages.take("r", 2)] == ["a", "b"]
    assert payloads(messages, limit=2) == ["c"]
    assert messages.look(["q", "r"]).ready == {"r"}


def test_what_was_handed_out_is_delivered_though_the_rest_cannot_be(
    messages: MessageStore, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages.publish([NewMessage("q", "a", 9), NewMessage("q", "old", 5, expires=clock.now + 5)])
    messages.publish([NewMessage("q", "b")])
    clock.now += 5
    write, left = database.write, [1]

    def once(sql: str, arguments: Arguments = (), *, durable: bool = False) -> list[Row]:
        if not left:
            raise BrokerDiskFull("no room")
        left.pop()
        return write(sql, arguments, durable=durable)

    monkeypatch.setattr(database, "write", once)
    assert payloads(messages, limit=2) == ["a"]
    with pytest.raises(BrokerDiskFull):
        payloads(messages)
    left.extend([1, 1])
    assert payloads(messages) == ["b"]


def test_queue_with_a_time_to_live_shortens_that_of_its_messages(
    messages: MessageStore, clock: Clock
) -> None:
    messages.declare_queue("q", ttl=10)
    messages.publish([NewMessage("q", "queue's")])
    messages.publish([NewMessage("q", "own", expires=clock.now + 3)])
    messages.publish([NewMessage("q", "too long", expires=clock.now + 99)])
    clock.now += 4
    assert messages.count("q") == 2
    clock.now += 6
    assert payloads(messages) == []


def test_publishing_to_several_queues_is_one_step(messages: MessageStore) -> None:
    messages.publish([])
    messages.publish([NewMessage("a", "x"), NewMessage("b", "x")])
    assert payloads(messages, "a") == payloads(messages, "b") == ["x"]


def test_purge_deletes_what_waits_and_leaves_what_runs(
    messages: MessageStore, clock: Clock
) -> None:
    messages.publish([NewMessage("q", str(n)) for n in range(5)])
    messages.publish([NewMessage("q", "later", due=clock.now + 5), NewMessage("other", "x")])
    messages.claim("q", 2, "me", "one")
    assert messages.purge("q") == 4
    assert messages.count("other") == 1
    assert messages.release("me") == 2


def test_discard_deletes_the_waiting_messages_of_one_task(
    messages: MessageStore, clock: Clock
) -> None:
    messages.publish([NewMessage("q", "a", task="1", due=clock.now + 9)])
    messages.publish([NewMessage("q", "b", task="2"), NewMessage("q", "c")])
    assert messages.discard("1") == 1
    assert messages.discard("1") == 0
    messages.claim("q", 1, "me", "one")
    assert messages.discard("2") == 0


def test_queue_is_known_once_declared_or_written_to(messages: MessageStore) -> None:
    assert not messages.has_queue("q")
    messages.declare_queue("q")
    assert messages.has_queue("q")
    assert not messages.is_temporary("q")
    messages.publish([NewMessage("undeclared", "x")])
    assert messages.has_queue("undeclared")
    messages.delete_queue("undeclared")
    assert not messages.has_queue("undeclared")


def test_temporary_queue_goes_with_its_owner_unless_another_took_it_over(
    messages: MessageStore,
) -> None:
    for queue in ("mine", "ours"):
        messages.declare_queue(queue, owner="old")
        messages.bind("exchange", Route("", "", queue))
        messages.publish([NewMessage(queue, "x")])
    messages.declare_queue("ours", owner="new")
    messages.bury("old")
    assert not messages.has_queue("mine")
    assert messages.is_temporary("ours")
    assert messages.routes("exchange") == [Route("", "", "ours")]
    assert messages.count("ours") == 1
    messages.leave("new")
    assert not messages.has_queue("ours")


def test_routes_and_exchanges_are_kept_until_they_are_deleted(messages: MessageStore) -> None:
    messages.declare_exchange("e", "topic")
    messages.declare_exchange("e", "topic")
    first, second = Route("a.*", "^a$", "q1"), Route("b", "^b$", "q2")
    for route in (first, second, first):
        messages.bind("e", route)
    assert messages.exchange_type("e") == "topic"
    assert messages.routes("e") == [first, second]
    messages.unbind("e", first)
    assert messages.routes("e") == [second]
    messages.delete_exchange("e")
    assert messages.exchange_type("e") is None
    assert messages.routes("e") == []


def test_doorbells_are_those_of_others_that_wait_for_the_topic(messages: MessageStore) -> None:
    for peer, port, topics in [("a", 1, 1), ("b", 2, 3), ("c", 3, 2), ("d", 0, 1)]:
        messages.join(peer)
        messages.listen(peer, port, topics)
    assert sorted(messages.doorbells(1, but="x")) == [1, 2]
    assert sorted(messages.doorbells(2, but="b")) == [3]
