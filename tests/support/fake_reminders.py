"""Reminders for tests of windows, in memory: each verb of the service on dictionaries.

Owns no clock of its own: a reminder becomes due when a test says so (`fire`). Belongs to the loop
that its client is used on, but may be filled from the test's thread before that looks.
"""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from worker.contract.errors import Conflict, InvalidInput, NotFound
from worker.contract.events import FiringChanged, QuietChanged, ReminderChanged
from worker.contract.reminders import (
    OPEN_STATES,
    Firing,
    FiringState,
    MissedPolicy,
    Quiet,
    Reminder,
    ReminderCounts,
    ReminderView,
    Understood,
)
from worker.contract.types import Source

if TYPE_CHECKING:
    from tests.support.fake_client import FakeClient

_AT = re.compile(r"^(?P<text>.+?)(?P<every> every day)? at (?P<hour>\d+)(:(?P<minute>\d\d))?$")


class FakeReminders:
    """`ReminderService` in dictionaries."""

    def __init__(self, client: "FakeClient") -> None:
        self._client = client
        self.zone = "UTC"
        """The machine's."""
        self.all: dict[str, Reminder] = {}
        self.firings: dict[str, Firing] = {}
        self._before: dict[str, FiringState] = {}
        """What firings were before their answer, as far as it can be told afterwards."""
        self.meanings: dict[str, Understood] = {}
        """Lines with a meaning of their own; others are understood where they end in "at 9:30"."""
        self.gates: dict[str, asyncio.Event] = {}
        """Lines whose meaning is told only when a test lets it go."""
        self.kept_back = Quiet(None)
        self.imported: list[bytes] = []
        self.export = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"

    # -- for tests -----------------------------------------------------------------------------

    def put(self, text: str, due: datetime | None, **more: object) -> Reminder:
        """A reminder; what is not said is usual."""
        now = datetime.now(UTC)
        zone = str(more.pop("zone", self.zone))
        values: dict[str, object] = {"created": now, "updated": now, **more}
        if due is not None:
            start = due.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            values.setdefault("start", start.isoformat(timespec="seconds"))
        values.setdefault("start", "2026-01-01T09:00:00")
        name = str(values.pop("id", "")) or self._client.name("reminder")
        made = Reminder(id=name, text=text, zone=zone, due=due, **values)  # type: ignore[arg-type]
        self.all[name] = made
        return made

    def add_firing(
        self, reminder: str, due: datetime, state: FiringState = "missed", **more: object
    ) -> Firing:
        """A time of a reminder that came; it recurs or has no other."""
        one = self.all[reminder]
        name = self._client.name("firing")
        made = Firing(name, reminder, one.text, due, state, due, **more)  # type: ignore[arg-type]
        self.firings[name] = made
        self.all[reminder] = replace(one, firing=made, due=one.due if one.rrule else None)
        return made

    async def fire(self, reminder: str, state: FiringState = "due") -> Firing:
        """It is time, and everybody hears of it."""
        one = self.all[reminder]
        assert one.due is not None
        following = one.due + timedelta(days=1) if one.rrule else None
        made = self.add_firing(reminder, one.due, state)
        made = self.firings[made.id] = replace(made, fired=datetime.now(UTC))
        self.all[reminder] = replace(self.all[reminder], due=following)
        self._client.emit(FiringChanged(made))
        return made

    async def release(self, firing: str) -> None:
        """It is held back no longer, and everybody hears of it."""
        self.firings[firing] = replace(self.firings[firing], state="due")
        self._client.emit(FiringChanged(self.firings[firing]))

    async def tell(self, reminder: Reminder) -> None:
        """It is like this now, and everybody hears of it."""
        self._tell(reminder)

    def _tell(self, reminder: Reminder) -> Reminder:
        self.all[reminder.id] = reminder
        self._client.emit(ReminderChanged(reminder))
        return reminder

    def _one(self, reminder: str) -> Reminder:
        if reminder not in self.all:
            raise NotFound("There is no such reminder")
        return self.all[reminder]

    def _answer(self, reminder: str, state: FiringState, only: str = "") -> None:
        for name, firing in list(self.firings.items()):
            mine = firing.reminder == reminder and firing.state in OPEN_STATES
            if mine and only in ("", name):
                self._before[name] = "due" if firing.state == "held" else firing.state
                self.firings[name] = replace(firing, state=state, answered=datetime.now(UTC))
                self._client.emit(FiringChanged(self.firings[name]))

    def _open(self) -> list[Firing]:
        found = [
            firing
            for firing in self.firings.values()
            if firing.state in OPEN_STATES and self.all[firing.reminder].deleted is None
        ]
        return sorted(found, key=lambda firing: firing.due)

    # -- the Protocol --------------------------------------------------------------------------

    async def understand(
        self, text: str, zone: str = "", now: datetime | None = None
    ) -> Understood:
        self._client.called("reminders.understand")
        if text in self.gates:
            await self.gates[text].wait()
        return self._meaning(text, now)

    def _meaning(self, text: str, now: datetime | None = None) -> Understood:
        if text in self.meanings:
            return self.meanings[text]
        found = _AT.match(text)
        if found is None:
            return Understood(text, None, "", self.zone, "", "There is no time in it.")
        zone = ZoneInfo(self.zone)
        here = (now or datetime.now(UTC)).astimezone(zone)
        hour, minute = int(found["hour"]), int(found["minute"] or 0)
        due = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if due <= here:
            due += timedelta(days=1)
        start = due.replace(tzinfo=None).isoformat()
        rule = "FREQ=DAILY" if found["every"] else ""
        return Understood(found["text"], due, start, self.zone, rule, "understood")

    async def remind(
        self,
        text: str,
        zone: str = "",
        now: datetime | None = None,
        source: Source = "chat",
        chat: str | None = None,
    ) -> Reminder:
        self._client.called("reminders.remind")
        meant = self._meaning(text, now)
        if meant.due is None:
            raise InvalidInput("No time was understood", meant.understood)
        return self._tell(
            self.put(meant.text, meant.due, rrule=meant.rrule, source=source, chat=chat)
        )

    async def add(
        self,
        text: str,
        start: str,
        zone: str = "",
        rrule: str = "",
        notes: str = "",
        urgent: bool = False,
        missed: MissedPolicy = "notify",
        source: Source = "chat",
        chat: str | None = None,
    ) -> Reminder:
        due = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone or self.zone))
        return self._tell(
            self.put(
                text,
                due,
                zone=zone or self.zone,
                rrule=rrule,
                notes=notes,
                urgent=urgent,
                missed=missed,
                source=source,
                chat=chat,
            )
        )

    async def change(
        self,
        reminder: str,
        text: str | None = None,
        start: str | None = None,
        zone: str | None = None,
        rrule: str | None = None,
        notes: str | None = None,
        urgent: bool | None = None,
        missed: MissedPolicy | None = None,
    ) -> Reminder:
        self._client.called("reminders.change")
        given = {
            "text": text,
            "start": start,
            "zone": zone,
            "rrule": rrule,
            "notes": notes,
            "urgent": urgent,
            "missed": missed,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        if rrule == "FREQ=NEVER":
            raise InvalidInput("This rule makes no sense", "NEVER is no frequency.", "Mend it.")
        old = self._one(reminder)
        new = replace(old, updated=datetime.now(UTC), **changes)  # type: ignore[arg-type]
        if start is not None or zone is not None:
            there = ZoneInfo(new.zone)
            due = datetime.fromisoformat(new.start).replace(tzinfo=there).astimezone(UTC)
            new = replace(new, due=due, snoozed=False, firing=None)
            self._answer(reminder, "snoozed")  # what waits for an answer has a new time now
        elif new.urgent != old.urgent:
            for firing in [one for one in self._open() if one.reminder == reminder]:
                self.firings[firing.id] = replace(firing, urgent=new.urgent)
                self._client.emit(FiringChanged(self.firings[firing.id]))
        return self._tell(new)

    async def get(self, reminder: str) -> Reminder:
        self._client.called("reminders.get")
        return self._one(reminder)

    async def list_reminders(
        self,
        view: ReminderView = "upcoming",
        query: str = "",
        limit: int = 200,
        offset: int = 0,
    ) -> tuple[Reminder, ...]:
        self._client.called(f"reminders.list_reminders.{view}")
        held = [
            one
            for one in self.all.values()
            if one.deleted is None
            and all(
                word in f"{one.text} {one.notes}".casefold() for word in query.casefold().split()
            )
        ]
        if view == "done":
            done = [one for one in held if one.done is not None]
            done.sort(key=lambda one: one.done or one.updated, reverse=True)
            return tuple(done[offset : offset + limit])
        if view == "missed":
            missed = [one for one in held if one.firing and one.firing.state == "missed"]
            missed.sort(key=lambda one: one.firing.due if one.firing else one.updated, reverse=True)
            return tuple(missed[offset : offset + limit])
        coming = [one for one in held if one.done is None and one.due is not None]
        coming.sort(key=lambda one: one.due or one.updated)
        return tuple(coming[offset : offset + limit])

    async def open_firings(self) -> tuple[Firing, ...]:
        self._client.called("reminders.open_firings")
        return tuple(self._open())

    async def history(self, reminder: str, limit: int = 50) -> tuple[Firing, ...]:
        found = [firing for firing in self.firings.values() if firing.reminder == reminder]
        return tuple(found[::-1][:limit])

    async def counts(self) -> ReminderCounts:
        self._client.called("reminders.counts")
        now = datetime.now(UTC).astimezone(ZoneInfo(self.zone))
        today = [
            one
            for one in self.all.values()
            if one.deleted is None and one.due is not None and one.due > now
            and one.due.astimezone(now.tzinfo).date() == now.date()
        ]  # fmt: skip
        waiting = self._open()
        missed = [firing for firing in waiting if firing.state == "missed"]
        return ReminderCounts(len(today), len(waiting), len(missed))

    async def done(self, reminder: str, firing: str = "") -> Reminder:
        self._client.called("reminders.done")
        one = self._one(reminder)
        self._answer(reminder, "done", firing)
        if one.rrule:
            return self._tell(replace(one, firing=None))
        return self._tell(replace(one, firing=None, done=datetime.now(UTC), due=None))

    async def snooze(self, reminder: str, until: datetime, firing: str = "") -> Reminder:
        self._client.called("reminders.snooze")
        self._answer(reminder, "snoozed", firing)
        return self._tell(replace(self._one(reminder), firing=None, due=until, snoozed=True))

    async def skip(self, reminder: str) -> Reminder:
        self._client.called("reminders.skip")
        one = self._one(reminder)
        if not one.rrule or one.due is None:
            raise Conflict("There is nothing to skip")
        return self._tell(replace(one, due=one.due + timedelta(days=1)))

    async def undo_skip(self, reminder: str, due: datetime, snoozed: bool = False) -> Reminder:
        self._client.called("reminders.undo_skip")
        one = self._one(reminder)
        if one.due != due + timedelta(days=1):
            return one
        return self._tell(replace(one, due=due, snoozed=snoozed))

    async def reopen(self, reminder: str) -> Reminder:
        self._client.called("reminders.reopen")
        one = self._one(reminder)
        due = datetime.fromisoformat(one.start).replace(tzinfo=ZoneInfo(one.zone)).astimezone(UTC)
        return self._tell(replace(one, done=None, due=due))

    async def done_all(self, firings: tuple[str, ...]) -> int:
        self._client.called("reminders.done_all")
        found = [self.firings[name] for name in firings if self.firings[name].state in OPEN_STATES]
        for firing in found:
            await self.done(firing.reminder, firing.id)
        return len(found)

    async def undo_done(self, firings: tuple[str, ...]) -> tuple[Reminder, ...]:
        self._client.called("reminders.undo_done")
        opened: dict[str, Reminder] = {}
        for name in firings:
            firing = self.firings.get(name)
            if firing is None or self.all[firing.reminder].deleted is not None:
                continue
            if firing.state == "done":
                state = self._before[name]
                firing = replace(firing, state=state, silent=True, answered=None)
                self.firings[name] = firing
                self._client.emit(FiringChanged(firing))
                self._tell(replace(self.all[firing.reminder], done=None, firing=firing))
            if firing.state in OPEN_STATES:
                opened[firing.reminder] = self.all[firing.reminder]
        return tuple(opened.values())

    async def delete(self, reminder: str) -> Reminder:
        self._client.called("reminders.delete")
        return self._tell(replace(self._one(reminder), deleted=datetime.now(UTC)))

    async def undelete(self, reminder: str) -> Reminder:
        self._client.called("reminders.undelete")
        return self._tell(replace(self._one(reminder), deleted=None))

    async def take(self, firing: str, process: str) -> bool:
        return self.firings[firing].shown is None

    async def shown(self, firing: str) -> None:
        self.firings[firing] = replace(self.firings[firing], shown=datetime.now(UTC))

    async def quiet(self) -> Quiet:
        self._client.called("reminders.quiet")
        return self.kept_back

    async def do_not_disturb(self, until: datetime | None) -> Quiet:
        self._client.called("reminders.do_not_disturb")
        self.kept_back = Quiet(until, "asked" if until is not None else "")
        self._client.emit(QuietChanged(self.kept_back))
        return self.kept_back

    async def import_calendar(self, data: bytes) -> tuple[Reminder, ...]:
        self._client.called("reminders.import_calendar")
        if not data.startswith(b"BEGIN:VCALENDAR"):
            raise InvalidInput("This is no calendar", "It does not begin with BEGIN:VCALENDAR.")
        self.imported.append(data)
        due = datetime.now(UTC) + timedelta(days=40)
        return (self._tell(self.put("From the calendar", due)),)

    async def export_calendar(self) -> bytes:
        self._client.called("reminders.export_calendar")
        return self.export
