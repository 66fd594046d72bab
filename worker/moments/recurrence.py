"""Recurring wall times as instants, after RFC 5545.

Owns the one way from a wall time, a zone and a rule to instants. A rule is meant on the wall:
8:30 stays 8:30 when clocks change. It must not know reminders or routines.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dateutil import rrule as rules
from dateutil.tz import resolve_imaginary


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the wall shows `wall`, which has no zone.

    A wall time that clocks jump over is as much later as they jump; of one that comes twice
    the first is meant.
    """
    return resolve_imaginary(wall.replace(tzinfo=zone, fold=0)).astimezone(UTC)


def occurrences(start: str, zone: str, rrule: str, after: datetime) -> Iterator[datetime]:
    """The instants (UTC, growing) of a series that lie after `after`; without end for some rules.

    `start` is a wall time in ISO 8601 without an offset, `rrule` an RRULE without its name, or ""
    for once. Raises ValueError for any of the three that makes no sense.
    """
    where = ZoneInfo(zone)
    first = datetime.fromisoformat(start)
    if first.tzinfo is not None:
        raise ValueError("a wall time has no offset")
    if not rrule:
        once = instant(first, where)
        if once > after:
            yield once
        return
    rule = rules.rrulestr(rrule, dtstart=first)
    # A day's margin: which instant a wall time is depends on the zone's offset.
    from_wall = after.astimezone(where).replace(tzinfo=None)
    last = after
    for wall in rule.xafter(from_wall, inc=True):
        at = instant(wall, where)
        if at > last:
            last = at
            yield at


def next_after(start: str, zone: str, rrule: str, after: datetime) -> datetime | None:
    """The first instant of a series after `after`; None when there is none. Raises ValueError."""
    return next(occurrences(start, zone, rrule, after), None)
