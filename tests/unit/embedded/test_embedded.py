"""The worker and Beat in this process: started, stopped, restarted when dead."""

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
from tests.support.processes import posix_only, wait_until
from worker.broker.node import Node
from worker.broker.transport import Transport
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


@posix_only
def test_a_worker_started_and_stopped_again_and_again_leaks_no_descriptor(queue: Path) -> None:
    process = psutil.Process()

    def now() -> tuple[int, int]:
        gc.collect()
        return process.num_fds(), threading.active_count()

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
        counts.append(now())
    files, threads = counts[1]
    # What an earlier test left may have gone meanwhile; what each start left would stay.
    wait_until(lambda: now()[0] <= files and now()[1] <= threads, f"as in the beginning: {counts}")


@pytest.fixture
def kill_worker(queue: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has the worker's thread die of an error as it looks for messages, once."""
    look, left = Transport._look_after, list[int]()

    def look_or_die(transport: Transport, node: Node, news: int) -> bool:
        if left:
            left.pop()
            raise SystemError("on purpose")
        return look(transport, node, news)

    def kill() -> None:
        left.append(1)
        worker.broker.wake(queue)

    monkeypatch.setattr(Transport, "_look_after", look_or_die)
    return kill


def test_a_dead_worker_thread_is_started_again_and_that_is_said(
    queue: Path, kill_worker: Callable[[], None], expect_log_errors: object
) -> None:
    states = States()
    app, done, event = _app(queue)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=states.add)
    embedded.start(app)
    kill_worker()
    state = states.wait(lambda s: s.restarts == 1)
    assert state.worker == "ok"
    app.send_task("note", (2,))
    assert event.wait(PATIENCE)
    assert embedded.stop()
    assert done == [2]


def test_a_worker_whose_thread_is_slow_to_go_is_started_again_all_the_same(
    queue: Path,
    kill_worker: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    expect_log_errors: object,
) -> None:
    """The last that it says is said by a thread that is alive."""
    states, may_go = States(), threading.Event()
    app, _, _ = _app(queue)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=states.add)
    run = embedded._run_worker

    def slow_to_go() -> None:
        run()
        may_go.wait(PATIENCE)

    monkeypatch.setattr(embedded, "_run_worker", slow_to_go)
    embedded.start(app)
    first = embedded._worker_thread
    kill_worker()
    assert states.wait(lambda s: s.restarts == 1).worker == "ok"
    assert first is not None and first.is_alive()
    may_go.set()
    first.join(PATIENCE)
    assert embedded.stop()


def test_a_worker_that_was_started_again_is_not_ok_before_it_is_ready(
    queue: Path,
    kill_worker: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    expect_log_errors: object,
) -> None:
    monkeypatch.setattr("worker.embedded.READY_WITHIN", 0.05)
    states = States()
    app, done, event = _app(queue)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=states.add)
    embedded.start(app, PATIENCE)
    begin, may_begin = embedded._run_worker, threading.Event()

    def slow() -> None:
        may_begin.wait(PATIENCE)
        begin()

    monkeypatch.setattr(embedded, "_run_worker", slow)
    kill_worker()
    states.wait(lambda s: s.worker == "failed" and "not ready" in s.reason)
    assert embedded.state.restarts == 0
    may_begin.set()
    assert states.wait(lambda s: s.restarts == 1).worker == "ok"
    app.send_task("note", (4,))
    assert event.wait(PATIENCE)
    assert embedded.stop()
    assert done == [4]


def test_a_worker_and_beat_for_which_there_is_no_thread_are_begun_when_there_is_one(
    queue: Path,
    kill_worker: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    expect_log_errors: object,
) -> None:
    states = States()
    app, done, event = _app(queue)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=states.add)
    embedded.start(app)
    start, refused = threading.Thread.start, list[str]()

    def refuse(thread: threading.Thread) -> None:
        if thread.name in ("nagatha-worker", "nagatha-beat") and thread.name not in refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    kill_worker()
    assert embedded._beat is not None
    embedded._beat.stop()  # it has ended by itself
    states.wait(lambda s: s.worker == "failed" and "new thread" in s.reason)
    states.wait(lambda s: s.restarts == 1)
    states.wait(lambda s: (s.worker, s.beat, s.restarts) == ("ok", "ok", 1))
    assert set(refused) == {"nagatha-worker", "nagatha-beat"}
    app.send_task("note", (5,))
    assert event.wait(PATIENCE)
    assert embedded.stop()
    assert done == [5]


def test_stop_does_not_wait_for_a_worker_that_is_just_started_again(
    queue: Path,
    kill_worker: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    expect_log_errors: object,
) -> None:
    monkeypatch.setattr("worker.embedded.READY_WITHIN", 3600.0)
    app, _, _ = _app(queue)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=lambda state: None)
    embedded.start(app)
    begun, may_end = threading.Event(), threading.Event()

    def never_ready() -> None:
        begun.set()
        may_end.wait(PATIENCE)

    monkeypatch.setattr(embedded, "_run_worker", never_ready)
    kill_worker()
    assert begun.wait(PATIENCE)
    supervisor, second = embedded._supervisor, embedded._worker_thread
    assert not embedded.stop(0.1)
    assert supervisor is not None and not supervisor.is_alive()
    may_end.set()
    assert second is not None
    second.join(PATIENCE)
    app.close()


def test_a_worker_beside_one_that_cannot_end_has_an_event_loop_of_its_own(
    queue: Path, tmp_path: Path
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    first, second = (
        EmbeddedWorker(last_runs=MemoryTimes(), changed=lambda state: None) for _ in range(2)
    )
    app, _, _ = _app(queue)

    def hold() -> None:
        begun.set()
        may_end.wait(PATIENCE)

    app.task(name="hold", shared=False)(hold)
    first.start(app)
    left = first._worker_thread
    assert left is not None and first._controller is not None
    loop = first._controller.hub
    app.send_task("hold")
    assert begun.wait(PATIENCE)
    assert not first.stop(0.1)
    other = tmp_path / "other.db"
    app, done, event = _app(other)
    second.start(app)
    assert second._controller is not None
    # Else it fires what the other's transport has planned, and loses its loop when that one ends.
    assert second._controller.hub is not loop
    may_end.set()
    left.join(PATIENCE)
    assert not left.is_alive()
    worker.broker.close(queue)
    app.send_task("note", (3,))
    assert event.wait(PATIENCE)
    assert second.stop()
    worker.broker.close(other)
    assert done == [3]


def test_a_broker_that_does_not_answer_is_an_error_and_nothing_stays(
    expect_log_errors: object,
) -> None:
    app = Celery("test", broker="redis://127.0.0.1:1/0", set_as_current=False, fixups=[])
    app.conf.update(broker_connection_retry_on_startup=False, worker_hijack_root_logger=False)
    embedded = EmbeddedWorker(last_runs=MemoryTimes(), changed=lambda state: None)
    with pytest.raises(Unavailable):
        embedded.start(app, timeout=PATIENCE)
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
