"""The rule that undoes "skip once": the time that was left out comes again, and nothing else."""

from datetime import datetime, timedelta

import pytest

from tests.support.reminders import a_row
from tests.support.storages import later
from worker.service.reminder_rules import changed, skipped, snoozed, unskipped
from worker.storage.reminders import ReminderRow

DUE = later(60)
AT = later(0)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def row(rrule: str, *, off: bool = False) -> ReminderRow:
    """One that is due at `DUE`; with `off` put there by a snooze."""
    if not off:
        return a_row(due=DUE, rrule=rrule)
    put_off = snoozed(a_row(due=DUE - HOUR, rrule=rrule), AT, DUE)
    assert put_off is not None
    return put_off.row


def times(one: ReminderRow) -> tuple[object, ...]:
    reminder = one.reminder
    return reminder.due, reminder.snoozed, reminder.done, one.series, one.snooze


@pytest.mark.parametrize("rrule", ["FREQ=DAILY", "FREQ=DAILY;COUNT=2", "FREQ=DAILY;COUNT=1", ""])
@pytest.mark.parametrize("off", [False, True])
def test_what_was_skipped_and_undone_is_as_it_was(rrule: str, off: bool) -> None:
    before = row(rrule, off=off)
    assert before.reminder.due == DUE
    after = skipped(before, AT)
    assert after is not None and after.row.reminder.due != DUE
    undone = unskipped(after.row, AT, DUE, snoozed=off)
    assert undone is not None and undone.firings == ()
    assert times(undone.row) == times(before)
    assert unskipped(undone.row, AT, DUE, snoozed=off) is None


@pytest.mark.parametrize("due", [DUE + HOUR, DUE + DAY, DUE - DAY])
def test_no_other_time_comes_by_it(due: datetime) -> None:
    after = skipped(row("FREQ=DAILY"), AT)
    assert after is not None
    assert unskipped(after.row, AT, due, snoozed=False) is None


def test_what_became_something_else_since_stays_as_it_is() -> None:
    once = skipped(row("FREQ=DAILY"), AT)
    assert once is not None
    twice = skipped(once.row, AT)
    assert twice is not None
    assert unskipped(twice.row, AT, DUE, snoozed=False) is None
    fields: dict[str, object] = {"rrule": "FREQ=WEEKLY"}
    weekly = changed(once.row, AT, fields, DUE + 7 * DAY)
    assert unskipped(weekly.row, AT, DUE + DAY, snoozed=False) is None
    off = skipped(row("FREQ=DAILY", off=True), AT)
    assert off is not None
    again = snoozed(off.row, AT, DUE + HOUR)
    assert again is not None
    assert unskipped(again.row, AT, DUE, snoozed=True) is None
