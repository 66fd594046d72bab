"""How much the bundled broker hands out, when, and for how long: prefetch, late and early
acknowledgement, rate limits, time to live.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
from celery import Celery

import worker.broker
from tests.contract.broker_worker import Place, close_app, make_app, running
from tests.support.processes import wait_until
from worker.broker import QueueLength, broker_url, transport

SECONDS = 60
NODE = "tests@here"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    path = tmp_path / "queue.db"
    return Place(broker_url(path), str(path))


class Work:
    """Tasks that note what they were given, some of them after a gate was opened."""

    def __init__(self, app: Celery) -> None:
        self.lines: list[int] = []
        self.gate = threading.Event()

        @app.task(name="note", shared=False)
        def note(number: int) -> int:
            self.lines.append(number)
            return number

        @app.task(name="hold", shared=False)
        def hold(number: int) -> None:
            self.lines.append(number)
            self.gate.wait(SECONDS)


@pytest.fixture
def app(place: Place) -> Iterator[Celery]:
    app = make_app(place)
    yield app
    close_app(app, place)


@pytest.fixture
def work(app: Celery) -> Iterator[Work]:
    work = Work(app)
    yield work
    work.gate.set()


def lengths(place: Place, name: str) -> QueueLength:
    with worker.broker.upkeep(str(place.path)) as upkeep:
        found = [queue for queue in upkeep.status().queues if queue.queue == name]
    return found[0] if found else QueueLength(name, 0, 0, 0)


@pytest.mark.parametrize("multiplier", [1, 3])
def test_worker_takes_as_many_as_it_may_prefetch_and_leaves_the_rest(
    app: Celery, place: Place, work: Work, multiplier: int
) -> None:
    app.conf.worker_prefetch_multiplier = multiplier
    for number in range(6):
        app.tasks["hold"].delay(number)
    with running(app, place, concurrency=1):
        wait_until(lambda: work.lines, "the first runs")
        wait_until(lambda: lengths(place, "contract").running == multiplier, "it took its share")
        assert app.control.ping(timeout=SECONDS, limit=1)  # a turn later it has no more
        assert lengths(place, "contract") == QueueLength("contract", 6 - multiplier, multiplier, 0)
        work.gate.set()
        wait_until(lambda: len(work.lines) == 6, "all have run")


@pytest.mark.parametrize(("late", "kept"), [(True, 1), (False, 0)])
def test_message_is_kept_until_its_task_has_ended_where_it_is_acknowledged_late(
    app: Celery, place: Place, work: Work, late: bool, kept: int
) -> None:
    app.tasks["hold"].acks_late = late
    with running(app, place, concurrency=1):
        app.tasks["hold"].delay(1)
        wait_until(lambda: work.lines, "it runs")
        wait_until(lambda: lengths(place, "contract").running == kept, "it is kept, or not")
        work.gate.set()
    assert lengths(place, "contract") == QueueLength("contract", 0, 0, 0)


def test_tasks_that_a_rate_limit_holds_back_do_not_run_and_are_for_the_next_worker(
    app: Celery, place: Place, work: Work
) -> None:
    def limit(rate: str) -> Any:
        return app.control.rate_limit(
            "note", rate, reply=True, destination=[NODE], timeout=SECONDS, limit=1
        )[0][NODE]

    app.conf.worker_prefetch_multiplier = 4
    with running(app, place, concurrency=1):
        assert "ok" in limit("1/h")
        for number in range(3):
            app.tasks["note"].delay(number)
        wait_until(lambda: lengths(place, "contract").waiting == 0, "all were handed out")
        wait_until(lambda: work.lines, "the first has run")
        assert app.control.ping(timeout=SECONDS, limit=1)
        assert work.lines == [0]
        assert "ok" in limit("0")  # for those that come from here on
        assert app.tasks["note"].delay(3).get(timeout=SECONDS) == 3
    assert lengths(place, "contract") == QueueLength("contract", 2, 0, 0)
    with running(app, place):
        wait_until(lambda: len(work.lines) == 4, "the others have run")
    assert sorted(work.lines) == [0, 1, 2, 3]


class TestTimeToLive:
    @pytest.mark.parametrize(
        ("queue", "message"), [({}, {"expiration": 0.05}), ({"message_ttl": 0.05}, {})]
    )
    def test_message_that_nobody_fetched_in_time_is_gone(
        self, place: Place, queue: dict[str, float], message: dict[str, float]
    ) -> None:
        with kombu.Connection(place.url) as connection:
            bound = kombu.Queue("short", channel=connection.default_channel, **queue)
            bound.declare()
            producer = connection.Producer()
            producer.publish({"n": 1}, routing_key="short", **message)
            over = time.time() + 0.06
            wait_until(lambda: time.time() > over, "its time is over")
            assert bound.queue_declare(passive=True).message_count == 0
            assert bound.get() is None

    def test_message_behind_expired_ones_is_found_at_once(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transport, "_LONGEST_SLEEP", 1000.0)
        got: list[Any] = []
        with kombu.Connection(place.url) as connection:
            producer = connection.Producer()
            for name in ("drained", "fetched"):
                for _ in range(3):
                    producer.publish({"n": "old"}, routing_key=name, expiration=0.01)
                producer.publish({"n": "new"}, routing_key=name)
            over = time.time() + 0.02
            wait_until(lambda: time.time() > over, "their time is over")
            message = kombu.Queue("fetched", channel=connection.default_channel).get()
            assert message.payload == {"n": "new"}
            message.ack()
            consumer = connection.Consumer([kombu.Queue("drained")], on_message=got.append)
            consumer.qos(prefetch_count=1)
            with consumer:
                connection.drain_events(timeout=SECONDS)
                assert [message.payload for message in got] == [{"n": "new"}]
                got[0].ack()

    def test_message_that_is_fetched_in_time_is_delivered(self, place: Place) -> None:
        with kombu.Connection(place.url) as connection:
            bound = kombu.Queue("long", channel=connection.default_channel, message_ttl=60)
            bound.declare()
            connection.Producer().publish({"n": 1}, routing_key="long", expiration=60)
            message = bound.get()
            assert message.payload == {"n": 1}
            message.ack()
