"""Recurring wall times as instants, after RFC 5545.

Owns the one way from a wall time, a zone and a rule to instants. A rule of days, weeks, months
or years is meant on the wall: 8:30 stays 8:30 when clocks change. One of hours or minutes is
meant as time that passes: every 2 hours is 2 hours. It must not know reminders or routines.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.tz import resolve_imaginary

from worker.moments.elapsing import elapsing
from worker.moments.rules import EVERY, Rule, on_the_wall, parse_rule
from worker.moments.walls import walls

_SHIFT_MARGIN = timedelta(days=2)
"""No clock ever jumped by as much."""


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the wall shows `wall`, which has no zone.

    A wall time that clocks jump over is as much later as they jump; of one that comes twice
    the first is meant. Raises ValueError for one outside of the years 1 to 9999.
    """
    try:
        return resolve_imaginary(wall.replace(tzinfo=zone, fold=0)).astimezone(UTC)
    except OverflowError:
        # Within a day of either end, where one cannot look at the days beside it.
        pass
    try:
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{wall} is out of range") from None


def find_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ValueError where there is none."""
    try:
        return ZoneInfo(name)
    # A folder, an odd character and a long name each end in another error.
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone “{name[:60]}”") from None


def wall_time(start: str) -> datetime:
    """A wall time in ISO 8601 without an offset. Raises ValueError."""
    try:
        first = datetime.fromisoformat(start)
    except ValueError:
        raise ValueError(f"“{start[:60]}” is no time such as 2026-12-01T09:00:00") from None
    if first.tzinfo is not None:
        raise ValueError("a wall time has no offset")
    return first


def occurrences(start: str, zone: str, rrule: str, after: datetime) -> Iterator[datetime]:
    """The instants (UTC, growing) of a series that lie after `after`; without end for some rules.

    `start` is a wall time in ISO 8601 without an offset, `rrule` an RRULE without its name, or ""
    for once. A start that does not fit the rule is none of its times. Raises ValueError, here and
    not on the way, for any of the three that makes no sense.
    """
    where = find_zone(zone)
    first = wall_time(start)
    beginning = instant(first, where)
    if not rrule:
        return iter((beginning,) if beginning > after else ())
    rule = parse_rule(rrule)
    if rule.frequency in EVERY:
        found = elapsing(rule, beginning, where).after(after)
    else:
        found = _on_the_wall(rule, first, where, after)
    return _growing(found, after, _end(rule, where))


def next_after(start: str, zone: str, rrule: str, after: datetime) -> datetime | None:
    """The first instant of a series after `after`; None when there is none. Raises ValueError."""
    return next(occurrences(start, zone, rrule, after), None)


def check(start: str, zone: str, rrule: str) -> None:
    """Raise ValueError, which says why in words, for a series that makes no sense, that comes
    more often than once a minute, or that never comes."""
    before = instant(wall_time(start), find_zone(zone)) - timedelta(minutes=1)
    if next_after(start, zone, rrule, before) is None:
        raise ValueError("it never comes: no day fits all that it asks for, its end included")


def _end(rule: Rule, zone: ZoneInfo) -> datetime | None:
    wall = rule.last(zone)
    try:
        return None if wall is None else instant(wall, zone)
    except ValueError:
        # The end of time is none.
        return None


def _growing(
    found: Iterator[datetime], after: datetime, until: datetime | None
) -> Iterator[datetime]:
    last = after
    for at in found:
        if until is not None and at > until:
            return
        if at > last:
            last = at
            yield at


def _on_the_wall(
    rule: Rule, first: datetime, zone: ZoneInfo, after: datetime
) -> Iterator[datetime]:
    """The instants of a rule of days or longer, from shortly before `after` on."""
    for wall in walls(rule, first).since(_from(after, zone)):
        if wall in rule.excepted:
            continue
        try:
            yield instant(wall, zone)
        except ValueError:
            return


def _from(after: datetime, zone: ZoneInfo) -> datetime:
    """The wall time from which on there may be instants after `after`."""
    wall = on_the_wall(after, zone)
    try:
        offsets = [at.astimezone(zone).utcoffset() for at in (after - _SHIFT_MARGIN, after)]
    except OverflowError:
        return wall - _SHIFT_MARGIN if wall - datetime.min > _SHIFT_MARGIN else datetime.min
    # A wall time that clocks jumped over is an instant after the jump.
    jumped = (offsets[1] or timedelta()) - (offsets[0] or timedelta())
    return wall - jumped if jumped > timedelta() else wall
