"""What `celery -A worker` finds: an app for the data folder of whoever runs it.

Owns the engine of a worker that was started with Celery's own command. `inspect`, `status`,
`call` and the like make none: they only need the addresses. Nothing is read or made before
`app` is asked for. The program and `nagatha worker` do without this file.
"""

import atexit
import functools
import os

from celery import signals

from worker.background import CeleryBackground
from worker.celery_app import addresses, configure
from worker.config import load
from worker.contract.errors import NagathaError
from worker.engine import Engine
from worker.logging import LogSystem, Redactor
from worker.paths import Paths
from worker.runtime import Runtime
from worker.tasks.base import NagathaCelery
from worker.tasks.register import refresh_tasks, register_own_tasks

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
        worker_consumer="worker.consumer:DiscreetConsumer",
        worker_proc_alive_timeout=CHILD_START,
    )
    register_own_tasks(app)
    hosted = HostedEngine(app, paths)
    hosted.connect()
    return hosted


class HostedCelery(NagathaCelery):
    """The app, as it comes to a process of the pool that was started anew and not forked."""

    def __reduce__(self) -> tuple[object, ...]:
        return _app_of_a_new_process, ()


def _app_of_a_new_process() -> NagathaCelery:
    hosted = _hosted()
    hosted.begin()
    return hosted.app


class HostedEngine:
    """The engine beside a worker that Celery's command runs; with processes, one in each.

    An engine has threads and files that do not survive a fork. So the worker's own, which finds
    out what tasks the modules have, ends before a process is made, and each process starts one.
    """

    def __init__(self, app: NagathaCelery, paths: Paths) -> None:
        self.app = app
        self._paths = paths
        self._redactor = Redactor()
        self._logs: LogSystem | None = None
        self._runtime: Runtime | None = None
        self._plugged = False
        self._forking = False
        self._pid = 0

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

    def _worker_begins(self, **_: object) -> None:
        self.begin()
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
        background = CeleryBackground(engine, self._paths.queue, work=False)
        self._runtime.run(engine.plug(background))

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
