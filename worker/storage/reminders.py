"""The verbs of reminders, and of the times that they were due.

Owns that part of the `Storage` interface; see `base` for what holds for all verbs.

A reminder is changed by reading its row and saving it with what becomes of its firings. Each row
has a version that grows with every save; one that was read before somebody else's save changes
nothing. So what is decided about a reminder holds, whoever else decides something meanwhile.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from worker.contract.reminders import Firing, Reminder, ReminderView


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """A reminder with what is kept about it besides."""

    reminder: Reminder
    series: datetime | None
    """The next time by its start and rule; None when there is none any more."""
    snooze: datetime | None = None
    """When a snooze brings it back; `reminder.due` is the earlier one of both. They stay when it
    is ended, which can be undone."""
    uid: str = ""
    """Its name in the calendar file that it came from."""
    open: tuple[Firing, ...] = ()
    """Its firings that wait for an answer, the oldest first."""
    version: int = 0


@dataclass(frozen=True, slots=True)
class ReminderChange:
    """What becomes of a reminder and, with it, of its firings."""

    row: ReminderRow
    """With the version that it was read with; `open` is not looked at."""
    firings: tuple[Firing, ...] = ()
    """Those that changed (state, silent, answered, until), and those that are new."""


@dataclass(frozen=True, slots=True)
class OwnedReminder:
    """A reminder, and whose it is."""

    owner: str
    row: ReminderRow


@dataclass(frozen=True, slots=True)
class DueCounts:
    """How much there is to remember."""

    once: int
    """Reminders without a rule that are due before the time that was asked for."""
    recurring: tuple[Reminder, ...]
    """Those with a rule that are."""
    open: int
    """Firings that wait for an answer, but for those of deleted reminders."""
    missed: int
    """Those of `open` that were found late."""


@dataclass(frozen=True, slots=True)
class ExpiredReminders:
    """What maintenance removed."""

    reminders: int
    firings: int


class ReminderStorage(Protocol):
    """See the module."""

    # keeping -----------------------------------------------------------------------------

    async def add_reminders(self, owner: str, rows: Sequence[ReminderRow]) -> tuple[str, ...]:
        """Store new ones, all or none, but for those whose uid a reminder that is not deleted
        has; returns the ids of those stored. Raises Conflict where an id is there."""
        ...

    async def save_reminders(self, owner: str, changes: Sequence[ReminderChange]) -> frozenset[str]:
        """In one transaction: each change whose reminder is there in the version it was read in.
        Returns the ids of the reminders that were saved."""
        ...

    async def fire(self, owner: str, changes: Sequence[ReminderChange]) -> tuple[Firing, ...]:
        """As `save_reminders`, for what became due: inserts the firing and moves the reminder on.
        There is one firing for each reminder and due time; where it is there, the reminder is
        moved on, and nothing else. Returns the firings that were inserted."""
        ...

    # reading -----------------------------------------------------------------------------

    async def get_reminder(self, owner: str, reminder: str) -> ReminderRow:
        """One, deleted ones too."""
        ...

    async def reminders_of(self, owner: str, firings: Sequence[str]) -> tuple[ReminderRow, ...]:
        """Those that these firings are of, each once, but for deleted ones."""
        ...

    async def list_reminders(
        self, owner: str, view: ReminderView, query: str, limit: int, offset: int
    ) -> tuple[Reminder, ...]:
        """Those not deleted of a view that hold every word of `query` in their text or notes.

        Upcoming: first those that are due no more but wait for an answer, by when they were due,
        then those that are, by when. Done: the last ended first. Missed: those with a firing in
        that state, the latest due first. Case and diacritics do not matter.
        """
        ...

    async def every_reminder(self, owner: str) -> tuple[Reminder, ...]:
        """All that are not deleted, the oldest first."""
        ...

    async def count_reminders(self, owner: str, before: datetime) -> DueCounts:
        """See `DueCounts`."""
        ...

    async def get_firing(self, owner: str, firing: str) -> Firing:
        """One firing."""
        ...

    async def firings_named(self, owner: str, firings: Sequence[str]) -> tuple[Firing, ...]:
        """Those of these that there are, deleted reminders' too."""
        ...

    async def open_firings(self, owner: str) -> tuple[Firing, ...]:
        """Those that wait for an answer, the oldest due first, but for deleted reminders'."""
        ...

    async def firings_of(self, owner: str, reminder: str, limit: int) -> tuple[Firing, ...]:
        """The firings of one reminder, the latest due first."""
        ...

    # telling -----------------------------------------------------------------------------

    async def take_firing(self, owner: str, firing: str, process: str, living: Set[str]) -> bool:
        """Let `process` tell a firing that is due or missed, not silent, shown by nobody, and
        taken by no process of `living`; False where that is not so."""
        ...

    async def show_firing(self, owner: str, firing: str, at: datetime) -> Firing:
        """Keep when a notification of it was accepted, where none was before."""
        ...

    async def forget_takes(self) -> None:
        """Nobody has taken what was not shown: for a database that was replaced by a copy."""
        ...

    # for everybody -----------------------------------------------------------------------

    async def due_reminders(self, now: datetime, limit: int) -> tuple[OwnedReminder, ...]:
        """What is due at `now`, the longest due first."""
        ...

    async def next_reminder_due(self) -> datetime | None:
        """When the next one is due, of all owners."""
        ...

    async def held_firings(self) -> tuple[tuple[str, str], ...]:
        """Owner and id of what is kept back, but for deleted reminders', the oldest first."""
        ...

    async def expire_reminders(
        self, *, deleted_before: datetime, answered_before: datetime, keep: int
    ) -> ExpiredReminders:
        """Remove reminders deleted before a time, with their firings, and firings answered before
        a time that are not among the newest `keep` of their reminder."""
        ...
