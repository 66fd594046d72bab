"""What is queued again and again: which entries there are, when they ran, what a person changed.

Owns the entries, their times and changes in the storage, and the use cases about them. When
one is due is Beat's to find out. It must not know Celery.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.contract.errors import InvalidInput, NotFound
from worker.contract.events import ScheduleChanged
from worker.contract.jobs import (
    PRIORITY_DEFAULT,
    PRIORITY_MAINTENANCE,
    PRIORITY_PERSON,
    PRIORITY_REMINDER,
    Schedule,
)
from worker.contract.types import Run, RunKind
from worker.module_host.host import ModuleHost
from worker.service.dispatch import Background
from worker.service.scope import Scope, new_id
from worker.storage.base import Storage

OF_ENGINE: Final = "engine"
"""Who owns the times and changes: they are the engine's, whoever asks."""
MODULE_PREFIX: Final = "module:"
"""Begins the names of modules' entries."""
SHORTEST: Final = 10.0
LONGEST: Final = 365 * 24 * 3600.0
"""Seconds that a person may choose between two runs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A task that is queued every `interval` seconds."""

    name: str
    task: str
    title: str
    interval: float
    priority: int = PRIORITY_DEFAULT
    kind: RunKind = "task"


ENGINE_ENTRIES: Final = (
    Entry(
        "maintenance",
        "cleanup_memory_and_maintenance",
        "Tidy up and make the daily copy",
        3600.0,
        PRIORITY_MAINTENANCE,
        "maintenance",
    ),
    Entry(
        "usage",
        "track_usage_metrics",
        "Add up what models used and cost",
        900.0,
        PRIORITY_MAINTENANCE,
        "maintenance",
    ),
    Entry(
        "scheduled",
        "process_scheduled_tasks",
        "Begin what is due",
        60.0,
        PRIORITY_REMINDER,
        "maintenance",
    ),
)


def entries_of(host: ModuleHost) -> tuple[Entry, ...]:
    """The engine's entries, then those of the modules that are on."""
    return (
        *ENGINE_ENTRIES,
        *(
            Entry(
                MODULE_PREFIX + spec.name,
                spec.name,
                spec.info.description.strip().partition("\n")[0] or spec.name,
                spec.info.schedule,
            )
            for spec in host.tasks()
            if spec.info.schedule is not None
        ),
    )


@dataclass(frozen=True, slots=True)
class Times:
    """When an entry ran."""

    since: datetime
    """From when on its interval counts: its last run, or when it was first seen."""
    ran: datetime | None = None
    """When its last run was queued."""
    count: int = 0
    """How many runs it queued."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person changed about an entry."""

    interval: float | None = None
    """Seconds; None for the default."""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Timetable:
    """The times and changes of the entries, and whether all of it is paused, in the storage."""

    storage: Storage

    async def times(self, name: str) -> Times | None:
        """When the entry ran; None when it was never seen."""
        stored = await self.storage.get_value(OF_ENGINE, f"beat:{name}")
        if not stored:
            return None
        if not stored.startswith("{"):  # as it was kept before
            at = datetime.fromisoformat(stored)
            return Times(at, at)
        values = json.loads(stored)
        ran = values["ran"]
        return Times(
            datetime.fromisoformat(values["since"]),
            None if ran is None else datetime.fromisoformat(ran),
            values["count"],
        )

    async def set_times(self, name: str, times: Times) -> None:
        """Remember when the entry ran."""
        ran = None if times.ran is None else times.ran.isoformat()
        values = {"since": times.since.isoformat(), "ran": ran, "count": times.count}
        await self.storage.set_value(OF_ENGINE, f"beat:{name}", json.dumps(values))

    async def plan(self, name: str) -> Plan:
        """What was changed about the entry."""
        interval = await self.storage.get_value(OF_ENGINE, f"schedule:{name}:interval")
        paused = await self.storage.get_value(OF_ENGINE, f"schedule:{name}:paused")
        return Plan(float(interval) if interval else None, paused is not None)

    # Each change has a value of its own: two at once, by whatever process, undo nothing.

    async def set_interval(self, name: str, seconds: float | None) -> None:
        """Remember the entry's interval; None for the default."""
        stored = None if seconds is None else repr(float(seconds))
        await self.storage.set_value(OF_ENGINE, f"schedule:{name}:interval", stored)

    async def set_entry_paused(self, name: str, paused: bool) -> None:
        """Remember whether the entry is paused."""
        stored = "yes" if paused else None
        await self.storage.set_value(OF_ENGINE, f"schedule:{name}:paused", stored)

    # Beat keeps the times of its own: what a person has run in between moves none of them.

    async def ran_now(self, name: str) -> datetime | None:
        """When a person had the entry run last, whatever its time was."""
        stored = await self.storage.get_value(OF_ENGINE, f"schedule:{name}:now")
        return None if stored is None else datetime.fromisoformat(stored)

    async def set_ran_now(self, name: str, at: datetime) -> None:
        """Remember it."""
        await self.storage.set_value(OF_ENGINE, f"schedule:{name}:now", at.isoformat())

    async def paused(self) -> bool:
        """Whether a person has paused all background work."""
        return await self.storage.get_value(OF_ENGINE, "paused") is not None

    async def set_paused(self, paused: bool) -> None:
        """Remember it."""
        await self.storage.set_value(OF_ENGINE, "paused", "yes" if paused else None)


@dataclass(frozen=True, slots=True)
class Schedules:
    """The part of `JobService` about schedules, for one owner."""

    scope: Scope
    host: ModuleHost
    timetable: Timetable
    background: Callable[[], Background]
    running: Callable[[], bool]
    """Whether anybody runs Beat, and work is not paused."""
    engines: str
    """The owner whose events the engines of all processes listen to."""

    async def schedules(self) -> tuple[Schedule, ...]:
        """See `JobService.schedules`."""
        return tuple([await self._look(entry) for entry in entries_of(self.host)])

    def new_run(self, name: str) -> Run:
        """A run of an entry's task that a person asks for; not stored yet. Raises NotFound."""
        entry = self._entry(name)
        return Run(
            id=new_id(),
            kind=entry.kind,
            name=entry.task,
            state="PENDING",
            source="schedule",
            queued=self.scope.now(),
            arguments={},
            schedule=name,
            # A person asked for it, and waits.
            priority=PRIORITY_PERSON,
        )

    async def pause_schedule(self, name: str, paused: bool) -> Schedule:
        """See `JobService.pause_schedule`."""
        self._entry(name)
        await self.timetable.set_entry_paused(name, paused)
        return await self._changed(name)

    async def set_interval(self, name: str, seconds: float | None) -> Schedule:
        """See `JobService.set_interval`."""
        self._entry(name)
        why = "" if seconds is None else _no_interval(seconds)
        if why:
            raise InvalidInput("This is no interval", why, "Choose between 10 seconds and a year.")
        await self.timetable.set_interval(name, seconds)
        return await self._changed(name)

    async def ran_now(self, name: str, at: datetime) -> None:
        """Remember that a person had an entry run, and tell it. It is due when it was."""
        await self.timetable.set_ran_now(name, at)
        await self.tell(name)

    async def tell(self, name: str) -> Schedule:
        """Publish how an entry is now, to its owner and to the engines of all processes."""
        schedule = await self._look(self._entry(name))
        await self.scope.tell(ScheduleChanged(schedule=schedule))
        if self.scope.owner != self.engines:
            await self.scope.bus.publish(self.engines, ScheduleChanged(schedule=schedule))
        return schedule

    async def tell_all(self) -> None:
        """`tell` for each entry."""
        for entry in entries_of(self.host):
            await self.tell(entry.name)

    async def _changed(self, name: str) -> Schedule:
        await self.background().reschedule()
        return await self.tell(name)

    def _entry(self, name: str) -> Entry:
        for entry in entries_of(self.host):
            if entry.name == name:
                return entry
        raise NotFound(f"There is no schedule “{name}”", "", "See the list of schedules.")

    async def _look(self, entry: Entry) -> Schedule:
        times = await self.timetable.times(entry.name)
        plan = await self.timetable.plan(entry.name)
        ran = (None if times is None else times.ran, await self.timetable.ran_now(entry.name))
        interval = entry.interval if plan.interval is None else plan.interval
        following = None
        if times is not None and not plan.paused and self.running():
            following = max(times.since + timedelta(seconds=interval), self.scope.now())
        return Schedule(
            name=entry.name,
            task=entry.task,
            title=entry.title,
            interval=interval,
            default_interval=entry.interval,
            paused=plan.paused,
            last=max((at for at in ran if at is not None), default=None),
            next=following,
            last_run=await self.scope.storage.last_run_of(self.scope.owner, entry.name),
        )


def _no_interval(seconds: float) -> str:
    """Why a person may not choose so many seconds; "" where they may."""
    if math.isnan(seconds):
        return "It is not a number."
    if seconds < SHORTEST:
        return "Twice within 10 seconds would be too often."
    return "More than a year is too long." if seconds > LONGEST else ""
