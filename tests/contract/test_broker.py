"""What every broker has to do for this program: the bundled one and a real Redis alike."""

import gc
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import ChordError, Reject, TaskRevokedError
from celery.exceptions import TimeoutError as CeleryTimeoutError

from tests.contract.broker_worker import Place, close_app, make_app, running
from tests.support.processes import wait_until
from tests.support.redis_server import RedisServer, available, redis_server
from worker.broker import broker_url

pytestmark = [
    # Celery 5.7 uses what redis-py calls deprecated.
    pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning"),
    # redis-py leaves the sockets of pool threads to the garbage collector, whenever that comes.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

SECONDS = 60  # how long anything may take before it counts as lost
NASTY = "a\0b \ud800 \u202eright\u202c 漢字 " + "x" * 100_000


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    if not available():
        pytest.skip("redis-server is not installed")
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["bundled", pytest.param("redis", marks=pytest.mark.redis)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "bundled":
        path = tmp_path / "a folder" / "queue 100%.db"
        return Place(broker_url(path), str(path))
    server: RedisServer = request.getfixturevalue("redis")
    database = getattr(request.config, "_broker_database", 0) % 15 + 1
    request.config._broker_database = database  # type: ignore[attr-defined]
    import redis as client

    with client.Redis(port=server.port, db=database) as connection:
        connection.flushdb()
    return Place(server.url(database))


class Notes:
    """What tasks did, in the order in which they did it."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.gate = threading.Event()

    def wait_for(self, count: int) -> list[Any]:
        wait_until(lambda: len(self.lines) >= count, f"{count} notes", SECONDS)
        return list(self.lines)


@pytest.fixture
def notes() -> Iterator[Notes]:
    notes = Notes()
    yield notes
    notes.gate.set()


@pytest.fixture
def app(place: Place, notes: Notes) -> Iterator[Celery]:
    app = make_app(place)

    @app.task(name="add", shared=False)
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="total", shared=False)
    def total(values: list[int]) -> int:
        return sum(values)

    @app.task(name="echo", shared=False)
    def echo(value: Any) -> Any:
        return value

    @app.task(name="note", shared=False)
    def note(value: Any) -> None:
        notes.lines.append(value)

    @app.task(name="hold", shared=False)
    def hold(value: Any) -> Any:
        notes.lines.append(value)
        notes.gate.wait(SECONDS)
        return value

    @app.task(name="fail", shared=False)
    def fail(text: str) -> None:
        raise ValueError(text)

    @app.task(name="meant_for", shared=False, bind=True)
    def meant_for(self: Any) -> Any:
        return self.request.eta

    @app.task(name="retry", shared=False, bind=True, max_retries=3)
    def retry(self: Any) -> int:
        notes.lines.append(self.request.retries)
        if self.request.retries < 2:
            raise self.retry(countdown=0.1)
        return int(self.request.retries)

    @app.task(name="refuse", shared=False, bind=True)
    def refuse(self: Any) -> str:
        redelivered = bool(self.request.delivery_info.get("redelivered"))
        notes.lines.append(redelivered)
        if not redelivered:
            raise Reject("not now", requeue=True)
        return "at last"

    @app.task(name="drop", shared=False)
    def drop() -> None:
        notes.lines.append("dropped")
        raise Reject("never", requeue=False)

    @app.task(name="progress", shared=False, bind=True)
    def progress(self: Any) -> str:
        self.update_state(state="PROGRESS", meta={"progress": 50})
        notes.lines.append("half")
        notes.gate.wait(SECONDS)
        return "done"

    @app.task(name="telling", shared=False, bind=True)
    def telling(self: Any) -> str:
        # Again and again: who begins to wait after a state was told is not told it any more.
        while not notes.gate.wait(0.05):
            self.update_state(state="PROGRESS", meta={"progress": 50})
        return "done"

    yield app
    close_app(app, place)
    gc.collect()  # so that they are no later test's


@pytest.fixture
def worker(app: Celery, place: Place, notes: Notes) -> Iterator[Any]:
    with running(app, place) as controller:
        yield controller
        notes.gate.set()


@pytest.mark.usefixtures("worker")
class TestTasks:
    def test_result_of_a_task_arrives(self, app: Celery) -> None:
        assert app.tasks["add"].delay(1, 2).get(timeout=SECONDS) == 3

    def test_many_tasks_from_many_threads_each_give_their_result(self, app: Celery) -> None:
        sums: dict[int, int] = {}

        def ask(number: int) -> None:
            for _ in range(10):
                sums[number] = app.tasks["add"].delay(number, number).get(timeout=SECONDS)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert sums == {number: 2 * number for number in range(6)}

    def test_results_made_in_one_thread_can_be_awaited_in_others(self, app: Celery) -> None:
        results = [app.tasks["add"].delay(number, 0) for number in range(8)]
        got: list[int] = []
        threads = [
            threading.Thread(target=lambda r=result: got.append(r.get(timeout=SECONDS)))
            for result in results
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert sorted(got) == list(range(8))

    def test_text_of_any_kind_arrives_as_it_was_sent(self, app: Celery) -> None:
        assert app.tasks["echo"].delay(NASTY).get(timeout=SECONDS) == NASTY

    def test_exception_of_a_task_is_raised_where_it_is_awaited(self, app: Celery) -> None:
        with pytest.raises(ValueError, match="on purpose"):
            app.tasks["fail"].delay("on purpose").get(timeout=SECONDS)

    test_exception_of_a_task_is_raised_where_it_is_awaited = pytest.mark.expect_log_errors(
        test_exception_of_a_task_is_raised_where_it_is_awaited
    )

    def test_task_with_a_countdown_runs_when_it_is_due_and_not_before(self, app: Celery) -> None:
        due = datetime.now(UTC) + timedelta(seconds=0.6)
        result = app.tasks["echo"].apply_async((1,), eta=due)
        result.get(timeout=SECONDS)
        assert result.date_done >= due

    def test_task_with_a_countdown_can_read_the_time_for_which_it_was_meant(
        self, app: Celery
    ) -> None:
        due = datetime.now(UTC) + timedelta(seconds=0.3)
        told = app.tasks["meant_for"].apply_async(eta=due).get(timeout=SECONDS)
        assert datetime.fromisoformat(told) == due

    def test_task_that_retries_runs_again_with_a_count(self, app: Celery, notes: Notes) -> None:
        assert app.tasks["retry"].delay().get(timeout=SECONDS) == 2
        assert notes.lines == [0, 1, 2]

    def test_rejected_message_is_delivered_again_and_says_so(
        self, app: Celery, notes: Notes
    ) -> None:
        assert app.tasks["refuse"].delay().get(timeout=SECONDS) == "at last"
        assert notes.lines == [False, True]

    def test_message_rejected_for_good_does_not_come_back(self, app: Celery, notes: Notes) -> None:
        app.tasks["drop"].delay()
        app.tasks["note"].delay("after")
        assert sorted(notes.wait_for(2)) == ["after", "dropped"]
        assert app.tasks["add"].delay(1, 1).get(timeout=SECONDS) == 2
        assert len(notes.lines) == 2

    def test_progress_can_be_seen_before_the_result(self, app: Celery, notes: Notes) -> None:
        result = app.tasks["progress"].delay()
        notes.wait_for(1)
        assert result.state == "PROGRESS"
        assert result.info == {"progress": 50}
        notes.gate.set()
        assert result.get(timeout=SECONDS) == "done"

    def test_every_state_is_told_to_who_waits(self, app: Celery, notes: Notes) -> None:
        seen: list[str] = []

        def on_message(meta: dict[str, Any]) -> None:
            seen.append(meta["status"])
            notes.gate.set()

        result = app.tasks["telling"].delay()
        assert result.get(timeout=SECONDS, on_message=on_message) == "done"
        assert set(seen[:-1]) == {"PROGRESS"}
        assert seen[-1] == "SUCCESS"

    def test_waiting_for_a_result_ends_when_the_time_is_over(
        self, app: Celery, notes: Notes
    ) -> None:
        result = app.tasks["hold"].delay(1)
        notes.wait_for(1)
        with pytest.raises(CeleryTimeoutError):
            result.get(timeout=0.05)
        notes.gate.set()
        assert result.get(timeout=SECONDS) == 1

    def test_forgotten_result_is_unknown(self, app: Celery) -> None:
        result = app.tasks["add"].delay(1, 2)
        result.get(timeout=SECONDS)
        result.forget()
        assert app.AsyncResult(result.id).state == "PENDING"


@pytest.mark.usefixtures("worker")
class TestCanvas:
    def test_chain_passes_results_on(self, app: Celery) -> None:
        add = app.tasks["add"]
        assert chain(add.s(1, 1), add.s(2), add.s(3), app=app)().get(timeout=SECONDS) == 7

    def test_group_gives_all_results_in_order(self, app: Celery) -> None:
        result = group((app.tasks["add"].s(n, n) for n in range(30)), app=app)()
        assert result.get(timeout=SECONDS) == [2 * n for n in range(30)]

    def test_saved_group_can_be_restored_and_deleted(self, app: Celery) -> None:
        result = group([app.tasks["add"].s(n, n) for n in range(3)], app=app)()
        result.save()
        restored = app.GroupResult.restore(result.id)
        assert restored.get(timeout=SECONDS) == [0, 2, 4]
        result.delete()
        assert app.GroupResult.restore(result.id) is None

    def test_chord_gives_the_body_all_results_once(self, app: Celery) -> None:
        header = [app.tasks["add"].s(n, n) for n in range(50)]
        result = chord(header, app=app)(app.tasks["total"].s())
        assert result.get(timeout=SECONDS) == 2 * sum(range(50))

    def test_chord_with_groups_among_its_parts_keeps_their_shape(self, app: Celery) -> None:
        add = app.tasks["add"]
        fork = chain(add.s(1, 1), group([add.s(1), add.s(2)], app=app), app=app)
        result = chord([fork, add.s(3, 3)], app=app)(app.tasks["echo"].s())
        assert result.get(timeout=SECONDS) == [[3, 4], 6]

    def test_chord_in_a_chain_goes_on(self, app: Celery) -> None:
        add, total = app.tasks["add"], app.tasks["total"]
        flow = chain(add.s(1, 1), group([add.s(1), add.s(2)], app=app), total.s(), add.s(100))
        assert flow().get(timeout=SECONDS) == 107

    @pytest.mark.expect_log_errors
    def test_chord_with_a_failing_part_fails_its_body(self, app: Celery) -> None:
        header = [app.tasks["add"].s(1, 1), app.tasks["fail"].s("on purpose")]
        result = chord(header, app=app)(app.tasks["total"].s())
        with pytest.raises((ChordError, ValueError), match="on purpose"):
            result.get(timeout=SECONDS)
        wait_until(result.ready, "the body has failed", SECONDS)
        assert isinstance(result.result, ChordError)


@pytest.mark.usefixtures("worker")
class TestControl:
    def test_worker_answers_a_ping_and_tells_what_it_runs(self, app: Celery, notes: Notes) -> None:
        assert app.control.ping(timeout=SECONDS, limit=1) == [{"tests@here": {"ok": "pong"}}]
        app.tasks["hold"].delay(1)
        notes.wait_for(1)
        inspect = app.control.inspect(destination=["tests@here"], timeout=SECONDS)
        assert [task["name"] for task in inspect.active()["tests@here"]] == ["hold"]

    def test_revoked_task_does_not_run(self, app: Celery, notes: Notes) -> None:
        for number in range(4):  # every thread of the pool is busy
            app.tasks["hold"].delay(number)
        notes.wait_for(4)
        result = app.tasks["note"].delay("revoked")
        answer = app.control.revoke(
            result.id, reply=True, destination=["tests@here"], timeout=SECONDS
        )
        assert "ok" in answer[0]["tests@here"]
        notes.gate.set()
        with pytest.raises(TaskRevokedError):
            result.get(timeout=SECONDS)
        assert "revoked" not in notes.lines

    def test_events_of_the_worker_reach_who_listens(self, app: Celery) -> None:
        seen: list[str] = []
        heard: list[Any] = []
        ready = threading.Event()

        def listen() -> None:
            with app.connection_for_read() as connection:
                receiver = app.events.Receiver(connection, handlers={"*": hear})
                receiver.on_consume_ready = lambda *args, **kwargs: ready.set()
                heard.append(receiver)
                receiver.capture(timeout=SECONDS, wakeup=False)

        def hear(event: dict[str, Any]) -> None:
            seen.append(event["type"])
            heard[0].should_stop = "task-succeeded" in seen

        thread = threading.Thread(target=listen)
        thread.start()
        assert ready.wait(SECONDS)
        app.tasks["add"].delay(1, 1)
        thread.join(SECONDS)
        assert {"task-received", "task-started", "task-succeeded"} <= set(seen)


class TestQueues:
    def test_priorities_are_kept_and_within_one_the_age(
        self, app: Celery, place: Place, notes: Notes
    ) -> None:
        if place.path is None:
            pytest.skip("kombu's Redis transport has four steps of its own, the lowest first")
        for number, priority in enumerate([1, 9, 5, 9, 1, 0]):
            app.tasks["note"].apply_async((f"{priority}-{number}",), priority=priority)
        with running(app, place, concurrency=1):
            lines = notes.wait_for(6)
        assert lines == ["9-1", "9-3", "5-2", "1-0", "1-4", "0-5"]

    def test_purged_tasks_do_not_run(self, app: Celery, place: Place, notes: Notes) -> None:
        for number in range(5):
            app.tasks["note"].delay(number)
        assert app.control.purge() == 5
        with running(app, place):
            app.tasks["note"].delay("after")
            assert notes.wait_for(1) == ["after"]

    def test_length_of_a_queue_is_known(self, app: Celery) -> None:
        for number in range(3):
            app.tasks["note"].delay(number)
        with app.connection_for_read() as connection:
            queue = app.amqp.queues["contract"].bind(connection.default_channel)
            assert queue.queue_declare(passive=True).message_count == 3

    def test_unfinished_prefetched_tasks_survive_a_stop_of_the_worker(
        self, app: Celery, place: Place, notes: Notes
    ) -> None:
        app.conf.worker_prefetch_multiplier = 4
        with running(app, place, concurrency=1):
            app.tasks["hold"].delay("running")
            for number in range(6):
                app.tasks["note"].delay(number)
            notes.wait_for(1)
            stopper = threading.Timer(0.1, notes.gate.set)
            stopper.start()
        stopper.join()
        with running(app, place, concurrency=1):
            lines = notes.wait_for(7)
        assert sorted(lines, key=str) == [0, 1, 2, 3, 4, 5, "running"]

    def test_direct_topic_and_fanout_exchanges_route(self, app: Celery) -> None:
        from kombu import Exchange, Queue

        name = uuid.uuid4().hex
        with app.connection_for_write() as connection:
            channel = connection.default_channel
            routes = {
                "direct": [("d1", "key"), ("d2", "other")],
                "topic": [("t1", "a.*"), ("t2", "a.#"), ("t3", "b.c")],
                "fanout": [("f1", ""), ("f2", "")],
            }
            sent = {"direct": "key", "topic": "a.b", "fanout": "whatever"}
            expected = {"direct": {"d1"}, "topic": {"t1", "t2"}, "fanout": {"f1", "f2"}}
            if connection.transport.driver_type == "redis":
                del routes["fanout"]  # its fanout is heard only by those who listen just then
            for kind, bindings in routes.items():
                exchange = Exchange(f"{name}-{kind}", kind)
                queues = [
                    Queue(f"{name}-{queue}", exchange, routing_key=key)(channel)
                    for queue, key in bindings
                ]
                for queue in queues:
                    queue.declare()
                producer = connection.Producer(exchange=exchange)
                producer.publish({"n": 1}, routing_key=sent[kind])
                got = {queue.name.rsplit("-", 1)[1] for queue in queues if queue.get(no_ack=True)}
                assert got == expected[kind]
                for queue in queues:
                    queue.delete()


def test_worker_can_be_started_and_stopped_again_in_one_process(
    app: Celery, place: Place, notes: Notes
) -> None:
    for number in range(3):
        with running(app, place):
            app.tasks["note"].delay(number)
            notes.wait_for(number + 1)
    assert notes.lines == [0, 1, 2]


def test_task_that_nobody_ran_in_time_is_revoked_and_says_so(
    app: Celery, place: Place, notes: Notes
) -> None:
    result = app.tasks["note"].apply_async(("too late",), expires=0.05)
    time.sleep(0.1)  # what is tested: that its time is over
    with running(app, place):
        with pytest.raises(TaskRevokedError):
            result.get(timeout=SECONDS)
        app.tasks["note"].delay("after")
        assert notes.wait_for(1) == ["after"]


def test_result_expires(place: Place) -> None:
    app = make_app(place, result_expires=1)

    @app.task(name="add", shared=False)
    def add(x: int, y: int) -> int:
        return x + y

    with running(app, place):
        result = add.delay(1, 2)
        assert result.get(timeout=SECONDS) == 3
        wait_until(
            lambda: app.AsyncResult(result.id).state == "PENDING", "it is forgotten", SECONDS
        )
    close_app(app, place)
