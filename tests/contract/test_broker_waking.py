"""Nothing is found late: who waits is woken, though nobody looks now and then in these tests."""

import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest

from tests.contract.broker_worker import Place, close_app, make_app, running
from worker.broker import broker_url, results, transport

ROOT = Path(__file__).parents[2]
SECONDS = 60
SEND = """
import sys, kombu, worker.broker
with kombu.Connection(sys.argv[1]) as connection:
    connection.Producer().publish({"n": "from afar"}, routing_key=sys.argv[2])
"""
STORE = """
import sys, worker.broker
from celery import Celery
app = Celery(broker=sys.argv[1], backend=sys.argv[1])
app.backend.store_result(sys.argv[2], 42, "SUCCESS")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(transport, "_LONGEST_SLEEP", 1000.0)
    monkeypatch.setattr(results, "_LONGEST_SLEEP", 1000.0)
    path = tmp_path / "queue.db"
    return Place(broker_url(path), str(path))


class Consumer:
    """Takes messages in a thread of its own, at most two at a time, until it has enough."""

    def __init__(self, url: str, queues: list[str], enough: int) -> None:
        self.got: queue.Queue[Any] = queue.Queue()
        self.ready = threading.Event()
        self._left = enough
        self._thread = threading.Thread(target=self._consume, args=(url, queues))
        self._thread.start()
        assert self.ready.wait(SECONDS)

    def _consume(self, url: str, queues: list[str]) -> None:
        def take(body: Any, message: Any) -> None:
            self._left -= 1
            self.got.put(message)

        with kombu.Connection(url) as connection:
            channel = connection.default_channel
            consumer = connection.Consumer(
                [kombu.Queue(name, channel=channel) for name in queues], callbacks=[take]
            )
            consumer.qos(prefetch_count=2)
            with consumer:
                self.ready.set()
                while self._left:
                    connection.drain_events(timeout=SECONDS)
                self.got.join()

    def next(self) -> Any:
        return self.got.get(timeout=SECONDS)

    def settle(self, message: Any) -> None:
        message.ack()
        self.got.task_done()

    def join(self) -> None:
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


@pytest.fixture
def producer(place: Place) -> Iterator[Any]:
    with kombu.Connection(place.url) as connection:
        yield connection.Producer()


def test_consumer_that_had_no_room_goes_on_when_it_has(place: Place, producer: Any) -> None:
    consumer = Consumer(place.url, ["a", "b"], enough=6)
    for number in range(2):
        producer.publish({"n": number}, routing_key="a")
    held = [consumer.next(), consumer.next()]
    # It is full: nobody rings for these.
    for name in ("b", "a", "b", "a"):
        producer.publish({"n": name}, routing_key=name)
    for _ in range(4):
        consumer.settle(held.pop(0))
        held.append(consumer.next())
    for message in held:
        consumer.settle(message)
    consumer.join()


def test_consumer_misses_nothing_of_what_many_threads_send_and_settle(
    place: Place, producer: Any
) -> None:
    total = 400
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    consumer = Consumer(place.url, ["a", "b", "c"], enough=total)
    seen: list[int] = []

    def settle() -> None:
        while len(seen) < total:
            try:
                message = consumer.got.get(timeout=0.05)
            except queue.Empty:
                continue
            seen.append(message.payload["n"])
            consumer.settle(message)

    def send(numbers: range, pauses: list[float]) -> None:
        with kombu.Connection(place.url) as connection:
            mine = connection.Producer()
            for number, pause in zip(numbers, pauses, strict=True):
                time.sleep(pause)
                mine.publish({"n": number}, routing_key="abc"[number % 3])

    pauses = [dice.choice([0, 0, 0, 0.001, 0.01]) for _ in range(total)]
    half = total // 2
    threads = [threading.Thread(target=settle) for _ in range(3)]
    threads += [
        threading.Thread(target=send, args=(numbers, pauses[numbers.start : numbers.stop]))
        for numbers in (range(half), range(half, total))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    consumer.join()
    assert sorted(seen) == list(range(total))


def test_consumer_is_woken_by_another_process(place: Place, producer: Any) -> None:
    consumer = Consumer(place.url, ["a"], enough=1)
    subprocess.run([sys.executable, "-c", SEND, place.url, "a"], cwd=ROOT, check=True, timeout=60)
    message = consumer.next()
    assert message.payload == {"n": "from afar"}
    consumer.settle(message)
    consumer.join()


def test_result_of_another_process_is_told_to_who_waits(place: Place) -> None:
    app = make_app(place)
    result = app.AsyncResult("theirs")
    got: list[Any] = []
    waiter = threading.Thread(target=lambda: got.append(result.get(timeout=60)))
    waiter.start()
    subprocess.run(
        [sys.executable, "-c", STORE, place.url, "theirs"], cwd=ROOT, check=True, timeout=60
    )
    waiter.join(SECONDS)
    assert got == [42]
    close_app(app, place)


def test_results_of_this_process_are_told_to_each_of_many_who_wait(place: Place) -> None:
    app = make_app(place)

    @app.task(name="double", shared=False)
    def double(x: int) -> int:
        return 2 * x

    sums: list[int] = []

    def ask(number: int) -> None:
        for _ in range(15):
            sums.append(double.delay(number).get(timeout=SECONDS))

    with running(app, place):
        shared = double.delay(100)
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
        threads += [
            threading.Thread(target=lambda: sums.append(shared.get(timeout=SECONDS)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(sums) == sorted([2 * n for n in range(5)] * 15 + [200, 200])
    close_app(app, place)
