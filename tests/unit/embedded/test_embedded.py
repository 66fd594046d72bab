"""The worker and Beat in this process: started, stopped, restarted when dead."""

import ctypes
import gc
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from celery import Celery

import worker.broker
from tests.support.beat import HandClock, MemoryTimes
from worker.contract.errors import Unavailable
from worker.embedded import EmbeddedWorker, WorkerState
from worker.tasks.beat import StoredScheduler

PATIENCE = 60.0


class States:
    """The states that were told, and waiting for one."""

    def __init__(self) -> None:
        self.all: list[WorkerState] = []
        self._changed = threading.Condition()

    def add(self, state: WorkerState) -> None:
        with self._changed:
            self.all.append(state)
            self._changed.notify_all()

    def wait(self, wanted: Callable[[WorkerState], bool]) -> WorkerState:
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(wanted, self.all)), PATIENCE), self.all
            return next(state for state in self.all if wanted(state))


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "queue.db"
    yield path
    worker.broker.close(path)


def _app(queue: Path) -> tuple[Celery, "list[object]", threading.Event]:
    url = worker.broker.broker_url(queue)
    app = Celery("test", broker=url, backend=url, set_as_current=False, fixups=[])
    app.conf.update(task_acks_late=True, worker_hijack_root_logger=False)
    done: list[object] = []
    event = threading.Event()

    @app.task(name="note", shared=False)
    def note(value: object) -> object:
        done.append(value)
        event.set()
        return value

    app.finalize()
    return app, done, event


def test_a_started_worker_runs_tasks_and_a_stopped_one_leaves_nothing(queue: Path) -> None:
    states = States()
    before = {thread.name for thread in threading.enumerate()}
    app, done, event = _app(queue)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=states.add)
    embedded.start(app)
    assert (embedded.state.worker, embedded.state.beat) == ("ok", "ok")
    app.send_task("note", (1,))
    assert event.wait(PATIENCE)
    assert embedded.stop()
    assert done == [1]
    assert (embedded.state.worker, embedded.state.beat) == ("off", "off")
    worker.broker.close(queue)
    assert {thread.name for thread in threading.enumerate()} <= before


def test_a_worker_started_and_stopped_again_and_again_leaks_no_descriptor(queue: Path) -> None:
    process = psutil.Process()
    counts = []
    for value in range(5):
        app, done, event = _app(queue)
        embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=lambda state: None)
        embedded.start(app)
        app.send_task("note", (value,))
        assert event.wait(PATIENCE)
        assert embedded.stop()
        worker.broker.close(queue)
        assert done == [value]
        gc.collect()
        counts.append((process.num_fds(), threading.active_count()))
    # There may be fewer: what an earlier test had left may go meanwhile.
    assert all(last <= early for last, early in zip(counts[-1], counts[1], strict=True)), counts


def _kill_thread(name: str) -> None:
    thread = next(t for t in threading.enumerate() if t.name == name)
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(SystemError)
    )


def test_a_dead_worker_thread_is_started_again_and_that_is_said(
    queue: Path, expect_log_errors: object
) -> None:
    states = States()
    app, done, event = _app(queue)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=states.add)
    embedded.start(app)
    _kill_thread("nagatha-worker")
    worker.broker.wake(queue)
    state = states.wait(lambda s: s.restarts == 1)
    assert state.worker == "ok"
    app.send_task("note", (2,))
    assert event.wait(PATIENCE)
    assert embedded.stop()
    assert done == [2]


def test_a_broker_that_does_not_answer_is_an_error_and_nothing_stays(
    expect_log_errors: object,
) -> None:
    app = Celery("test", broker="redis://127.0.0.1:1/0", set_as_current=False, fixups=[])
    app.conf.update(broker_connection_retry_on_startup=False, worker_hijack_root_logger=False)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=lambda state: None)
    with pytest.raises(Unavailable):
        embedded.start(app, timeout=5.0)
    assert embedded.state.worker == "off"
    app.close()


def test_beat_that_may_not_run_here_is_off(queue: Path) -> None:
    app, _, _ = _app(queue)
    embedded = EmbeddedWorker(
        last_runs=MemoryTimes(), changed=lambda s: None, may_beat=lambda: False
    )
    embedded.start(app)
    assert (embedded.state.worker, embedded.state.beat) == ("ok", "off")
    assert embedded.stop()


def test_beat_sends_what_is_due_and_remembers_it(queue: Path) -> None:
    app, done, event = _app(queue)
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    last = MemoryTimes(hourly=long_ago)
    app.conf.beat_schedule = {"hourly": {"task": "note", "schedule": 3600.0, "args": ("tick",)}}
    embedded = EmbeddedWorker(last_runs=last, changed=lambda state: None)
    embedded.start(app)
    assert event.wait(PATIENCE)
    assert embedded.stop()
    assert done == ["tick"]
    assert last.times["hourly"].since > long_ago


def test_an_entry_that_ran_lately_is_not_due_after_a_restart(queue: Path) -> None:
    app, _, _ = _app(queue)
    app.conf.beat_schedule = {"hourly": {"task": "note", "schedule": 3600.0, "args": ()}}
    clock = HandClock()
    last = MemoryTimes(hourly=clock.wall - timedelta(minutes=5))
    scheduler = StoredScheduler(app, last, clocks=clock.clocks, lazy=False)
    assert scheduler.due("hourly") == clock.wall + timedelta(minutes=55)
    app.close()
