"""The values of reminders: what is to be remembered when, and each time that it was.

Owns their names and meaning; frozen, like those in `types`. A reminder is kept as the person
said it: a wall time in a zone and a rule of recurrence, so that 8:30 stays 8:30 when clocks
change. Instants are aware datetimes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from worker.contract.types import Source

MissedPolicy: TypeAlias = Literal["notify", "list", "skip"]
"""What becomes of a time that passed while nobody was there: told as soon as somebody is, only
listed, or left out."""
FiringState: TypeAlias = Literal["due", "held", "missed", "done", "snoozed", "skipped"]
"""`due`: it is time, and no answer yet. `held`: kept back by quiet hours or "do not disturb".
`missed`: found later than it should have been, and no answer yet. The other three are answers."""
ReminderView: TypeAlias = Literal["upcoming", "done", "missed"]

OPEN_STATES: frozenset[FiringState] = frozenset({"due", "held", "missed"})
"""A firing in one of these waits for its answer."""

MOST_EARLIER = 1000
"""So many times that passed unseen are counted, and no more: this number means so many or more."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that a reminder was due. There is at most one for each reminder and due time."""

    id: str
    reminder: str
    text: str
    """The reminder's, as it was then."""
    due: datetime
    state: FiringState
    fired: datetime
    """When it was found to be due."""
    urgent: bool = False
    """It comes through quiet hours, and its notification stays until it is answered."""
    silent: bool = False
    """It is listed, but not notified (the policy "list")."""
    shown: datetime | None = None
    """When a notification of it was accepted by the desktop; None while none was."""
    answered: datetime | None = None
    until: datetime | None = None
    """When it comes again, where it was snoozed."""
    earlier: int = 0
    """How many times of a recurring reminder before this one passed with it, unseen; from
    `MOST_EARLIER` on there may be more."""
    chat: str | None = None
    """The chat that the reminder came from."""
    chat_title: str = ""


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something to be remembered."""

    id: str
    text: str
    start: str
    """The first time as the clock on the wall shows it: ISO 8601 without an offset, e.g.
    "2026-12-01T09:00:00"."""
    zone: str
    """The IANA zone in which `start` and `rrule` are meant."""
    created: datetime
    updated: datetime
    rrule: str = ""
    """RFC 5545's RRULE without its name, e.g. "FREQ=MONTHLY;BYMONTHDAY=1"; "" for once."""
    due: datetime | None = None
    """When it is due next, a snooze included; None when it will not be any more."""
    snoozed: bool = False
    """Whether `due` is where a snooze put it."""
    notes: str = ""
    chat: str | None = None
    """The chat that it came from."""
    urgent: bool = False
    missed: MissedPolicy = "notify"
    source: Source = "chat"
    done: datetime | None = None
    """When it was ended for good: the last time of it answered with done."""
    deleted: datetime | None = None
    """When it was deleted; it can be brought back until maintenance removes it."""
    firing: Firing | None = None
    """The newest firing that waits for an answer."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a line such as "pay rent every 1st at 9" was understood to mean."""

    text: str
    """What to be reminded of: the line without its time."""
    due: datetime | None
    """The first time; None when no time was understood, and then nothing else counts."""
    start: str
    """`due` as the clock on the wall shows it, see `Reminder.start`; "" where not understood."""
    zone: str
    rrule: str
    understood: str
    """In English words, e.g. "monthly on the 1st, next Tue 1 Dec 2026 09:00", or why not."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Whether notifications are kept back now, and until when."""

    until: datetime | None
    """The end of it; None when nothing is kept back now."""
    why: Literal["", "hours", "asked"] = ""
    """The quiet hours of the settings, or "do not disturb until"."""


@dataclass(frozen=True, slots=True)
class ReminderCounts:
    """What the tray tells."""

    today: int
    """Times still to come before midnight, in the machine's zone."""
    open: int
    """Firings that wait for an answer."""
    missed: int
    """Those of `open` that were found late."""
