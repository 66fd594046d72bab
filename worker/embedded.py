"""The Celery worker and Beat inside this process: start, stop, restart, watch.

Owns their threads and the supervisor that starts a dead one again. It must not know what the
tasks do, nor whose program this is.
"""

# kombu is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import celery._state
from celery import Celery
from celery.worker import WorkController
from celery.worker import state as worker_state
from kombu import pools
from kombu.asynchronous import set_event_loop

import worker.broker
from worker import servers
from worker.consumer import EmbeddedConsumer, Started
from worker.contract.errors import Unavailable
from worker.contract.system import Health
from worker.tasks.beat import Clocks, InterruptibleService, LastRuns, run_beat

log = logging.getLogger(__name__)

FIRST_RESTART_DELAY = 0.1
"""Seconds before a dead worker is started again; doubled up to the longest."""
LONGEST_RESTART_DELAY = 60.0
HEED = 2.0
"""Seconds that a consumer is given to heed a pause; without a broker it cannot."""
Lost: TypeAlias = Callable[[Exception], object]
"""Is told why the connection to the broker was lost."""
READY_WITHIN = 30.0
"""Seconds that a worker is waited for until it takes messages."""
STEADY_AFTER = 60.0
"""Seconds of work after which the next restart is a first one again."""


class _Patience:
    """How long to wait before something dead is started again: longer each time."""

    def __init__(self) -> None:
        self._delay = FIRST_RESTART_DELAY
        self._last = time.monotonic()

    def next(self) -> float:
        """Seconds."""
        now = time.monotonic()
        if now - self._last > self._delay + STEADY_AFTER:
            self._delay = FIRST_RESTART_DELAY
        self._last = now
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_RESTART_DELAY)
        return delay


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How the embedded worker and Beat are."""

    worker: Health = "off"
    beat: Health = "off"
    restarts: int = 0
    """How often a dead worker thread was started again."""
    reason: str = ""
    """Why the worker or Beat is not "ok", as far as known."""


def broker_errors(app: Celery) -> tuple[type[Exception], ...]:
    """What a broker that does not answer, or answers wrongly, raises."""
    return servers.errors_of(app.connection_for_write())


def close_app(app: Celery) -> None:
    """Let go of an app and of the connections that it sends with.

    Celery leaves those in pools of the whole process, for another app with the same address.
    """
    for group, ours in (
        (pools.producers, app.amqp._producer_pool),
        (pools.connections, app._pool),
    ):
        if ours is None:
            continue
        ours.force_close_all()
        for address in [address for address, pool in group.items() if pool is ours]:
            group.pop(address)  # which `del` would not find: it makes a key of the key
    app.close()


def _nothing() -> None:
    """What is done by a consumer that is only to look up."""


class _Controller(WorkController):  # type: ignore[misc]  # celery ships no types
    """Celery's worker, with what `EmbeddedConsumer` asks of it."""

    def __init__(self, started: Started, lost: Lost, **options: object) -> None:
        self.started = started
        self.lost = lost
        # Celery takes the process's loop where there is one: that of a worker which was left
        # because it could not end, with its broker's timers, and closed once it does.
        set_event_loop(None)
        super().__init__(**options)


class EmbeddedWorker:
    """One Celery worker (threads pool) and one Beat in threads of this process.

    Celery keeps a worker's stop flags in process-wide variables: one object a process at a
    time may be started. `changed` is called on the supervisor's thread after each change of
    state. While it is paused it takes no messages of the queues `held_back`, and Beat sends
    none. `ask_to_stop` is called again and again while it waits for running tasks to end,
    `lost` on the worker's thread when the connection to the broker was lost. `started` tells
    when a task was begun last, also by workers before this one.
    Its methods may be called from any thread but the GUI's and the runtime's: they wait.
    """

    def __init__(
        self,
        *,
        last_runs: LastRuns,
        changed: Callable[[WorkerState], None],
        may_beat: Callable[[], bool] = lambda: True,
        concurrency: int = 4,
        clocks: Clocks | None = None,
        started: Started = lambda _name: None,
        held_back: frozenset[str] = frozenset(),
        paused: bool = False,
        ask_to_stop: Callable[[], object] = lambda: None,
        lost: Lost = lambda _why: None,
    ) -> None:
        self._last_runs = last_runs
        self._clocks = clocks
        self._started = started
        self._held_back = held_back
        self._paused = paused
        self._ask_to_stop = ask_to_stop
        self._lost = lost
        self._changed = changed
        self._may_beat = may_beat
        self._concurrency = concurrency
        self._condition = threading.Condition()
        self._state = WorkerState()
        self._app: Celery | None = None
        self._controller: WorkController | None = None
        self._beat: InterruptibleService | None = None
        self._worker_thread: threading.Thread | None = None
        self._beat_thread: threading.Thread | None = None
        self._supervisor: threading.Thread | None = None
        self._ready = threading.Event()
        self._stopping = False
        self._look_for_beat = False
        self._failure: BaseException | None = None
        # Said by the threads as the last thing they do: when they wake the supervisor, they are
        # alive for a moment still.
        self._worker_ended = False
        self._beat_ended = False
        self._late = False
        """Whether the worker was started again and is not ready after a long time."""

    @property
    def state(self) -> WorkerState:
        """How it is now."""
        return self._state

    def start(self, app: Celery, timeout: float = READY_WITHIN) -> None:
        """Start for `app` and wait until the worker takes messages.

        Raises Unavailable when it is not ready within `timeout` seconds; it is stopped then.
        """
        if self._supervisor is not None:
            raise RuntimeError("the embedded worker is started already")
        self._app = app
        self._stopping = False
        self._failure = None
        # Pool threads look for the default app; without it every result is silently lost.
        app.set_default()
        self._start_worker()
        if not self._ready.wait(timeout) or self._failure is not None:
            reason = str(self._failure or f"It was not ready after {timeout:.0f} s.")
            self._stop_threads(2.0)
            self._app = None
            raise Unavailable(
                "The background worker did not start",
                reason,
                "Check the broker's address in Settings; the bundled broker needs none.",
            )
        # Said before they begin, so that nothing they say is lost.
        self._set(worker="ok", reason="")
        self._start_beat()
        self._set(beat="ok" if self._beat_thread else "off")
        self._supervisor = threading.Thread(
            target=self._supervise, name="nagatha-supervisor", daemon=True
        )
        self._supervisor.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """Stop taking messages, wait for running tasks at most `timeout` seconds.

        Returns whether everything ended; tasks that did not are given back by the broker.
        """
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.join(LONGEST_RESTART_DELAY)
        ended = self._stop_threads(timeout)
        app, self._app = self._app, None
        if app is not None and ended:
            # A worker that has not ended still needs its connections to acknowledge.
            close_app(app)
        self._set(worker="off", beat="off", reason="")
        return ended

    def refresh_tasks(self) -> None:
        """Let the running worker know tasks that were registered after its start."""
        controller = self._controller
        if controller is not None and controller.consumer is not None:
            controller.consumer.update_strategies()
            controller.consumer.reset_rate_limits()
        self.reschedule()

    def pause(self, paused: bool) -> None:
        """Take no messages of the queues that are held back, or take them again.

        Nothing is taken any more when this returns, but by a consumer that is just connecting
        again. What was taken already is begun, or given back by who runs it; see `NagathaTask`.
        """
        self._paused = paused
        followed = threading.Event()

        def follow() -> None:
            self._follow_pause()
            followed.set()

        if self._soon(follow):
            followed.wait(HEED)
        self.reschedule()

    def reschedule(self) -> None:
        """Let Beat look again at what is due, and at what was changed about it."""
        beat = self._beat
        if beat is not None:
            beat.refresh()

    def watch_beat(self) -> None:
        """Start Beat here when the process that had it is gone. Cheap; called now and then."""
        with self._condition:
            self._look_for_beat = self._beat_thread is None
            self._condition.notify_all()

    # threads -----------------------------------------------------------------------------

    def _start_worker(self) -> None:
        self._ready.clear()
        self._failure = None
        worker_state.should_stop = None
        worker_state.should_terminate = None
        self._worker_ended = self._late = False
        self._worker_thread = threading.Thread(
            target=self._run_worker, name="nagatha-worker", daemon=True
        )
        try:
            self._worker_thread.start()
        except RuntimeError as error:  # this process may have no more threads just now
            self._failure, self._worker_ended = error, True
            self._ready.set()

    def _run_worker(self) -> None:
        app = self._app
        assert app is not None
        try:
            app.set_current()
            app.amqp.queues.select(sorted(self._wanted_queues(app)))
            self._controller = _Controller(
                self._started,
                self._lost,
                app=app,
                pool_cls="threads",
                consumer_cls=EmbeddedConsumer,
                concurrency=self._concurrency,
                ready_callback=self._on_ready,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
            )
            self._controller.start()
            if not self._stopping:
                self._failure = self._failure or RuntimeError("The worker ended by itself.")
        except BaseException as error:  # a thread must not die without a word
            self._failure = error
            if not self._stopping:
                log.warning("the worker thread ended: %s", error)
        finally:
            if self._app is not app:
                close_app(app)  # nobody waited for this end
            with self._condition:
                if threading.current_thread() is self._worker_thread:
                    self._worker_ended = True
                self._ready.set()
                self._condition.notify_all()

    def _on_ready(self, consumer: EmbeddedConsumer) -> None:
        # Making the pool sets this for the whole process, and with it rpc replies vanish.
        celery._state._set_task_join_will_block(False)
        # It may have been paused while the worker started.
        consumer.consume_only(self._wanted_queues(consumer.app))
        self._ready.set()
        with self._condition:
            self._condition.notify_all()

    def _wanted_queues(self, app: Celery) -> frozenset[str]:
        names = frozenset(app.amqp.queues)
        return names - self._held_back if self._paused else names

    def _follow_pause(self) -> None:
        controller, app = self._controller, self._app
        if controller is not None and app is not None:
            controller.consumer.consume_only(self._wanted_queues(app))

    def _soon(self, do: Callable[[], None]) -> bool:
        """Have the consumer's thread do something, also out of its wait for messages; False
        when there is no consumer."""
        controller = self._controller
        consumer = None if controller is None else getattr(controller, "consumer", None)
        if consumer is not None:
            # Where there is an event loop this wakes it.
            consumer.call_soon(do)
            if consumer.hub is None:
                self._wake()
        return consumer is not None

    def _start_beat(self) -> None:
        if self._app is None or not self._may_beat():
            return
        self._beat = InterruptibleService(
            self._app, self._last_runs, clocks=self._clocks, paused=lambda: self._paused
        )
        self._beat_ended = False
        self._beat_thread = threading.Thread(
            target=self._run_beat, args=(self._beat,), name="nagatha-beat", daemon=True
        )
        try:
            self._beat_thread.start()
        except RuntimeError as error:  # as above
            self._beat_failed(error)
            self._beat_ended = True

    def _run_beat(self, service: InterruptibleService) -> None:
        try:
            run_beat(service, self._beat_failed)
        finally:
            with self._condition:
                if threading.current_thread() is self._beat_thread:
                    self._beat_ended = True
                self._condition.notify_all()

    def _beat_failed(self, error: BaseException) -> None:
        with self._condition:
            self._state = replace(self._state, reason=str(error))

    def _stop_threads(self, timeout: float) -> bool:
        beat, self._beat = self._beat, None
        if beat is not None:
            beat.stop()
        thread, self._worker_thread = self._worker_thread, None
        ended = True
        if thread is not None and thread.is_alive():
            worker_state.should_stop = 0
            deadline, patience = time.monotonic() + timeout, 0.05
            while thread.is_alive() and time.monotonic() < deadline:
                self._ask_to_stop()
                self._soon(_nothing)
                # Again, in case that it was not waiting yet.
                thread.join(min(patience, max(0.0, deadline - time.monotonic())))
                patience = min(2 * patience, 0.5)
            ended = not thread.is_alive()
        controller, self._controller = self._controller, None
        if not ended and controller is not None:
            # The next worker takes the flag back, by which this one would go on.
            controller.consumer.abandon()
        if ended:
            worker_state.should_stop = None
        beat_thread, self._beat_thread = self._beat_thread, None
        if beat_thread is not None and beat_thread.is_alive():
            beat_thread.join(timeout)
        return ended

    def _wake(self) -> None:
        """Make a consumer without an event loop, which waits for its broker, look up now."""
        app = self._app
        if app is None:
            return
        address = str(app.conf.broker_url or "")
        if servers.is_bundled(address) and worker_state.should_stop is not None:
            worker.broker.wake(worker.broker.path_from_url(address))
            return
        # A message to its own control queue ends any wait. A broker that does not answer is
        # exactly why one stops, so nothing is made of it.
        with contextlib.suppress(*broker_errors(app)), app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0)
            app.control.broadcast("ping", connection=connection)

    # watching ----------------------------------------------------------------------------

    def _supervise(self) -> None:
        for_worker, for_beat = _Patience(), _Patience()
        while True:
            with self._condition:
                self._condition.wait_for(self._something_to_do)
                if self._stopping:
                    return
            if self._worker_is_dead():
                self._set(worker="failed", reason=str(self._failure or ""))
                if not self._may_go_on(for_worker.next()):
                    return
                self._start_worker()
                with self._condition:
                    self._condition.wait_for(self._ready_or_stopping, READY_WITHIN)
                    if self._stopping:
                        return
                self._late = not self._ready.is_set()
                if self._late:
                    log.warning("the worker was started again and is not ready yet")
                    self._set(reason=f"It was not ready after {READY_WITHIN:.0f} s.")
                elif not self._worker_is_dead():
                    self._say_started_again()
            elif self._late and self._ready.is_set():
                self._late = False
                self._say_started_again()
            if self._beat_is_dead():
                self._set(beat="failed")
                if not self._may_go_on(for_beat.next()):
                    return
                self._start_beat()
                if self._beat_thread is not None:
                    self._set(beat="ok")
            elif self._look_for_beat:
                self._look_for_beat = False
                self._start_beat()
                if self._beat_thread is not None:
                    log.info("Beat runs in this process now")
                    self._set(beat="ok")

    def _say_started_again(self) -> None:
        log.warning("the worker thread was dead and has been started again")
        self._set(worker="ok", restarts=self._state.restarts + 1)

    def _may_go_on(self, delay: float) -> bool:
        """Wait `delay` seconds; False when everything is to stop."""
        with self._condition:
            return not self._condition.wait_for(lambda: self._stopping, delay)

    def _something_to_do(self) -> bool:
        return (
            self._stopping
            or self._worker_is_dead()
            or self._beat_is_dead()
            or self._look_for_beat
            or (self._late and self._ready.is_set())
        )

    def _ready_or_stopping(self) -> bool:
        return self._ready.is_set() or self._stopping

    def _worker_is_dead(self) -> bool:
        return self._worker_thread is not None and self._worker_ended

    def _beat_is_dead(self) -> bool:
        return self._beat_thread is not None and self._beat_ended

    def _set(
        self,
        *,
        worker: Health | None = None,
        beat: Health | None = None,
        reason: str | None = None,
        restarts: int | None = None,
    ) -> None:
        with self._condition:
            before = self._state
            after = self._state = WorkerState(
                worker=worker or before.worker,
                beat=beat or before.beat,
                restarts=before.restarts if restarts is None else restarts,
                reason=before.reason if reason is None else reason,
            )
        if after != before:
            self._changed(after)
