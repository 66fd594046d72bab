"""The rule that undoes "done": what a firing was before is told by when it was found."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.reminders import a_firing, a_row
from tests.support.storages import NOW, later
from worker.contract.reminders import FiringState
from worker.service.reminder_rules import LATE, done, done_some, fired, placed, undone
from worker.storage.reminders import ReminderRow

DUE = later(60)
AT = later(4000)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("state", "late", "after"),
    [
        ("done", timedelta(0), "due"),
        ("done", LATE, "due"),
        ("done", LATE + SECOND, "missed"),
        ("due", LATE + SECOND, None),
        ("held", timedelta(0), None),
        ("missed", LATE + SECOND, None),
        ("snoozed", timedelta(0), None),
        ("skipped", LATE + SECOND, None),
    ],
)
@pytest.mark.parametrize("silent", [False, True])
def test_only_what_is_done_waits_again_and_is_not_notified(
    state: FiringState, late: timedelta, after: FiringState | None, silent: bool
) -> None:
    one = a_firing(state=state, fired=DUE + late, answered=NOW, shown=NOW, silent=silent, earlier=3)
    change = undone(a_row(due=AT, rrule="FREQ=DAILY"), AT, (one,))
    if after is None:
        assert change is None
        return
    assert change is not None
    assert change.firings == (replace(one, state=after, silent=True, answered=None),)


@pytest.mark.parametrize("rrule", ["", "FREQ=DAILY"])
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=2)])
@pytest.mark.parametrize("together", [False, True])
def test_done_and_undone_leave_a_reminder_as_it_was(
    rrule: str, held: bool, late: timedelta, together: bool
) -> None:
    now = DUE + late
    before = fired(a_row(due=DUE, rrule=rrule), now, held)
    row = replace(before.row, open=before.firings)
    (open_,) = row.open
    answer = done_some(row, now, frozenset({open_.id})) if together else done(row, now)
    assert answer is not None
    ended = answer.row.reminder
    assert (ended.done, ended.due) == ((None, DUE + DAY) if rrule else (now, None))
    change = undone(replace(answer.row, open=()), now, answer.firings)
    assert change is not None
    state = "missed" if late else "due"
    assert change.firings == (replace(open_, state=state, silent=True),)
    assert change.row == replace(row, reminder=replace(row.reminder, updated=now), open=())
    assert undone(change.row, now, change.firings) is None


def test_times_to_come_of_one_that_ended_come_again() -> None:
    waiting = a_firing(due=DUE, fired=DUE)
    row = placed(replace(a_row(), open=(waiting,)), None, AT + DAY)
    answer = done(row, AT)
    assert answer is not None and answer.row.reminder.done == AT
    change = undone(answer.row, AT, answer.firings)
    assert change is not None
    assert _times(change.row) == _times(row)


def _times(row: ReminderRow) -> tuple[object, ...]:
    reminder = row.reminder
    return reminder.due, reminder.snoozed, reminder.done, row.series, row.snooze
