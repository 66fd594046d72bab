"""The verbs of reminders of `MemoryStorage`.

Owns nothing besides: the state is in `memory_state`.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime

from worker.contract.reminders import OPEN_STATES, Firing, Reminder, ReminderView
from worker.storage import folding, rules
from worker.storage.memory_state import MemoryState, StoredFiring
from worker.storage.reminders import (
    DueCounts,
    ExpiredReminders,
    OwnedReminder,
    ReminderChange,
    ReminderRow,
)


class MemoryReminders(MemoryState):
    """`ReminderStorage` in this process."""

    # keeping -----------------------------------------------------------------------------

    async def add_reminders(self, owner: str, rows: Sequence[ReminderRow]) -> tuple[str, ...]:
        """See `ReminderStorage.add_reminders`."""
        mine = self._of(owner).reminders
        known = {row.uid for row in mine.values() if row.uid and row.reminder.deleted is None}
        new: dict[str, ReminderRow] = {}
        for row in rows:
            if row.uid and row.uid in known:
                continue
            known.add(row.uid)
            if row.reminder.id in new or row.reminder.id in mine:
                raise rules.already_there("reminder", row.reminder.id)
            new[row.reminder.id] = replace(row, version=0, open=())
        mine.update(new)
        return tuple(new)

    async def save_reminders(self, owner: str, changes: Sequence[ReminderChange]) -> frozenset[str]:
        """See `ReminderStorage.save_reminders`."""
        saved = set()
        firings = self._of(owner).firings
        for change in changes:
            if not self._save(owner, change.row):
                continue
            saved.add(change.row.reminder.id)
            for firing in change.firings:
                found = firings.get(firing.id)
                if found is None:
                    self._insert_firing(owner, firing)
                    continue
                found.firing = replace(
                    found.firing,
                    state=firing.state,
                    silent=firing.silent,
                    urgent=firing.urgent,
                    answered=firing.answered,
                    until=firing.until,
                )
        return frozenset(saved)

    async def fire(self, owner: str, changes: Sequence[ReminderChange]) -> tuple[Firing, ...]:
        """See `ReminderStorage.fire`."""
        inserted = []
        for change in changes:
            if self._save(owner, change.row):
                inserted += [
                    firing.id for firing in change.firings if self._insert_firing(owner, firing)
                ]
        found = [self._told(owner, self._of(owner).firings[name]) for name in inserted]
        return tuple(sorted(found, key=lambda firing: firing.due))

    def _save(self, owner: str, row: ReminderRow) -> bool:
        mine = self._of(owner).reminders
        found = mine.get(row.reminder.id)
        if found is None or found.version != row.version:
            return False
        mine[row.reminder.id] = replace(row, version=row.version + 1, open=())
        return True

    def _insert_firing(self, owner: str, firing: Firing) -> bool:
        firings = self._of(owner).firings
        key = (firing.reminder, firing.due)
        if firing.id in firings or any(
            (one.firing.reminder, one.firing.due) == key for one in firings.values()
        ):
            return False
        firings[firing.id] = StoredFiring(firing)
        return True

    # reading -----------------------------------------------------------------------------

    async def get_reminder(self, owner: str, reminder: str) -> ReminderRow:
        """See `ReminderStorage.get_reminder`."""
        found = self._of(owner).reminders.get(reminder)
        if found is None:
            raise rules.missing_reminder(reminder)
        return self._whole(owner, found)

    async def reminders_of(self, owner: str, firings: Sequence[str]) -> tuple[ReminderRow, ...]:
        """See `ReminderStorage.reminders_of`."""
        mine = self._of(owner)
        names = [mine.firings[name].firing.reminder for name in firings if name in mine.firings]
        rows = [mine.reminders[name] for name in dict.fromkeys(names)]
        return tuple(self._whole(owner, row) for row in rows if row.reminder.deleted is None)

    async def list_reminders(
        self, owner: str, view: ReminderView, query: str, limit: int, offset: int
    ) -> tuple[Reminder, ...]:
        """See `ReminderStorage.list_reminders`."""
        words = rules.words_of(query)
        found = [
            row
            for row in (self._whole(owner, row) for row in self._there(owner))
            if all(
                word in folding.fold(f"{row.reminder.text}\n{row.reminder.notes}") for word in words
            )
        ]
        if view == "upcoming":
            found = _upcoming(found)
        elif view == "done":
            found = [row for row in reversed(found) if row.reminder.done is not None]
            found.sort(key=lambda row: row.reminder.done or _NEVER, reverse=True)
        else:
            late = [(_late(row), row) for row in reversed(found)]
            late = [(dues, row) for dues, row in late if dues]
            late.sort(key=lambda entry: max(entry[0]), reverse=True)
            found = [row for _, row in late]
        limit, offset = rules.within(limit), rules.within(offset)
        return tuple(row.reminder for row in found[offset : offset + limit])

    async def every_reminder(self, owner: str) -> tuple[Reminder, ...]:
        """See `ReminderStorage.every_reminder`."""
        return tuple(self._whole(owner, row).reminder for row in self._there(owner))

    async def count_reminders(self, owner: str, before: datetime) -> DueCounts:
        """See `ReminderStorage.count_reminders`."""
        coming = [
            row.reminder
            for row in self._there(owner)
            if row.reminder.due is not None and row.reminder.due < before
        ]
        coming.sort(key=lambda reminder: reminder.due or _NEVER)
        states = [firing.state for firing in self._waiting(owner)]
        return DueCounts(
            once=sum(not reminder.rrule for reminder in coming),
            recurring=tuple(reminder for reminder in coming if reminder.rrule),
            open=len(states),
            missed=states.count("missed"),
        )

    async def get_firing(self, owner: str, firing: str) -> Firing:
        """See `ReminderStorage.get_firing`."""
        return self._told(owner, self._firing(owner, firing))

    async def firings_named(self, owner: str, firings: Sequence[str]) -> tuple[Firing, ...]:
        """See `ReminderStorage.firings_named`."""
        mine = self._of(owner).firings
        return tuple(
            self._told(owner, mine[name]) for name in dict.fromkeys(firings) if name in mine
        )

    async def open_firings(self, owner: str) -> tuple[Firing, ...]:
        """See `ReminderStorage.open_firings`."""
        return tuple(self._waiting(owner))

    async def firings_of(self, owner: str, reminder: str, limit: int) -> tuple[Firing, ...]:
        """See `ReminderStorage.firings_of`."""
        mine = self._of(owner)
        if reminder not in mine.reminders:
            raise rules.missing_reminder(reminder)
        found = [
            self._told(owner, one)
            for one in mine.firings.values()
            if one.firing.reminder == reminder
        ]
        found.sort(key=lambda firing: firing.due, reverse=True)
        return tuple(found[: rules.within(limit)])

    # telling -----------------------------------------------------------------------------

    async def take_firing(self, owner: str, firing: str, process: str, living: Set[str]) -> bool:
        """See `ReminderStorage.take_firing`."""
        mine = self._of(owner)
        found = mine.firings.get(firing)
        if found is None or found.taken in living:
            return False
        one = found.firing
        if one.state not in ("due", "missed") or one.silent or one.shown is not None:
            return False
        if mine.reminders[one.reminder].reminder.deleted is not None:
            return False
        found.taken = process
        return True

    async def show_firing(self, owner: str, firing: str, at: datetime) -> Firing:
        """See `ReminderStorage.show_firing`."""
        found = self._firing(owner, firing)
        if found.firing.shown is None:
            found.firing = replace(found.firing, shown=at)
        return self._told(owner, found)

    async def forget_takes(self) -> None:
        """See `ReminderStorage.forget_takes`."""
        for mine in self._owners.values():
            for found in mine.firings.values():
                if found.firing.shown is None:
                    found.taken = ""

    # for everybody -----------------------------------------------------------------------

    async def due_reminders(self, now: datetime, limit: int) -> tuple[OwnedReminder, ...]:
        """See `ReminderStorage.due_reminders`."""
        found = [
            (row.reminder.due, owner, row)
            for owner in self._owners
            for row in self._there(owner)
            if row.reminder.due is not None and row.reminder.due <= now
        ]
        found.sort(key=lambda entry: entry[0])
        return tuple(
            OwnedReminder(owner, self._whole(owner, row))
            for _, owner, row in found[: rules.within(limit)]
        )

    async def next_reminder_due(self) -> datetime | None:
        """See `ReminderStorage.next_reminder_due`."""
        dues = (row.reminder.due for owner in self._owners for row in self._there(owner))
        return min((due for due in dues if due is not None), default=None)

    async def held_firings(self) -> tuple[tuple[str, str], ...]:
        """See `ReminderStorage.held_firings`."""
        found = [
            (firing.due, owner, firing.id)
            for owner in self._owners
            for firing in self._waiting(owner)
            if firing.state == "held"
        ]
        return tuple((owner, name) for _, owner, name in sorted(found))

    async def expire_reminders(
        self, *, deleted_before: datetime, answered_before: datetime, keep: int
    ) -> ExpiredReminders:
        """See `ReminderStorage.expire_reminders`."""
        reminders = firings = 0
        for owner, mine in self._owners.items():
            gone = {
                name
                for name, row in mine.reminders.items()
                if row.reminder.deleted is not None and row.reminder.deleted < deleted_before
            }
            old = {name for name, one in mine.firings.items() if one.firing.reminder in gone}
            for name in gone:
                del mine.reminders[name]
            for name in mine.reminders:
                for firing in (await self.firings_of(owner, name, len(mine.firings)))[keep:]:
                    if firing.answered is not None and firing.answered < answered_before:
                        old.add(firing.id)
            for name in old:
                del mine.firings[name]
            reminders, firings = reminders + len(gone), firings + len(old)
        return ExpiredReminders(reminders, firings)

    # looking up --------------------------------------------------------------------------

    def _there(self, owner: str) -> Iterator[ReminderRow]:
        rows = self._of(owner).reminders.values()
        return (row for row in rows if row.reminder.deleted is None)

    def _firing(self, owner: str, firing: str) -> StoredFiring:
        found = self._of(owner).firings.get(firing)
        if found is None:
            raise rules.missing_firing(firing)
        return found

    def _waiting(self, owner: str) -> list[Firing]:
        found = [firing for row in self._there(owner) for firing in self._whole(owner, row).open]
        return sorted(found, key=lambda firing: firing.due)

    def _whole(self, owner: str, row: ReminderRow) -> ReminderRow:
        waiting = sorted(
            (
                self._told(owner, one)
                for one in self._of(owner).firings.values()
                if one.firing.reminder == row.reminder.id and one.firing.state in OPEN_STATES
            ),
            key=lambda firing: firing.due,
        )
        due = row.reminder.due
        reminder = replace(
            row.reminder,
            snoozed=due is not None and due == row.snooze,
            firing=waiting[-1] if waiting else None,
        )
        return replace(row, reminder=reminder, open=tuple(waiting))

    def _told(self, owner: str, stored: StoredFiring) -> Firing:
        mine = self._of(owner)
        name = mine.reminders[stored.firing.reminder].reminder.chat
        chat = None if name is None else mine.chats.get(name)
        if chat is None or chat.deleted is not None:
            return replace(stored.firing, chat=None, chat_title="")
        return replace(stored.firing, chat=chat.id, chat_title=chat.title)


def _upcoming(rows: Sequence[ReminderRow]) -> list[ReminderRow]:
    waiting = []
    for row in rows:
        dues = [firing.due for firing in row.open if firing.state != "missed"]
        if row.reminder.due is None and dues:
            waiting.append((min(dues), row))
    coming = [(row.reminder.due, row) for row in rows if row.reminder.due is not None]
    waiting.sort(key=lambda entry: entry[0])
    coming.sort(key=lambda entry: entry[0])
    return [row for _, row in (*waiting, *coming)]


def _late(row: ReminderRow) -> list[datetime]:
    return [firing.due for firing in row.open if firing.state == "missed"]


_NEVER = datetime.max
"""For what is sorted by a time that it has."""
