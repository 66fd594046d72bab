"""What becomes of a reminder when it is due, answered, put off, changed.

Owns these rules, without I/O: each takes a reminder as it is kept and gives what to save, or None
where nothing changes. It must not know who asks.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from worker.contract.reminders import Firing, FiringState, Reminder
from worker.moments.passed import Passed, passed
from worker.moments.recurrence import next_after, occurrences
from worker.service.scope import new_id
from worker.storage.reminders import ReminderChange, ReminderRow

log = logging.getLogger(__name__)

LATE = timedelta(minutes=1)
"""What is found later than this after its time was missed."""

_MOMENT = timedelta(microseconds=1)
BROKEN_RULE = (ValueError, LookupError, TypeError, OverflowError)
"""What a start, zone or rule that makes no sense may raise."""

Rule: TypeAlias = Callable[[ReminderRow], ReminderChange | None]


def placed(
    row: ReminderRow, series: datetime | None, snooze: datetime | None, **changes: object
) -> ReminderRow:
    """`row` with these next times, and with fields of its reminder changed."""
    due = min((at for at in (series, snooze) if at is not None), default=None)
    values = {"due": due, "snoozed": due is not None and due == snooze, **changes}
    reminder: Reminder = replace(row.reminder, **values)  # type: ignore[arg-type]
    return replace(row, reminder=reminder, series=series, snooze=snooze)


def _ended(row: ReminderRow, now: datetime) -> ReminderRow:
    """It will not be due any more. Its next times stay, so that this can be undone."""
    reminder = replace(row.reminder, due=None, snoozed=False, done=now, updated=now)
    return replace(row, reminder=reminder)


def _answered(
    row: ReminderRow, state: FiringState, now: datetime, firing: str, until: datetime | None = None
) -> tuple[Firing, ...]:
    return tuple(
        replace(one, state=state, answered=now, until=until)
        for one in row.open
        if firing in ("", one.id)
    )


# answers ---------------------------------------------------------------------------------


def done(row: ReminderRow, now: datetime, firing: str = "") -> ReminderChange | None:
    """See `ReminderService.done`."""
    answered = _answered(row, "done", now, firing)
    if firing:
        if not answered:
            return None
        after = placed(row, row.series, row.snooze, updated=now)
    elif row.reminder.done is not None and not answered:
        return None
    else:
        series = row.series if row.reminder.rrule else None
        if not answered and row.snooze is None and series is not None:
            return None
        after = placed(row, series, None, updated=now)
    left = len(row.open) - len(answered)
    if after.reminder.due is None and not left:
        # What was to come stays with it, for `reopened`.
        after = _ended(row, now)
    return ReminderChange(after, answered)


def done_some(row: ReminderRow, now: datetime, firings: frozenset[str]) -> ReminderChange | None:
    """As `done` for each of these firings, together."""
    answered = tuple(
        replace(one, state="done", answered=now) for one in row.open if one.id in firings
    )
    if not answered:
        return None
    after = placed(row, row.series, row.snooze, updated=now)
    if after.reminder.due is None and len(answered) == len(row.open):
        after = _ended(row, now)
    return ReminderChange(after, answered)


def snoozed(
    row: ReminderRow, now: datetime, until: datetime, firing: str = ""
) -> ReminderChange | None:
    """See `ReminderService.snooze`."""
    answered = _answered(row, "snoozed", now, firing, until)
    if firing and not answered:
        return None  # the button of a notification that was answered already
    series = row.series
    if not answered and row.snooze is None and series is not None:
        # It was not due yet: this time is put off, and does not come as well.
        series = _following(row.reminder, series)
    return ReminderChange(placed(row, series, until, done=None, updated=now), answered)


def skipped(row: ReminderRow, now: datetime) -> ReminderChange | None:
    """See `ReminderService.skip`."""
    due = row.reminder.due
    if due is None:
        return None
    if due == row.snooze and due != row.series:
        after = placed(row, row.series, None, updated=now)
    elif row.series is not None:
        after = placed(row, _following(row.reminder, row.series), row.snooze, updated=now)
    else:
        return None
    if after.reminder.due is None and not row.open:
        after = _ended(row, now)
    return ReminderChange(after)


def unskipped(
    row: ReminderRow, now: datetime, due: datetime, *, snoozed: bool
) -> ReminderChange | None:
    """See `ReminderService.undo_skip`."""
    reminder = row.reminder
    series, snooze = row.series, row.snooze
    if reminder.done is not None:
        # It ended with that: what was to come stayed with it.
        if due != (snooze if snoozed else series):
            return None
    elif snoozed:
        if snooze is not None:
            return None
        snooze = due
    else:
        if series != _following(reminder, due) or due != _following(reminder, due - _MOMENT):
            return None
        series = due
    return ReminderChange(placed(row, series, snooze, done=None, updated=now))


def reopened(row: ReminderRow, now: datetime, newest: Firing | None) -> ReminderChange | None:
    """See `ReminderService.reopen`; `newest` is the latest of its firings, whatever its state."""
    if row.reminder.done is None:
        return None
    series = row.series if row.series is not None and row.series > now else None
    snooze = row.snooze if row.snooze is not None and row.snooze > now else None
    after = placed(row, series, snooze, done=None, updated=now)
    if after.reminder.due is not None:
        return ReminderChange(after)
    last = max((at for at in (row.series, row.snooze) if at is not None), default=None)
    if newest is None or (last is not None and last > newest.due):
        at = last or row.reminder.created
        return ReminderChange(after, (_firing(row.reminder, at, now, "missed", silent=True),))
    # Who undoes it has it before their eyes: it is not notified again.
    again = replace(newest, state="missed", silent=True, answered=None, until=None)
    return ReminderChange(after, (again,))


def undone(row: ReminderRow, now: datetime, firings: Sequence[Firing]) -> ReminderChange | None:
    """See `ReminderService.undo_done`; `firings` are its own that were named, in any state."""
    # Who undoes it has it before their eyes: it is not notified again.
    again = tuple(
        replace(one, state=_told(one), silent=True, answered=None, until=None)
        for one in firings
        if one.state == "done"
    )
    if not again:
        return None
    return ReminderChange(placed(row, row.series, row.snooze, done=None, updated=now), again)


def changed(
    row: ReminderRow, now: datetime, fields: dict[str, object], first: datetime | None
) -> ReminderChange:
    """See `ReminderService.change`; `first` is the next time by a new start, zone or rule, None
    where its times stay."""
    if first is None:
        reminder: Reminder = replace(row.reminder, **fields, updated=now)  # type: ignore[arg-type]
        after = replace(row, reminder=reminder)
        if reminder.urgent == row.reminder.urgent:
            return ReminderChange(after)
        return ReminderChange(after, tuple(_pressing(one, reminder.urgent) for one in row.open))
    after = placed(row, first, None, **fields, done=None, updated=now)
    # What waits for an answer has a new time now.
    return ReminderChange(after, _answered(row, "snoozed", now, "", first))


def _pressing(firing: Firing, urgent: bool) -> Firing:
    """A firing that waits, urgent or not any more. What is urgent is not kept back."""
    state = _told(firing) if urgent and firing.state == "held" else firing.state
    return replace(firing, urgent=urgent, state=state)


def deleted(row: ReminderRow, now: datetime) -> ReminderChange | None:
    """See `ReminderService.delete`."""
    if row.reminder.deleted is not None:
        return None
    return ReminderChange(replace(row, reminder=replace(row.reminder, deleted=now)))


def undeleted(row: ReminderRow) -> ReminderChange | None:
    """See `ReminderService.undelete`."""
    if row.reminder.deleted is None:
        return None
    return ReminderChange(replace(row, reminder=replace(row.reminder, deleted=None)))


# being due -------------------------------------------------------------------------------


def fired(row: ReminderRow, now: datetime, held: bool) -> ReminderChange:
    """A reminder that is due becomes a firing, and moves on to its next time after `now`.

    Of several times that passed, the newest counts. With `held` it is kept back unless urgent.
    """
    reminder = row.reminder
    came = [at for at in (row.snooze,) if at is not None and at <= now]
    snooze = None if came else row.snooze
    series, many = row.series, len(came)
    if series is not None and series <= now:
        times = _passed(reminder, series, now)
        came.append(times.last)
        series = times.following
        many += times.earlier + 1
    due = max(came)
    state, silent = _state(reminder, late=now - due > LATE)
    if held and not reminder.urgent and not silent and state != "skipped":
        state = "held"
    firing = _firing(reminder, due, now, state, silent=silent)
    firing = replace(firing, earlier=many - 1, answered=now if state == "skipped" else None)
    after = placed(row, series, snooze)
    if state == "skipped" and after.reminder.due is None and not row.open:
        after = _ended(after, now)
    return ReminderChange(after, (firing,))


def released(row: ReminderRow, held: frozenset[str]) -> ReminderChange | None:
    """What was kept back is told now; it was found late, or just kept."""
    told = tuple(
        replace(one, state=_told(one)) for one in row.open if one.id in held and one.state == "held"
    )
    return ReminderChange(row, told) if told else None


def kept_back(row: ReminderRow, firing: str) -> ReminderChange | None:
    """What nobody was told yet is kept back."""
    held = tuple(
        replace(one, state="held")
        for one in row.open
        if one.id == firing and one.state != "held" and one.shown is None
    )
    return ReminderChange(row, held) if held else None


def _told(firing: Firing) -> FiringState:
    """The state of a firing that is not kept back and has no answer."""
    return "missed" if firing.fired - firing.due > LATE else "due"


def _state(reminder: Reminder, *, late: bool) -> tuple[FiringState, bool]:
    """The state, and whether it is silent."""
    if not late:
        return "due", False
    if reminder.missed == "skip":
        return "skipped", False
    return "missed", reminder.missed == "list"


def _passed(reminder: Reminder, first: datetime, now: datetime) -> Passed:
    """Of the times from `first` on: what came until `now`."""
    if not reminder.rrule:
        return Passed(first, 0, None)
    start, zone, rrule = reminder.start, reminder.zone, reminder.rrule
    try:
        return passed(lambda after: occurrences(start, zone, rrule, after), first, now)
    except BROKEN_RULE as error:
        # E.g. a zone that this machine does not know. It must not keep others from being told.
        log.warning("reminder %s has no next time any more: %s", reminder.id, error)
    return Passed(first, 0, None)


def _following(reminder: Reminder, after: datetime) -> datetime | None:
    if not reminder.rrule:
        return None
    return next_after(reminder.start, reminder.zone, reminder.rrule, after)


def _firing(
    reminder: Reminder, due: datetime, now: datetime, state: FiringState, *, silent: bool
) -> Firing:
    return Firing(
        id=new_id(),
        reminder=reminder.id,
        text=reminder.text,
        due=due,
        state=state,
        fired=now,
        urgent=reminder.urgent,
        silent=silent,
    )
