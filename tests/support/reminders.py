"""Reminders and firings to put into a storage."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.support.storages import NOW, later
from worker.contract.reminders import Firing, Reminder
from worker.storage.reminders import ReminderChange, ReminderRow


def a_row(name: str = "r", /, due: datetime | None = None, **values: Any) -> ReminderRow:
    """A reminder, due in a minute."""
    at = later(60) if due is None else due
    kept = {key: values.pop(key) for key in ("uid", "snooze") if key in values}
    fields = {
        "id": name,
        "text": f"Reminder {name}",
        "start": at.replace(tzinfo=None).isoformat(),
        "zone": "UTC",
        "created": NOW,
        "updated": NOW,
        "due": at,
        **values,
    }
    return ReminderRow(Reminder(**fields), fields["due"], **kept)


def a_firing(name: str = "f", reminder: str = "r", /, **values: Any) -> Firing:
    """A firing of it, just then."""
    return Firing(
        **{
            "id": name,
            "reminder": reminder,
            "text": f"Reminder {reminder}",
            "due": later(60),
            "state": "due",
            "fired": later(60),
            **values,
        }
    )


def moved(row: ReminderRow, *firings: Firing, due: datetime | None = None) -> ReminderChange:
    """`row` moved on to `due` with these firings."""
    after = replace(row, reminder=replace(row.reminder, due=due), series=due, snooze=None)
    return ReminderChange(after, firings)
