"""What `celery -A worker` finds: an app for the data folder of whoever runs it.

Owns the engine of a worker that was started with Celery's own command. `inspect`, `status`,
`call` and the like make none: they only need the addresses. Nothing is read or made before
`app` is asked for. The program and `nagatha worker` do without this file.
"""

import asyncio
import atexit
import functools
import logging
import os
from collections.abc import Callable
from pathlib import Path

from celery import signals

from worker.background import CeleryBackground
from worker.celery_app import addresses, configure
from worker.config import load
from worker.consumer import PAUSE
from worker.contract.errors import NagathaError
from worker.embedded import broker_errors
from worker.engine import Engine
from worker.logging import LogSystem, Redactor
from worker.paths import Paths
from worker.runtime import Runtime
from worker.servers import short
from worker.tasks.base import NagathaCelery
from worker.tasks.register import refresh_tasks, register_own_tasks

log = logging.getLogger(__name__)

CHILD_START = 60.0
"""Seconds that a process of the pool has for its engine to start."""


def __getattr__(name: str) -> NagathaCelery:
    """`app`, made when it is first asked for: importing this reads no file."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _hosted().app


@functools.cache
def _hosted() -> "HostedEngine":
    """The app of this process and what starts its engine.

    Raises InvalidInput for settings of the environment that are wrong.
    """
    paths = Paths.find()
    broker, backend = addresses(load(paths).settings, paths.queue)
    app = HostedCelery("nagatha", broker=broker, backend=backend, set_as_current=False, fixups=[])
    configure(app, broker)
    app.conf.update(
        # What is in a message that nobody understands stays out of the log.
        worker_consumer="worker.consumer:HostedConsumer",
        worker_proc_alive_timeout=CHILD_START,
    )
    register_own_tasks(app)
    hosted = HostedEngine(app, paths)
    hosted.connect()
    return hosted


class HostedCelery(NagathaCelery):
    """The app, as it comes to a process of the pool that was started anew and not forked."""

    begins_paused = False
    """Whether background work was paused when the worker was started."""

    def __reduce__(self) -> tuple[object, ...]:
        return _app_of_a_new_process, ()


def _app_of_a_new_process() -> NagathaCelery:
    hosted = _hosted()
    hosted.begin()
    return hosted.app


class HostedBackground(CeleryBackground):
    """The background of an engine beside a worker that is Celery's, and may be in another
    process: that one is told of pauses through remote control."""

    def __init__(self, engine: Engine, queue_file: Path, tell: Callable[[bool], None]) -> None:
        super().__init__(engine, queue_file, work=False)
        self._tell = tell

    async def pause(self, paused: bool) -> None:
        """See `Background.pause`."""
        await super().pause(paused)
        await asyncio.to_thread(self._tell, paused)

    def watch(self) -> None:
        """See `Background.watch`. What the worker was told may have been lost."""
        super().watch()
        asyncio.get_running_loop().run_in_executor(None, self._tell, self._paused)


class HostedEngine:
    """The engine beside a worker that Celery's command runs; with processes, one in each.

    An engine has threads and files that do not survive a fork. So the worker's own, which finds
    out what tasks the modules have, ends before a process is made, and each process starts one.
    """

    def __init__(self, app: HostedCelery, paths: Paths) -> None:
        self.app = app
        self._paths = paths
        self._redactor = Redactor()
        self._logs: LogSystem | None = None
        self._runtime: Runtime | None = None
        self._plugged = False
        self._forking = False
        self._pid = 0
        self._worker = ""
        """The worker's name; "" in a process of the pool that was started anew."""

    def connect(self) -> None:
        """Follow Celery's signals from now on; for the life of the process, as the app."""
        # Celery keeps weak references to what it calls, unless it is told otherwise.
        signals.celeryd_init.connect(self._worker_begins, weak=False)
        signals.setup_logging.connect(self._logging_is_ours, weak=False)
        signals.worker_before_create_process.connect(self._before_fork, weak=False)
        signals.worker_process_init.connect(self._process_begins, weak=False)
        signals.worker_ready.connect(self._worker_is_ready, weak=False)
        signals.worker_process_shutdown.connect(self._ends, weak=False)
        signals.worker_shutdown.connect(self._ends, weak=False)

    def begin(self) -> None:
        """Start the engine of this process, and register the tasks of its modules.

        Raises SystemExit, with the reason, where the data cannot be used.
        """
        self._start()
        refresh_tasks(self.app)

    def _worker_begins(self, sender: object = "", **_: object) -> None:
        self._worker = str(sender or "")
        self.begin()
        self.app.begins_paused = self.app.engine.tending.paused
        self.app.set_default()  # or threads of the pool lose their results
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_parent=self._after_fork)

    def _logging_is_ours(self, **_: object) -> None:
        """That somebody listens keeps Celery from setting up logging of its own."""

    def _before_fork(self, **_: object) -> None:
        self._end()
        self._forking = True

    def _after_fork(self) -> None:
        if self._forking:  # the worker itself goes on to log
            self._forking = False
            self._start_logs()

    def _process_begins(self, **_: object) -> None:
        if self._pid != os.getpid():
            self._start()
        self._plug()

    def _worker_is_ready(self, **_: object) -> None:
        if self._runtime is not None:  # the tasks run in this process
            self._plug()

    def _ends(self, **_: object) -> None:
        self._end()

    # the engine ----------------------------------------------------------------------------

    def _start(self) -> None:
        self._pid = os.getpid()
        self._plugged = False
        self._forking = False
        logs = self._start_logs()
        self._runtime = Runtime()
        self._runtime.start()
        engine = Engine(self._paths, self._runtime, "worker", redactor=self._redactor, logs=logs)
        try:
            self._runtime.run(engine.start())
        except NagathaError as error:
            self._stop_parts()
            # Celery would log any other exception of a signal's receiver, and go on without.
            raise SystemExit(f"{error.problem.title}: {error}") from error
        self.app.engine = engine
        self._runtime.run(engine.modules_ready())
        atexit.register(self._end)

    def _start_logs(self) -> LogSystem:
        self._logs = LogSystem(self._paths.logs, self._redactor, console=True)
        self._logs.start()
        return self._logs

    def _plug(self) -> None:
        """Let the engine queue work itself, and take care of what a killed process left."""
        if self._plugged or self._runtime is None:
            return
        self._plugged = True
        engine = self.app.engine
        background = HostedBackground(engine, self._paths.queue, self._tell_worker)
        self._runtime.run(engine.plug(background))

    def _tell_worker(self, paused: bool) -> None:
        try:
            self.app.control.broadcast(
                PAUSE,
                arguments={"paused": paused},
                destination=[self._worker] if self._worker else None,
            )
        except broker_errors(self.app) as error:  # it is told again each minute
            log.warning("the worker cannot be told of a pause: %s", short(error))

    def _end(self) -> None:
        if self._pid != os.getpid():
            return  # all of it is the parent's
        atexit.unregister(self._end)
        if self._runtime is not None:
            self._runtime.run(self.app.engine.aclose())
        self._stop_parts()

    def _stop_parts(self) -> None:
        runtime, self._runtime = self._runtime, None
        logs, self._logs = self._logs, None
        if runtime is not None:
            runtime.stop()
        if logs is not None:
            logs.stop()
