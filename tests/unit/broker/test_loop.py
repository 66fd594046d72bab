"""Delivery on a worker's event loop: kombu's own, and one that the test turns by hand."""

import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kombu
import pytest
from kombu.asynchronous import Hub

import worker.broker
from worker.broker import broker_url
from worker.broker.doorbell import Topic
from worker.broker.errors import BrokerGone
from worker.broker.loop import LoopDelivery


@dataclass
class Entry:
    delay: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Loop:
    """Turns when the test says so, and calls what is timed when the test does."""

    readers: dict[int, Callable[[], None]] = field(default_factory=dict)
    later: list[Entry] = field(default_factory=list)
    regular: list[Entry] = field(default_factory=list)

    def add_reader(self, fds: socket.socket, callback: Callable[[], None]) -> None:
        self.readers[fds.fileno()] = callback

    def remove_reader(self, fd: socket.socket) -> None:
        assert self.readers, "a closed loop would open itself again"
        del self.readers[fd.fileno()]

    def call_later(self, delay: float, callback: Callable[[], None]) -> Entry:
        self.later.append(Entry(delay, callback))
        return self.later[-1]

    def call_repeatedly(self, delay: float, callback: Callable[[], None]) -> Entry:
        self.regular.append(Entry(delay, callback))
        return self.regular[-1]

    def turn(self) -> bool:
        """One turn; False when nothing woke it."""
        ready = select.select(list(self.readers), [], [], 0)[0]
        for end in ready:
            self.readers[end]()
        return bool(ready)


class Looks:
    """What `look` is: counts, and says when to look again."""

    def __init__(self, *answers: float | None) -> None:
        self.answers = list(answers)
        self.count = 0

    def __call__(self) -> float | None:
        self.count += 1
        return self.answers.pop(0) if self.answers else None


def nothing() -> None:
    pass


def test_loop_looks_once_at_the_beginning_and_then_when_it_is_woken() -> None:
    loop, topic, looks = Loop(), Topic(), Looks()
    delivery = LoopDelivery(loop, topic, looks, nothing)
    assert loop.turn()
    assert not loop.turn()
    for _ in range(3):
        topic.notify()
    assert loop.turn()
    assert not loop.turn()  # three notifications before a look are one
    assert looks.count == 2
    delivery.close()


def test_what_comes_while_it_looks_is_looked_at_afterwards() -> None:
    loop, topic = Loop(), Topic()
    seen: list[str] = []

    def look() -> None:
        seen.append("look")
        if len(seen) == 1:
            topic.notify()

    delivery = LoopDelivery(loop, topic, look, nothing)
    assert loop.turn()
    assert loop.turn()
    assert not loop.turn()
    delivery.close()


def test_notification_from_another_thread_wakes_the_loop() -> None:
    loop, topic, looks = Loop(), Topic(), Looks()
    delivery = LoopDelivery(loop, topic, looks, nothing)
    loop.turn()
    thread = threading.Thread(target=topic.notify)
    thread.start()
    thread.join()
    assert loop.turn()
    delivery.close()


def test_loop_goes_on_to_look_while_there_is_more() -> None:
    loop, looks = Loop(), Looks(0.0, 0.0, None)
    delivery = LoopDelivery(loop, Topic(), looks, nothing)
    while loop.turn():
        pass
    assert looks.count == 3
    delivery.close()


def test_loop_looks_again_when_the_next_message_is_due_and_an_older_time_is_dropped() -> None:
    loop, topic, looks = Loop(), Topic(), Looks(5.0, 2.0)
    delivery = LoopDelivery(loop, topic, looks, nothing)
    loop.turn()
    topic.notify()
    loop.turn()
    assert [(entry.delay, entry.cancelled) for entry in loop.later] == [(5.0, True), (2.0, False)]
    loop.later[-1].callback()
    assert loop.turn()
    assert looks.count == 3
    delivery.close()


def test_now_and_then_it_looks_although_nobody_woke_it() -> None:
    loop, looks = Loop(), Looks()
    after: list[str] = []
    delivery = LoopDelivery(loop, Topic(), looks, lambda: after.append("dead ones"))
    loop.turn()
    loop.regular[0].callback()
    assert (looks.count, after) == (2, ["dead ones"])
    delivery.close()


def test_closed_delivery_leaves_nothing_in_the_loop_and_may_be_woken_and_closed_again() -> None:
    loop, topic, looks = Loop(), Topic(), Looks(9.0)
    delivery = LoopDelivery(loop, topic, looks, nothing)
    loop.turn()
    delivery.close()
    delivery.close()
    delivery.wake()
    topic.notify()
    assert not loop.readers
    assert all(entry.cancelled for entry in [*loop.later, *loop.regular])
    assert looks.count == 1


def test_delivery_on_a_loop_that_was_closed_before_it_does_not_touch_it() -> None:
    loop = Loop()
    delivery = LoopDelivery(loop, Topic(), Looks(9.0), nothing)
    loop.readers.clear()
    delivery.close()
    assert not loop.readers


@pytest.fixture
def url(tmp_path: Path) -> str:
    return broker_url(tmp_path / "queue.db")


def test_messages_are_delivered_on_kombus_loop_within_the_prefetch_limit(url: str) -> None:
    hub = Hub()
    got: list[Any] = []
    with kombu.Connection(url) as connection, kombu.Connection(url) as other:
        connection.transport.register_with_event_loop(connection.connection, hub)
        queue = kombu.Queue("q")
        consumer = kombu.Consumer(connection, [queue], on_message=got.append, accept=["json"])
        consumer.qos(prefetch_count=2)
        consumer.consume()
        producer = other.Producer()
        for number in range(5):
            producer.publish({"n": number}, routing_key="q", declare=[queue])

        def turns(count: int) -> list[int]:
            for _ in range(20):
                hub.run_once()
                if len(got) >= count:
                    break
            return [message.payload["n"] for message in got]

        assert turns(2) == [0, 1]
        got[0].ack()
        assert turns(3) == [0, 1, 2]
        consumer.qos(prefetch_count=4)
        assert turns(5) == [0, 1, 2, 3, 4]
        for message in got[1:]:
            message.ack()
        consumer.cancel()
    hub.close()


def test_file_that_is_closed_meanwhile_is_an_error_on_the_loop(url: str, tmp_path: Path) -> None:
    hub = Hub()
    connection = kombu.Connection(url)
    connection.transport.register_with_event_loop(connection.connection, hub)
    hub.run_once()
    worker.broker.close(tmp_path / "queue.db")
    with pytest.raises(BrokerGone):
        for _ in range(20):
            hub.run_once()
    connection.release()
    hub.close()
