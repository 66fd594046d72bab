"""The verbs of reminders, each in its transaction.

Owns nothing besides; `store` joins them with the other verbs.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from datetime import datetime

from worker.contract.reminders import Firing, Reminder, ReminderView
from worker.storage.reminders import (
    DueCounts,
    ExpiredReminders,
    OwnedReminder,
    ReminderChange,
    ReminderRow,
)
from worker.storage.sqlite import reminder_lists, reminders
from worker.storage.sqlite.connections import Connections


class ReminderVerbs(ABC):
    """`ReminderStorage` in a file. Who inherits it has the connections."""

    @property
    @abstractmethod
    def _db(self) -> Connections:
        """The open connections. Raises StorageError when there are none."""

    async def add_reminders(self, owner: str, rows: Sequence[ReminderRow]) -> tuple[str, ...]:
        """See `ReminderStorage.add_reminders`."""
        return await self._db.write(reminders.add_reminders, owner, rows)

    async def save_reminders(self, owner: str, changes: Sequence[ReminderChange]) -> frozenset[str]:
        """See `ReminderStorage.save_reminders`."""
        return await self._db.write(reminders.save_reminders, owner, changes)

    async def fire(self, owner: str, changes: Sequence[ReminderChange]) -> tuple[Firing, ...]:
        """See `ReminderStorage.fire`."""
        return await self._db.write(reminders.fire, owner, changes)

    async def get_reminder(self, owner: str, reminder: str) -> ReminderRow:
        """See `ReminderStorage.get_reminder`."""
        return await self._db.read(reminder_lists.get_reminder, owner, reminder)

    async def reminders_of(self, owner: str, firings: Sequence[str]) -> tuple[ReminderRow, ...]:
        """See `ReminderStorage.reminders_of`."""
        return await self._db.read(reminder_lists.reminders_of, owner, firings)

    async def list_reminders(
        self, owner: str, view: ReminderView, query: str, limit: int, offset: int
    ) -> tuple[Reminder, ...]:
        """See `ReminderStorage.list_reminders`."""
        return await self._db.read(reminder_lists.list_reminders, owner, view, query, limit, offset)

    async def every_reminder(self, owner: str) -> tuple[Reminder, ...]:
        """See `ReminderStorage.every_reminder`."""
        return await self._db.read(reminder_lists.every_reminder, owner)

    async def count_reminders(self, owner: str, before: datetime) -> DueCounts:
        """See `ReminderStorage.count_reminders`."""
        return await self._db.read(reminder_lists.count_reminders, owner, before)

    async def get_firing(self, owner: str, firing: str) -> Firing:
        """See `ReminderStorage.get_firing`."""
        return await self._db.read(reminder_lists.get_firing, owner, firing)

    async def firings_named(self, owner: str, firings: Sequence[str]) -> tuple[Firing, ...]:
        """See `ReminderStorage.firings_named`."""
        return await self._db.read(reminder_lists.firings_named, owner, firings)

    async def open_firings(self, owner: str) -> tuple[Firing, ...]:
        """See `ReminderStorage.open_firings`."""
        return await self._db.read(reminder_lists.open_firings, owner)

    async def firings_of(self, owner: str, reminder: str, limit: int) -> tuple[Firing, ...]:
        """See `ReminderStorage.firings_of`."""
        return await self._db.read(reminder_lists.firings_of, owner, reminder, limit)

    async def take_firing(self, owner: str, firing: str, process: str, living: Set[str]) -> bool:
        """See `ReminderStorage.take_firing`."""
        return await self._db.write(reminders.take_firing, owner, firing, process, living)

    async def show_firing(self, owner: str, firing: str, at: datetime) -> Firing:
        """See `ReminderStorage.show_firing`."""
        return await self._db.write(reminders.show_firing, owner, firing, at)

    async def forget_takes(self) -> None:
        """See `ReminderStorage.forget_takes`."""
        await self._db.write(reminders.forget_takes)

    async def due_reminders(self, now: datetime, limit: int) -> tuple[OwnedReminder, ...]:
        """See `ReminderStorage.due_reminders`."""
        return await self._db.read(reminders.due_reminders, now, limit)

    async def next_reminder_due(self) -> datetime | None:
        """See `ReminderStorage.next_reminder_due`."""
        return await self._db.read(reminders.next_reminder_due)

    async def held_firings(self) -> tuple[tuple[str, str], ...]:
        """See `ReminderStorage.held_firings`."""
        return await self._db.read(reminders.held_firings)

    async def expire_reminders(
        self, *, deleted_before: datetime, answered_before: datetime, keep: int
    ) -> ExpiredReminders:
        """See `ReminderStorage.expire_reminders`."""
        return await self._db.write(
            reminders.expire_reminders, deleted_before, answered_before, keep
        )
