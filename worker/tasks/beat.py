"""Beat inside the program: a service that can be interrupted, and times that are stored.

Owns when periodic tasks are due. What it did is stored before a message is sent, so that a
killed program runs nothing twice. It must not know what the tasks do.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler, Service

from worker.servers import ANSWER_TIMEOUT
from worker.service.schedules import Plan, Times

log = logging.getLogger(__name__)

LONGEST_SLEEP = 15.0
"""Seconds; bounds how late a change of the clock, or waking up from sleep, is noticed."""
DRIFT = 2.0
"""Seconds that the wall clock may be corrected by without anybody caring."""
LATE = 5.0
"""Seconds after which what is due counts as missed."""
AT_ONCE = 2
"""How many entries of those that were missed are queued together..."""
APART = 5.0
"""...and how many seconds pass before the next ones are."""
TRY_AGAIN = 30.0
"""Seconds before an entry that the broker did not take is tried again."""


class LastRuns(Protocol):
    """Where times and changes are kept. Called on Beat's thread."""

    def load(self, name: str) -> Times | None:
        """When the entry `name` ran; None when it was never seen."""
        ...

    def store(self, name: str, times: Times) -> None:
        """Remember that."""
        ...

    def plan(self, name: str) -> Plan:
        """What a person changed about the entry."""
        ...

    def queued(self, name: str) -> None:
        """A run of the entry was queued just now."""
        ...


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks: one that people read, and that somebody may set; one that only goes on,
    and stands still while the machine sleeps."""

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    steady: Callable[[], float] = time.monotonic


class ClockWatch:
    """Notices when the wall clock did not go the way that time itself went."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._wall, self._steady = clocks.wall(), clocks.steady()

    def gained(self) -> timedelta:
        """What the wall clock gained on time since the last look: more than zero after a sleep
        or when it was set forward, less when it was set back; zero for a mere drift."""
        wall, steady = self._clocks.wall(), self._clocks.steady()
        gained = (wall - self._wall) - timedelta(seconds=steady - self._steady)
        self._wall, self._steady = wall, steady
        return gained if abs(gained.total_seconds()) > DRIFT else timedelta(0)


class StoredScheduler(Scheduler):  # type: ignore[misc]  # celery ships no types
    """Celery's scheduler with its times in the engine's storage, for entries with an interval.

    What was missed while the machine slept, the program was off or work was paused runs once,
    and a few entries at a time. A clock that is set back takes the last runs with it, so that
    nothing runs twice and nothing waits for a time that is far away.
    """

    def __init__(
        self,
        app: Celery,
        last_runs: LastRuns,
        *,
        clocks: Clocks | None = None,
        paused: Callable[[], bool] = lambda: False,
        **options: object,
    ) -> None:
        self._last_runs = last_runs
        self._clocks = clocks or Clocks()
        self._watch = ClockWatch(self._clocks)
        self._paused = paused
        self._times: dict[str, Times] = {}
        self._plans: dict[str, Plan] = {}
        self._not_before: dict[str, float] = {}
        """Entries that the broker did not take, and when to try again."""
        self._caught_up: list[float] = []
        """When something missed was queued."""
        super().__init__(app, **options)

    def setup_schedule(self) -> None:
        """Take the app's entries, each with its times and what a person changed about it."""
        # Celery's own entries are not wanted: our maintenance removes old results.
        wanted = dict(self.app.conf.beat_schedule)
        for name in [name for name in self.data if name not in wanted]:
            del self.data[name]
            self._times.pop(name, None)
        self.update_from_dict(wanted)
        self._plans = {name: self._last_runs.plan(name) for name in wanted}
        now = self._clocks.wall()
        for name in wanted:
            if name not in self._times:
                self._times[name] = self._first_times(name, now)

    def _first_times(self, name: str, now: datetime) -> Times:
        times = self._last_runs.load(name)
        if times is None:
            # The time runs from now on, also over restarts: who uses the program for less
            # than an hour at a time would otherwise never see anything hourly.
            times = Times(since=now)
        elif times.since > now:
            # A clock that was wrong must not put it off until that time comes, at any start.
            times = Times(now, times.ran, times.count)
        else:
            return times
        self._last_runs.store(name, times)
        return times

    def due(self, name: str) -> datetime | None:
        """When an entry is due next; None while it is paused."""
        plan = self._plans.get(name, Plan())
        if plan.paused:
            return None
        entry: ScheduleEntry = self.data[name]
        interval = entry.schedule.seconds if plan.interval is None else plan.interval
        return self._times[name].since + timedelta(seconds=interval)

    def tick(self, *args: object, **kwargs: object) -> float:
        """Queue what is due; returns after how many seconds to look again, at the latest."""
        gained = self._watch.gained()
        if gained:
            log.info("the clock went by %+.0f s: a sleep, or it was set", gained.total_seconds())
        if gained < timedelta(0):
            self._set_back(gained)
        if self._paused():
            return LONGEST_SLEEP
        now, steady = self._clocks.wall(), self._clocks.steady()
        wait = LONGEST_SLEEP
        dues = sorted((due, name) for name in self.data if (due := self.due(name)) is not None)
        for due, name in dues:
            away = (due - now).total_seconds()
            if away <= 0:
                away = max(
                    self._not_before.get(name, steady) - steady,
                    self._room_for_missed(steady) if away < -LATE else 0.0,
                )
            if away > 0:
                wait = min(wait, away)
                continue
            if (now - due).total_seconds() > LATE:
                self._caught_up.append(steady)
            self.apply_entry(self.data[name])
            following = self.due(name)
            if following is not None:
                wait = min(wait, max(0.0, (following - now).total_seconds()))
        return wait

    def _set_back(self, gained: timedelta) -> None:
        for name, times in self._times.items():
            ran = times.ran
            if ran is not None and ran > self._clocks.wall():
                ran = self._clocks.wall()
            self._times[name] = Times(times.since + gained, ran, times.count)
            self._last_runs.store(name, self._times[name])

    def _room_for_missed(self, steady: float) -> float:
        """Seconds until one more of what was missed may be queued."""
        self._caught_up = [at for at in self._caught_up if 0 <= steady - at < APART]
        if len(self._caught_up) < AT_ONCE:
            return 0.0
        return self._caught_up[-AT_ONCE] + APART - steady

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:
        """Send an entry's message, after having stored that it ran."""
        name, now = entry.name, self._clocks.wall()
        before = self._times[name]
        self._remember(name, Times(now, now, before.count + 1))
        options = dict(entry.options)
        try:
            self.app.send_task(
                entry.task,
                entry.args,
                entry.kwargs,
                # The same when it is tried again: a message that was taken after all is no
                # second run then.
                task_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {before}").hex,
                retry=False,
                confirm_timeout=ANSWER_TIMEOUT,
                **options,
            )
        except Exception as error:  # each transport has exceptions of its own
            log.warning("%s could not be queued, and will be again: %s", name, error)
            self._remember(name, before)
            self._not_before[name] = self._clocks.steady() + TRY_AGAIN
        else:
            self._not_before.pop(name, None)
            self._last_runs.queued(name)

    def _remember(self, name: str, times: Times) -> None:
        # The storage first: a disk that is full must not let it run at each tick.
        self._last_runs.store(name, times)
        self._times[name] = times


class InterruptibleService(Service):  # type: ignore[misc]
    """Celery's Beat service, which otherwise sleeps through `stop()`."""

    def __init__(
        self,
        app: Celery,
        last_runs: LastRuns,
        *,
        clocks: Clocks | None = None,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(app, max_interval=LONGEST_SLEEP, remote_control=False)
        self._stored = StoredScheduler(
            app, last_runs, clocks=clocks, paused=paused, max_interval=LONGEST_SLEEP, lazy=True
        )
        self._woken = threading.Event()
        self._changed = True

    def get_scheduler(self, lazy: bool = False, extension_namespace: str = "") -> Scheduler:
        """The one scheduler with stored times."""
        return self._stored

    def start(self, embedded_process: bool = False) -> None:
        """Tick until `stop`; raises what the storage raises."""
        try:
            while not self._is_shutdown.is_set():
                if self._changed:
                    self._changed = False
                    self._stored.setup_schedule()
                interval = self._stored.tick()
                if interval > 0.0:
                    self._woken.wait(interval)
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
        """Take the app's schedule and what was changed anew, on Beat's own thread."""
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
