"""Rules of hours and minutes: time that passes, whatever the clocks on the wall do.

Owns their steps and what limits them to hours, days and months of the wall. It must not know how
a rule is written; `recurrence` looks at that.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

EVERY = {"HOURLY": timedelta(hours=1), "MINUTELY": timedelta(minutes=1)}

_PATIENCE = 20_000
"""Times and days in a row that may be looked at in vain before a rule counts as ended."""


class Elapsing(Protocol):
    """What is needed to know of a rule."""

    @property
    def frequency(self) -> str:
        """One of `EVERY`."""
        ...

    @property
    def interval(self) -> int:
        """Of hours or minutes."""
        ...

    @property
    def count(self) -> int | None:
        """How many times there are in all."""
        ...

    @property
    def weekdays(self) -> tuple[tuple[int, int], ...]:
        """Monday is 0; the second number is 0."""
        ...

    @property
    def excepted(self) -> frozenset[datetime]:
        """Wall times that are left out."""
        ...

    def values(self, part: str) -> tuple[int, ...]:
        """The values of BYMONTH to BYSECOND."""
        ...


def elapsing(
    rule: Elapsing, beginning: datetime, zone: ZoneInfo, after: datetime
) -> Iterator[datetime]:
    """The instants (UTC, growing) of `rule` from `beginning` on that lie after `after`."""
    limits = _Limits(rule, zone)
    step = EVERY[rule.frequency] * rule.interval
    behind = max(0, (after - beginning) // step)
    number = 0
    """Of the step."""
    came = 0
    if rule.count is None or not limits.any:
        number = came = max(0, behind - 1)
    vain = 0
    while vain < _PATIENCE and (rule.count is None or came < rule.count):
        try:
            base = beginning + number * step
            wall = base.astimezone(zone)
            jump = limits.not_before(wall)
        except (OverflowError, ValueError):
            return
        number += 1
        if jump is not None:
            vain += 1
            number = max(number, -((beginning - jump) // step))
            continue
        for at in limits.within(base, wall):
            if at < beginning:
                continue
            if rule.count is not None and came >= rule.count:
                return
            came += 1
            if at.astimezone(zone).replace(tzinfo=None, fold=0) in rule.excepted:
                continue
            if at > after:
                vain = 0
                yield at


class _Limits:
    """Which of a rule's times count."""

    def __init__(self, rule: Elapsing, zone: ZoneInfo) -> None:
        self._zone = zone
        self._months = frozenset(rule.values("BYMONTH"))
        self._days = frozenset(rule.values("BYMONTHDAY"))
        self._year_days = frozenset(rule.values("BYYEARDAY"))
        self._weekdays = frozenset(day for day, _ in rule.weekdays)
        self._hours = frozenset(rule.values("BYHOUR"))
        # For hours, BYMINUTE is where in each of them; for minutes, which of them count.
        minutes = tuple(sorted(rule.values("BYMINUTE")))
        self._at = minutes if rule.frequency == "HOURLY" else ()
        self._minutes = frozenset(minutes if rule.frequency == "MINUTELY" else ())
        self._second = rule.values("BYSECOND")
        self.any = bool(
            self._months
            or self._days
            or self._year_days
            or self._weekdays
            or self._hours
            or minutes
        )

    def not_before(self, wall: datetime) -> datetime | None:
        """The instant before which no time counts any more, where this one does not."""
        if self._months and wall.month not in self._months:
            year, month = divmod(wall.year * 12 + wall.month, 12)
            return self._midnight(wall.replace(year=year, month=month + 1, day=1))
        if not self._day_counts(wall):
            return self._midnight(wall + timedelta(days=1))
        if self._hours and wall.hour not in self._hours:
            return self._next(wall, timedelta(hours=1, minutes=-wall.minute))
        if self._minutes and wall.minute not in self._minutes:
            return self._next(wall, timedelta(minutes=1))
        return None

    def within(self, base: datetime, wall: datetime) -> Iterator[datetime]:
        """The times that one step stands for."""
        seconds = timedelta(seconds=self._second[0] - wall.second if self._second else 0)
        for minute in self._at or (wall.minute,):
            yield base + timedelta(minutes=minute - wall.minute) + seconds

    def _day_counts(self, wall: datetime) -> bool:
        if self._weekdays and wall.weekday() not in self._weekdays:
            return False
        length = calendar.monthrange(wall.year, wall.month)[1]
        if self._days and not {wall.day, wall.day - length - 1} & self._days:
            return False
        day, days = wall.timetuple().tm_yday, 366 if calendar.isleap(wall.year) else 365
        return not self._year_days or bool({day, day - days - 1} & self._year_days)

    @staticmethod
    def _next(wall: datetime, later: timedelta) -> datetime:
        return wall.astimezone(UTC) + later - timedelta(seconds=wall.second)

    def _midnight(self, wall: datetime) -> datetime:
        """The beginning of the day of a wall time."""
        midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return midnight.astimezone(UTC)
