"""Between rows of reminders and firings, and the contract's values.

Owns the way there and back. Must not know which statement a row came from.
"""

from collections.abc import Sequence
from dataclasses import fields

from worker.contract.reminders import Firing, Reminder
from worker.storage import folding
from worker.storage.reminders import ReminderRow
from worker.storage.sqlite.rows import AnyRow, Values

_OF_REMINDER = tuple(
    field.name for field in fields(Reminder) if field.name not in ("snoozed", "firing")
)
_OF_FIRING = tuple(
    field.name for field in fields(Firing) if field.name not in ("reminder", "chat", "chat_title")
)
_CHANGED = ("state", "silent", "urgent", "answered", "until")


def folded(text: str, notes: str) -> str:
    """What is searched."""
    return folding.fold(f"{text}\n{notes}")


def reminder_values(row: ReminderRow) -> Values:
    """The columns of a reminder but for whose it is and its version."""
    reminder = row.reminder
    return {
        **{name: getattr(reminder, name) for name in _OF_REMINDER},
        "series": row.series,
        "snooze": row.snooze,
        "uid": row.uid,
        "folded": folded(reminder.text, reminder.notes),
    }


def reminder_from(row: AnyRow, waiting: Sequence[Firing]) -> ReminderRow:
    """A reminder from its row, and its firings that wait, the oldest first."""
    reminder = Reminder(
        **{name: getattr(row, name) for name in _OF_REMINDER},
        snoozed=row.due is not None and row.due == row.snooze,
        firing=waiting[-1] if waiting else None,
    )
    return ReminderRow(reminder, row.series, row.snooze, row.uid, tuple(waiting), row.version)


def firing_values(firing: Firing) -> Values:
    """The columns of a firing but for whose it is and who has taken it."""
    return {name: getattr(firing, name) for name in _OF_FIRING}


def changed_firing_values(firing: Firing) -> Values:
    """The columns that an answer, or a change of its reminder, changes."""
    return {name: getattr(firing, name) for name in _CHANGED}


def firing_from(row: AnyRow) -> Firing:
    """A firing from its row, with its reminder's and its chat's names."""
    return Firing(
        **{name: getattr(row, name) for name in _OF_FIRING},
        reminder=row.reminder_id,
        chat=row.chat_id,
        chat_title=row.chat_title or "",
    )
