"""The use cases of reminders.

Owns what may be asked for, and that everybody is told of what became of it. What that is, is in
`reminder_rules`; when they are due is `reminding`'s to find out. It must not know SQL.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from worker.contract.errors import InvalidInput, NotFound, TooLarge
from worker.contract.events import DataReplaced, Event, FiringChanged, ReminderChanged
from worker.contract.reminders import (
    OPEN_STATES,
    Firing,
    MissedPolicy,
    Quiet,
    Reminder,
    ReminderCounts,
    ReminderView,
    Understood,
)
from worker.contract.types import Source
from worker.moments.recurrence import instant, next_after, occurrences
from worker.service import reminder_rules
from worker.service.reminder_rules import Rule
from worker.service.reminding import Reminding
from worker.service.scope import Scope, new_id
from worker.storage.reminders import ReminderChange, ReminderRow

log = logging.getLogger(__name__)

TEXT_LIMIT = 2000
NOTES_LIMIT = 100_000
"""Characters."""
SHORTEST = timedelta(minutes=1)
"""A rule that comes more often would do nothing else."""
MOST_TIMES = 2000
"""Times of one reminder that are counted for a day."""
MOST_TOLD = 500
"""Of more new reminders than these at once each is not told by itself."""
MOST_HISTORY = 10_000


@dataclass(frozen=True, slots=True)
class Reminders:
    """`ReminderService` for one owner."""

    scope: Scope
    reminding: Reminding
    zone: Callable[[], str]
    """The machine's; read off the loop."""
    policy: Callable[[], MissedPolicy]
    """What becomes of missed times where nobody says so."""
    living: Callable[[], frozenset[str]]
    """The processes on this data folder; read off the loop."""

    # making ------------------------------------------------------------------------------

    async def understand(
        self, text: str, zone: str = "", now: datetime | None = None
    ) -> Understood:
        """See `ReminderService.understand`."""
        from worker.moments.phrases import understand

        _check_text(text)
        where = await self._zone(zone)
        return await asyncio.to_thread(understand, text, now or self.scope.now(), where)

    async def remind(
        self,
        text: str,
        zone: str = "",
        now: datetime | None = None,
        source: Source = "chat",
        chat: str | None = None,
    ) -> Reminder:
        """See `ReminderService.remind`."""
        found = await self.understand(text, zone, now)
        if found.due is None:
            raise InvalidInput(
                "That was not understood",
                found.understood,
                "Say when, e.g. “call Anna tomorrow at 9”.",
            )
        row = await self._new(
            found.text, found.start, found.zone, found.rrule, now=now or self.scope.now()
        )
        changes = {"source": source, "chat": chat, "missed": self.policy()}
        return await self._add(row, **changes)

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
        """See `ReminderService.add`."""
        _check_notes(notes)
        row = await self._new(text, start, await self._zone(zone), rrule, now=self.scope.now())
        changes = {
            "notes": notes,
            "urgent": urgent,
            "missed": missed,
            "source": source,
            "chat": chat,
        }
        return await self._add(row, **changes)

    async def _new(
        self, text: str, start: str, zone: str, rrule: str, *, now: datetime
    ) -> ReminderRow:
        _check_text(text)
        first = await asyncio.to_thread(_first, start, zone, rrule, now)
        if first is None:
            raise _in_the_past()
        here = self.scope.now()
        wall = datetime.fromisoformat(start).isoformat()
        made = Reminder(new_id(), text.strip(), wall, zone, here, here, rrule, missed=self.policy())
        return reminder_rules.placed(ReminderRow(made, None), first, None)

    async def _add(self, row: ReminderRow, **changes: object) -> Reminder:
        reminder: Reminder = replace(row.reminder, **changes)  # type: ignore[arg-type]
        await self.scope.storage.add_reminders(self.scope.owner, (replace(row, reminder=reminder),))
        await self.scope.tell(ReminderChanged(reminder=reminder))
        self.reminding.expect(reminder.due)
        return reminder

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
        """See `ReminderService.change`."""
        if text is not None:
            _check_text(text)
            text = text.strip()
        _check_notes(notes or "")
        given = {"text": text, "notes": notes, "urgent": urgent, "missed": missed}
        fields: dict[str, object] = {k: v for k, v in given.items() if v is not None}
        if zone is not None:
            zone = await self._zone(zone)
        while True:
            row = await self._row(reminder)
            old = row.reminder
            times = (
                old.start if start is None else start,
                old.zone if zone is None else zone,
                old.rrule if rrule is None else rrule,
            )
            first = None
            if times != (old.start, old.zone, old.rrule):
                now = self.scope.now()
                first = await asyncio.to_thread(_first, *times, now)
                if first is None:
                    raise _in_the_past()
                first = await self._unused(reminder, first)
                wall = datetime.fromisoformat(times[0]).isoformat()
                fields |= {"start": wall, "zone": times[1], "rrule": times[2]}
            change = reminder_rules.changed(row, self.scope.now(), fields, first)
            if await self._saved(change):
                return await self._told(change)

    # reading -----------------------------------------------------------------------------

    async def get(self, reminder: str) -> Reminder:
        """See `ReminderService.get`."""
        return (await self.scope.storage.get_reminder(self.scope.owner, reminder)).reminder

    async def list_reminders(
        self,
        view: ReminderView = "upcoming",
        query: str = "",
        limit: int = 200,
        offset: int = 0,
    ) -> tuple[Reminder, ...]:
        """See `ReminderService.list_reminders`."""
        return await self.scope.storage.list_reminders(self.scope.owner, view, query, limit, offset)

    async def open_firings(self) -> tuple[Firing, ...]:
        """See `ReminderService.open_firings`."""
        return await self.scope.storage.open_firings(self.scope.owner)

    async def history(self, reminder: str, limit: int = 50) -> tuple[Firing, ...]:
        """See `ReminderService.history`."""
        return await self.scope.storage.firings_of(self.scope.owner, reminder, limit)

    async def counts(self) -> ReminderCounts:
        """See `ReminderService.counts`."""
        now = self.scope.now()
        zone = ZoneInfo(await asyncio.to_thread(self.zone))
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        midnight = instant(datetime.combine(tomorrow, datetime.min.time()), zone)
        found = await self.scope.storage.count_reminders(self.scope.owner, midnight)
        recurring = await asyncio.to_thread(_times_until, found.recurring, midnight)
        return ReminderCounts(found.once + recurring, found.open, found.missed)

    # answering ---------------------------------------------------------------------------

    async def done(self, reminder: str, firing: str = "") -> Reminder:
        """See `ReminderService.done`."""
        now = self.scope.now()
        return await self._apply(reminder, lambda row: reminder_rules.done(row, now, firing))

    async def snooze(self, reminder: str, until: datetime, firing: str = "") -> Reminder:
        """See `ReminderService.snooze`."""
        now = self.scope.now()
        if until.tzinfo is None or until <= now:
            raise InvalidInput(
                "This time is not to come", "A reminder is put off to a later time.", "Choose one."
            )
        until = await self._unused(reminder, until.astimezone(UTC))
        return await self._apply(
            reminder, lambda row: reminder_rules.snoozed(row, now, until, firing)
        )

    async def skip(self, reminder: str) -> Reminder:
        """See `ReminderService.skip`."""
        now = self.scope.now()
        return await self._apply(reminder, lambda row: reminder_rules.skipped(row, now))

    async def undo_skip(self, reminder: str, due: datetime, snoozed: bool = False) -> Reminder:
        """See `ReminderService.undo_skip`."""
        if due.tzinfo is None:
            raise InvalidInput("This time has no zone", "", "Give one with its offset.")
        now, at = self.scope.now(), due.astimezone(UTC)
        return await self._apply(
            reminder, lambda row: reminder_rules.unskipped(row, now, at, snoozed=snoozed)
        )

    async def reopen(self, reminder: str) -> Reminder:
        """See `ReminderService.reopen`."""
        now = self.scope.now()
        last = await self.history(reminder, 1)
        newest = last[0] if last else None
        return await self._apply(reminder, lambda row: reminder_rules.reopened(row, now, newest))

    async def done_all(self, firings: tuple[str, ...]) -> int:
        """See `ReminderService.done_all`."""
        storage, owner, now = self.scope.storage, self.scope.owner, self.scope.now()
        wanted, answered = frozenset(firings), 0
        while True:
            rows = await storage.reminders_of(owner, tuple(wanted))
            made = [reminder_rules.done_some(row, now, wanted) for row in rows]
            changes = [change for change in made if change is not None]
            if not changes:
                return answered
            saved = await storage.save_reminders(owner, changes)
            done = [change for change in changes if change.row.reminder.id in saved]
            answered += sum(len(change.firings) for change in done)
            events: list[Event] = []
            for change in done:
                events += [FiringChanged(firing=firing) for firing in change.firings]
                events.append(ReminderChanged(reminder=_after(change)))
            await self.scope.tell_all(events)

    async def undo_done(self, firings: tuple[str, ...]) -> tuple[Reminder, ...]:
        """See `ReminderService.undo_done`."""
        storage, owner, now = self.scope.storage, self.scope.owner, self.scope.now()
        wanted = tuple(dict.fromkeys(firings))
        while True:
            # In this order: who answers one of them in between changes its reminder's version.
            rows = await storage.reminders_of(owner, wanted)
            named: dict[str, list[Firing]] = {row.reminder.id: [] for row in rows}
            for firing in await storage.firings_named(owner, wanted):
                if firing.reminder in named:
                    named[firing.reminder].append(firing)
            made = [reminder_rules.undone(row, now, named[row.reminder.id]) for row in rows]
            changes = [change for change in made if change is not None]
            if not changes:
                return tuple(
                    row.reminder for row in rows if any(one.id in wanted for one in row.open)
                )
            saved = await storage.save_reminders(owner, changes)
            events: list[Event] = []
            for change in changes:
                if change.row.reminder.id in saved:
                    events += [FiringChanged(firing=firing) for firing in change.firings]
                    events.append(ReminderChanged(reminder=_after(change)))
                    self.reminding.expect(change.row.reminder.due)
            await self.scope.tell_all(events)

    async def delete(self, reminder: str) -> Reminder:
        """See `ReminderService.delete`."""
        now = self.scope.now()
        return await self._apply(
            reminder, lambda row: reminder_rules.deleted(row, now), deleted=True
        )

    async def undelete(self, reminder: str) -> Reminder:
        """See `ReminderService.undelete`."""
        return await self._apply(reminder, reminder_rules.undeleted, deleted=True)

    # notifying ---------------------------------------------------------------------------

    async def take(self, firing: str, process: str) -> bool:
        """See `ReminderService.take`."""
        storage, owner = self.scope.storage, self.scope.owner
        found = await storage.get_firing(owner, firing)
        if not found.urgent and (await self.reminding.quiet(owner)).until is not None:
            await self._apply(found.reminder, lambda row: reminder_rules.kept_back(row, firing))
            return False
        living = await asyncio.to_thread(self.living)
        # Who is elsewhere lives as long as the process that it asks.
        claim = process if process in living else self.scope.process
        return await storage.take_firing(owner, firing, claim, living)

    async def shown(self, firing: str) -> None:
        """See `ReminderService.shown`."""
        storage, owner = self.scope.storage, self.scope.owner
        if (await storage.get_firing(owner, firing)).shown is None:
            found = await storage.show_firing(owner, firing, self.scope.now())
            await self.scope.tell(FiringChanged(firing=found))

    async def quiet(self) -> Quiet:
        """See `ReminderService.quiet`."""
        return await self.reminding.quiet(self.scope.owner)

    async def do_not_disturb(self, until: datetime | None) -> Quiet:
        """See `ReminderService.do_not_disturb`."""
        if until is not None and (until.tzinfo is None or until <= self.scope.now()):
            raise InvalidInput("This time is not to come", "", "Choose a later one.")
        return await self.reminding.do_not_disturb(self.scope.owner, until)

    # files -------------------------------------------------------------------------------

    async def import_calendar(self, data: bytes) -> tuple[Reminder, ...]:
        """See `ReminderService.import_calendar`."""
        from worker.moments.ical import own_id, parse

        zone, now = await asyncio.to_thread(self.zone), self.scope.now()
        policy = self.policy()
        found = await asyncio.to_thread(parse, data, zone)
        known: frozenset[str] = frozenset()
        if any(own_id(one.uid) for one in found):
            every = await self.scope.storage.every_reminder(self.scope.owner)
            known = frozenset(one.id for one in every)

        def read() -> list[ReminderRow]:
            rows = []
            for one in found:
                if own_id(one.uid) in known:
                    continue
                made = Reminder(
                    new_id(),
                    one.text,
                    one.start,
                    one.zone,
                    now,
                    now,
                    one.rrule,
                    notes=one.notes,
                    urgent=one.urgent,
                    missed=policy,
                )
                first = None if one.done else next_after(one.start, one.zone, one.rrule, now)
                row = reminder_rules.placed(ReminderRow(made, None, uid=one.uid), first, None)
                if first is None:
                    # It is history; who brings it wants to see it, and not to be told.
                    row = replace(row, reminder=replace(row.reminder, done=now))
                rows.append(row)
            return rows

        return await self.add_all(await asyncio.to_thread(read))

    async def export_calendar(self) -> bytes:
        """See `ReminderService.export_calendar`."""
        from worker.moments.ical import render

        found = await self.scope.storage.every_reminder(self.scope.owner)
        return await asyncio.to_thread(render, found, self.scope.now())

    async def add_all(self, rows: Sequence[ReminderRow]) -> tuple[Reminder, ...]:
        """Keep many at once, but for those whose uid is known; returns those kept."""
        added = frozenset(await self.scope.storage.add_reminders(self.scope.owner, rows))
        made = tuple(row.reminder for row in rows if row.reminder.id in added)
        if len(made) > MOST_TOLD:
            await self.scope.tell(DataReplaced())
        else:
            await self.scope.tell_all([ReminderChanged(reminder=reminder) for reminder in made])
        for reminder in made:
            self.reminding.expect(reminder.due)
        return made

    # changing ----------------------------------------------------------------------------

    async def _row(self, reminder: str, *, deleted: bool = False) -> ReminderRow:
        row = await self.scope.storage.get_reminder(self.scope.owner, reminder)
        if row.reminder.deleted is not None and not deleted:
            raise NotFound("The reminder was deleted", "", "Bring it back first.")
        return row

    async def _apply(self, reminder: str, rule: Rule, *, deleted: bool = False) -> Reminder:
        """Save what a rule gives, however often somebody else is quicker."""
        while True:
            row = await self._row(reminder, deleted=deleted)
            change = await asyncio.to_thread(rule, row)
            if change is None:
                return row.reminder
            if await self._saved(change):
                return await self._told(change)

    async def _saved(self, change: ReminderChange) -> bool:
        return bool(await self.scope.storage.save_reminders(self.scope.owner, (change,)))

    async def _told(self, change: ReminderChange) -> Reminder:
        row = await self.scope.storage.get_reminder(self.scope.owner, change.row.reminder.id)
        events: list[Event] = [FiringChanged(firing=firing) for firing in change.firings]
        await self.scope.tell_all([*events, ReminderChanged(reminder=row.reminder)])
        if row.reminder.deleted is None:
            self.reminding.expect(row.reminder.due)
        return row.reminder

    async def _unused(self, reminder: str, at: datetime) -> datetime:
        """`at`, or a moment later where it was due just then: a clock may have been set back, and
        it happens once for each due time."""
        storage = self.scope.storage
        known = await storage.firings_of(self.scope.owner, reminder, MOST_HISTORY)
        dues = {firing.due for firing in known}
        while at in dues:
            at += timedelta(milliseconds=1)
        return at

    async def _zone(self, zone: str) -> str:
        """The zone, or the machine's for "". Raises InvalidInput."""
        if not zone:
            return await asyncio.to_thread(self.zone)
        try:
            ZoneInfo(zone)
        except (ValueError, LookupError, OSError):
            raise InvalidInput(
                "There is no such time zone",
                f"“{zone[:60]}” is not known here.",
                "Name one such as Europe/Berlin.",
            ) from None
        return zone


def _first(start: str, zone: str, rrule: str, now: datetime) -> datetime | None:
    """The first time after `now`; None when all have passed. Raises InvalidInput."""
    try:
        times = occurrences(start, zone, rrule, now)
        first = next(times, None)
        second = next(times, None)
    except reminder_rules.BROKEN_RULE as error:
        raise InvalidInput(
            "This is no time to be reminded at",
            str(error),
            "Give a time such as 2026-12-01T09:00:00 and a rule such as FREQ=DAILY.",
        ) from None
    if first is not None and second is not None and second - first < SHORTEST:
        raise InvalidInput(
            "That is too often", "Once a minute is the most.", "Choose another rule."
        )
    return first


def _times_until(reminders: Sequence[Reminder], end: datetime) -> int:
    """How many times of recurring reminders, from their next due one on, come before `end`."""
    count = 0
    for reminder in reminders:
        count += 1
        due = reminder.due
        if due is None:
            continue
        try:
            times = occurrences(reminder.start, reminder.zone, reminder.rrule, due)
            count += sum(1 for _ in takewhile(lambda at: at < end, islice(times, MOST_TIMES)))
        except reminder_rules.BROKEN_RULE as error:
            # E.g. a zone that this machine does not know: the others are counted all the same.
            log.info("reminder %s has no further times: %s", reminder.id, error)
    return count


def _after(change: ReminderChange) -> Reminder:
    """A reminder as it is once its firings are answered, or open again."""
    after = {firing.id: firing for firing in (*change.row.open, *change.firings)}
    left = [firing for firing in after.values() if firing.state in OPEN_STATES]
    newest = max(left, key=lambda firing: firing.due, default=None)
    return replace(change.row.reminder, firing=newest)


def _check_text(text: str) -> None:
    if not text.strip():
        raise InvalidInput("There is nothing to be reminded of", "The text is empty.", "Say what.")
    if len(text) > TEXT_LIMIT:
        raise TooLarge("This text is too long", f"{TEXT_LIMIT} characters are the most.")


def _check_notes(notes: str) -> None:
    if len(notes) > NOTES_LIMIT:
        raise TooLarge("These notes are too long", f"{NOTES_LIMIT} characters are the most.")


def _in_the_past() -> InvalidInput:
    return InvalidInput(
        "This time has passed", "There is none to come.", "Choose a later time, or another rule."
    )
