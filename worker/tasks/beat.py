"""Beat inside the program: a service that can be interrupted, and times that are stored.

Owns when periodic tasks are due. The last run of each entry is stored before its message is
sent, so that a killed program runs nothing twice. It must not know what the tasks do.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler, Service

log = logging.getLogger(__name__)

LONGEST_SLEEP = 300.0
"""Seconds; bounds how late a change of the clock is noticed."""


class LastRuns(Protocol):
    """Where the last runs are kept. Called on Beat's thread."""

    def load(self, name: str) -> datetime | None:
        """When the entry `name` ran last; None when it never did."""
        ...

    def store(self, name: str, at: datetime) -> None:
        """Remember that it runs now."""
        ...


class StoredScheduler(Scheduler):  # type: ignore[misc]  # celery ships no types
    """Celery's scheduler with its last-run times in the engine's storage."""

    def __init__(self, app: Celery, last_runs: LastRuns, **options: object) -> None:
        self._last_runs = last_runs
        super().__init__(app, **options)

    def setup_schedule(self) -> None:
        """Take the app's entries, each with the time of its last run."""
        # Celery's own entries are not wanted: our maintenance removes old results.
        wanted = dict(self.app.conf.beat_schedule)
        for name in [name for name in self.data if name not in wanted]:
            del self.data[name]
        new = {name for name in wanted if name not in self.data}
        self.update_from_dict(wanted)
        now = datetime.now(UTC)
        for name in new:
            last = self._last_runs.load(name)
            if last is None:
                # The time runs from now on, also over restarts: who uses the program for less
                # than an hour at a time would otherwise never see anything hourly.
                self._last_runs.store(name, now)
            # A clock that was wrong must not put it off until that time comes.
            self.data[name].last_run_at = now if last is None else min(last, now)

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        """Send an entry's message, after having stored that it ran."""
        self._last_runs.store(entry.name, datetime.now(UTC))
        super().apply_entry(entry, producer=producer)


class InterruptibleService(Service):  # type: ignore[misc]
    """Celery's Beat service, which otherwise sleeps through `stop()`."""

    def __init__(self, app: Celery, last_runs: LastRuns) -> None:
        super().__init__(app, max_interval=LONGEST_SLEEP, remote_control=False)
        self._stored = StoredScheduler(app, last_runs, max_interval=LONGEST_SLEEP, lazy=True)
        self._woken = threading.Event()
        self._changed = True

    def get_scheduler(self, lazy: bool = False, extension_namespace: str = "") -> Scheduler:
        """The one scheduler with stored times."""
        return self._stored

    def start(self, embedded_process: bool = False) -> None:
        """Tick until `stop`; raises what the scheduler and the storage raise."""
        try:
            while not self._is_shutdown.is_set():
                if self._changed:
                    self._changed = False
                    self._stored.setup_schedule()
                interval = self.scheduler.tick()
                if interval and interval > 0.0:
                    self._woken.wait(min(interval, LONGEST_SLEEP))
                    self._woken.clear()
        finally:
            self._is_stopped.set()

    def stop(self, wait: bool = False) -> None:
        """End `start`, also out of its sleep."""
        self._is_shutdown.set()
        self._woken.set()
        if wait:
            self._is_stopped.wait()

    def refresh(self) -> None:
        """Take the app's schedule anew, on Beat's own thread."""
        self._changed = True
        self._woken.set()


def run_beat(service: InterruptibleService, failed: Callable[[BaseException], None]) -> None:
    """The body of Beat's thread: run `service`, and tell `failed` when it breaks."""
    service.app.set_current()
    try:
        service.start()
    except Exception as error:  # whatever breaks Beat is reported, and it is started again
        log.exception("Beat stopped")
        failed(error)
