"""Beat: when things are due, over restarts and wrong clocks; that it comes back, and takes over."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kombu
import pytest
from celery import Celery
from kombu.exceptions import KombuError

import worker.broker
from tests.support.beat import HandClock, MemoryTimes
from worker.embedded import EmbeddedWorker, WorkerState, _Patience, broker_errors
from worker.service.schedules import Times
from worker.tasks.beat import InterruptibleService, StoredScheduler

PATIENCE = 60.0


class Told:
    """States, tasks done: whatever is waited for."""

    def __init__(self) -> None:
        self.states: list[WorkerState] = []
        self.done: list[object] = []
        self._changed = threading.Condition()

    def state(self, state: WorkerState) -> None:
        with self._changed:
            self.states.append(state)
            self._changed.notify_all()

    def note(self, value: object) -> object:
        with self._changed:
            self.done.append(value)
            self._changed.notify_all()
        return value

    def wait(self, wanted: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(wanted, PATIENCE), (self.states, self.done)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "queue.db"
    yield path
    worker.broker.close(path)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def app(queue: Path, told: Told) -> Celery:
    url = worker.broker.broker_url(queue)
    made = Celery("test", broker=url, backend=url, set_as_current=False, fixups=[])
    made.conf.update(task_acks_late=True, worker_hijack_root_logger=False)

    @made.task(name="note", shared=False)  # type: ignore[untyped-decorator]
    def note(value: object) -> object:
        return told.note(value)

    made.finalize()
    return made


def hourly(app: Celery, *names: str) -> None:
    app.conf.beat_schedule = {
        name: {"task": "note", "schedule": 3600.0, "args": (name,)} for name in names
    }


def test_entry_that_never_ran_is_due_an_hour_after_it_was_first_seen_and_not_after_each_start(
    app: Celery,
) -> None:
    hourly(app, "tidy")
    last = MemoryTimes()
    clock = HandClock()
    StoredScheduler(app, last, clocks=clock.clocks, lazy=False)
    assert last.times["tidy"] == Times(since=clock.wall)
    # A later start, 50 minutes on, does not begin to count anew.
    clock.passes(3000)
    again = StoredScheduler(app, last, clocks=clock.clocks, lazy=False)
    assert again.due("tidy") == clock.wall + timedelta(minutes=10)
    app.close()


def test_last_run_in_the_future_of_a_clock_that_was_wrong_puts_nothing_off(app: Celery) -> None:
    hourly(app, "tidy")
    clock = HandClock()
    last = MemoryTimes(tidy=clock.wall + timedelta(days=365))
    scheduler = StoredScheduler(app, last, clocks=clock.clocks, lazy=False)
    assert scheduler.due("tidy") == clock.wall + timedelta(hours=1)
    # It is kept so: who uses the program for half an hour at a time would wait for that year.
    clock.passes(1800)
    again = StoredScheduler(app, last, clocks=clock.clocks, lazy=False)
    assert again.due("tidy") == clock.wall + timedelta(minutes=30)
    app.close()


def test_schedule_that_changes_is_taken_at_once_also_out_of_a_long_sleep(
    app: Celery, told: Told
) -> None:
    hourly(app, "tidy")
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    last = MemoryTimes(added=long_ago)
    embedded = EmbeddedWorker(last_runs=last, changed=told.state)
    embedded.start(app)
    hourly(app, "added")
    embedded.refresh_tasks()
    told.wait(lambda: told.done == ["added"])
    assert last.times["added"].since > long_ago
    beat = embedded._beat
    assert beat is not None and set(beat.scheduler.data) == {"added"}
    assert embedded.stop()


def test_beat_that_fails_is_started_again_and_both_are_said(
    app: Celery, told: Told, expect_log_errors: object
) -> None:
    hourly(app, "tidy")
    last = MemoryTimes(tidy=datetime.now(UTC) - timedelta(hours=3))
    last.failures = 2
    embedded = EmbeddedWorker(last_runs=last, changed=told.state)
    embedded.start(app)
    told.wait(lambda: told.done == ["tidy"])
    told.wait(lambda: told.states[-1].beat == "ok" and told.states[-1].worker == "ok")
    failed = [state for state in told.states if state.beat == "failed"]
    assert failed and "the disk is full" in failed[0].reason
    assert embedded.stop()


def test_beat_is_taken_over_when_it_is_looked_for_after_another_has_let_go(
    app: Celery, told: Told
) -> None:
    free = threading.Event()
    hourly(app, "tidy")
    last = MemoryTimes(tidy=datetime.now(UTC) - timedelta(hours=3))
    embedded = EmbeddedWorker(last_runs=last, changed=told.state, may_beat=free.is_set)
    embedded.start(app)
    embedded.watch_beat()
    assert embedded.state.beat == "off"
    free.set()
    embedded.watch_beat()
    told.wait(lambda: told.done == ["tidy"])
    told.wait(lambda: told.states[-1].beat == "ok")
    embedded.watch_beat()
    assert embedded.stop() and told.done == ["tidy"]


def test_stopped_beat_ends_out_of_its_sleep_and_can_be_waited_for(app: Celery) -> None:
    hourly(app, "tidy")
    service = InterruptibleService(app, MemoryTimes())
    thread = threading.Thread(target=service.start)
    thread.start()
    service.stop(wait=True)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    app.close()


def test_patience_grows_and_is_back_after_a_steady_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("worker.embedded.time.monotonic", lambda: now)
    patience = _Patience()
    delays = [patience.next() for _ in range(12)]
    assert delays[:3] == [0.1, 0.2, 0.4] and delays[-1] == 60.0
    now += 1000
    assert patience.next() == 0.1


def test_messages_that_are_no_tasks_are_taken_out_and_their_content_is_not_logged(
    app: Celery, told: Told, queue: Path, caplog: pytest.LogCaptureFixture
) -> None:
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=told.state)
    secret = "what the person wrote"
    with caplog.at_level(logging.DEBUG):
        embedded.start(app)
        with kombu.Connection(worker.broker.broker_url(queue)) as connection:
            producer = connection.Producer(serializer="json", routing_key="celery")
            headers = {"task": "nobody.knows", "id": "unknown-1"}
            producer.publish([[], {"text": secret}, {}], headers=headers)
            producer.publish({"no": secret}, headers={})
            producer.publish(
                f"{{broken {secret}",
                headers={"task": "note", "id": "broken-1"},
                content_type="application/json",
                content_encoding="utf-8",
                serializer="raw",
            )
        app.send_task("note", (1,))
        told.wait(lambda: told.done == [1])
        assert embedded.stop()
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("worker", "celery"))]
    assert any("nobody.knows" in text for text in ours)
    assert not any(secret in text for text in ours)


def test_what_a_broker_raises_is_known(app: Celery) -> None:
    assert {OSError, KombuError} <= set(broker_errors(app))
    app.close()


def test_worker_that_is_started_twice_is_a_mistake(app: Celery, told: Told) -> None:
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=told.state)
    embedded.start(app)
    with pytest.raises(RuntimeError):
        embedded.start(app)
    assert embedded.stop()


def test_stop_waits_for_a_running_task_no_longer_than_it_is_told(app: Celery, told: Told) -> None:
    go, begun = threading.Event(), threading.Event()

    @app.task(name="hang", shared=False)  # type: ignore[untyped-decorator]
    def hang() -> None:
        begun.set()
        go.wait(PATIENCE)

    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=told.state)
    embedded.start(app)
    app.send_task("hang")
    assert begun.wait(PATIENCE)
    thread = embedded._worker_thread
    assert not embedded.stop(0.2)
    assert embedded.state.worker == "off"
    go.set()
    assert thread is not None
    thread.join(PATIENCE)
    assert not thread.is_alive()
    app.close()
