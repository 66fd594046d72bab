"""Beat inside the program: a service that can be interrupted, and times that are stored.

Owns when periodic tasks are due. The last run of each entry is stored before its message is
sent, so that a killed program runs nothing twice. It must not know what the tasks do.
"""

import logging
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
        self.install_default_entries(self.app.conf.beat_schedule)
        self.update_from_dict(self.app.conf.beat_schedule)
        # Our own maintenance removes old results.
        self.data.pop("celery.backend_cleanup", None)
        for name, entry in self.data.items():
            last = self._last_runs.load(name)
            if last is not None:
                entry.last_run_at = last

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        """Send an entry's message, after having stored that it ran."""
        self._last_runs.store(entry.name, datetime.now(UTC))
        super().apply_entry(entry, producer=producer)


class InterruptibleService(Service):  # type: ignore[misc]
    """Celery's Beat service, which otherwise sleeps through `stop()`."""

    def __init__(self, app: Celery, last_runs: LastRuns) -> None:
        super().__init__(app, max_interval=LONGEST_SLEEP, remote_control=False)
        self._stored = StoredScheduler(app, last_runs, max_interval=LONGEST_SLEEP, lazy=False)

    def get_scheduler(self, lazy: bool = False, extension_namespace: str = "") -> Scheduler:
        """The one scheduler with stored times."""
        return self._stored

    def start(self, embedded_process: bool = False) -> None:
        """Tick until `stop`; raises what the scheduler raises."""
        try:
            while not self._is_shutdown.is_set():
                interval = self.scheduler.tick()
                if interval and interval > 0.0:
                    self._is_shutdown.wait(min(interval, LONGEST_SLEEP))
        finally:
            self._is_stopped.set()


def run_beat(service: InterruptibleService, failed: Callable[[BaseException], None]) -> None:
    """The body of Beat's thread: run `service`, and tell `failed` when it breaks."""
    service.app.set_current()
    try:
        service.start()
    except Exception as error:  # whatever breaks Beat is reported, and it is started again
        log.exception("Beat stopped")
        failed(error)
