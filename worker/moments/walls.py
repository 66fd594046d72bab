"""Rules of days, weeks, months and years: the wall times at which they come.

Owns the walk through them, from anywhere and without counting what lies before: a year at a time,
its days as bits. It must not know zones.
"""

import calendar
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache
from itertools import islice, product

from worker.moments.days import LAST_YEAR, DaysOfYears, bits, every, first_of, months
from worker.moments.rules import Rule

_PATIENCE = 21_000
"""Weeks, months or years in a row that are looked at in vain before a rule counts as ended: all
weeks after which the calendar repeats."""


class Walls:
    """The wall times of one rule. Ask `walls` for it, which keeps what was reckoned."""

    def __init__(self, rule: Rule, first: datetime) -> None:
        """`first` is the wall time from which it begins; it need not be one of its times."""
        self._rule = rule
        self._first = first.replace(microsecond=0)
        self._first_day = self._first.toordinal()
        self._named = DaysOfYears(rule, first)
        self._times = sorted(
            time(hour, minute, second)
            for hour, minute, second in product(
                set(rule.values("BYHOUR") or (first.hour,)),
                set(rule.values("BYMINUTE") or (first.minute,)),
                set(rule.values("BYSECOND") or (first.second,)),
            )
        )
        self._places = rule.values("BYSETPOS")
        if rule.frequency == "DAILY" and self._places:
            # What is taken from each day is the same every day.
            self._times = [self._times[one] for one in self._taken(len(self._times))]
            self._places = ()
        self._before = {self._first.year: 0}
        """How many times there are before a year."""
        self._last: datetime | None = None
        """The last of COUNT, once it is known."""

    def since(self, moment: datetime) -> Iterator[datetime]:
        """Those from a wall time on, growing, until the end of the year 9999 if need be."""
        for wall in self._all(max(moment, self._first), LAST_YEAR):
            if self._rule.count is not None and self._is_over(wall, self._rule.count):
                return
            yield wall

    # the walk ----------------------------------------------------------------------------

    def _all(self, since: datetime, until: int) -> Iterator[datetime]:
        """As if there were no COUNT, to the end of a year."""
        if not self._times:
            return
        if not self._places:
            for year in range(since.year, until + 1):
                if days := self._days(year):
                    yield from self._in_days(first_of(year), days, since)
            return
        vain = 0
        for begin, days in self._periods(since.date(), until):
            vain += 1
            for wall in self._placed(begin, days):
                vain = 0
                if wall >= since:
                    yield wall
            if vain >= _PATIENCE:
                return

    def _days(self, year: int) -> int:
        """The days of a year on which it comes, its interval included."""
        first, every_one = self._first, self._rule.interval
        if year < first.year:
            return 0
        begin = first_of(year)
        match self._rule.frequency:
            case "YEARLY":
                found = 0 if (year - first.year) % every_one else self._named.of(year)
            case "MONTHLY":
                found = self._named.of(year)
                if every_one > 1:
                    passed = (year - first.year) * 12 + 1 - first.month
                    of_months = months(calendar.isleap(year))
                    found &= sum(of_months[-passed % every_one :: every_one])
            case "WEEKLY":
                found = self._named.of(year)
                if every_one > 1:
                    step = 7 * every_one
                    ahead = (self._week(self._first_day) - begin) % step
                    weeks = every(step, 7, 366 + step) << ahead
                    found &= weeks | (127 >> (step - ahead))
            case _:
                found = self._named.of(year)
                if every_one > 1:
                    found &= every(every_one, 1, 366) << (self._first_day - begin) % every_one
        if year == first.year and (not self._places or self._rule.frequency == "WEEKLY"):
            found &= -1 << (self._first_day - begin)
        return found

    def _in_days(self, begin: int, days: int, since: datetime) -> Iterator[datetime]:
        """All times of these days; bit 0 is the day with the ordinal `begin`."""
        today = since.toordinal()
        for place in bits(days & (-1 << max(0, today - begin))):
            day = date.fromordinal(begin + place)
            times = self._times
            if begin + place == today:
                times = times[bisect_left(times, since.time()) :]
            for at in times:
                yield datetime.combine(day, at)

    # what is taken from a period (BYSETPOS) --------------------------------------------------

    def _periods(self, since: date, until: int) -> Iterator[tuple[int, int]]:
        """The weeks, months or years that have days, as ordinal and bits, from that of `since`."""
        if self._rule.frequency == "WEEKLY":
            yield from self._weeks(self._week(since.toordinal()), until)
            return
        for year in range(since.year, until + 1):
            days = self._days(year)
            if self._rule.frequency == "YEARLY":
                parts: tuple[int, ...] = (days,)
            else:
                parts = tuple(days & month for month in months(calendar.isleap(year)))
            begin = first_of(year)
            yield from ((begin, part) for part in parts if part)

    def _weeks(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        since = max(1, since)
        for year in range(date.fromordinal(since).year, until + 1):
            begin = first_of(year)
            days = self._days(year) & (-1 << max(0, since - begin))
            while days:
                week = self._week(begin + (days & -days).bit_length() - 1)
                ahead = week - begin
                found = days >> ahead if ahead >= 0 else days << -ahead
                if week + 7 > (there := first_of(year + 1) if year < LAST_YEAR else week + 7):
                    found |= self._days(year + 1) << (there - week)
                yield week, found & 127
                since = week + 7
                days &= -1 << (since - begin)

    def _week(self, day: int) -> int:
        """The first day of the week of a day; both are ordinals."""
        return day - (day - 1 - self._rule.week_start) % 7

    def _placed(self, begin: int, days: int) -> Iterator[datetime]:
        those = list(bits(days))
        many = len(self._times)
        for one in self._taken(len(those) * many):
            wall = datetime.combine(
                date.fromordinal(begin + those[one // many]), self._times[one % many]
            )
            if wall >= self._first:
                yield wall

    def _taken(self, size: int) -> list[int]:
        """Which of so many are taken."""
        found = {place - 1 if place > 0 else size + place for place in self._places}
        return sorted(one for one in found if 0 <= one < size)

    # how many there are (COUNT) --------------------------------------------------------------

    def _is_over(self, wall: datetime, count: int) -> bool:
        if self._last is None and self._before_year(wall.year + 1) >= count:
            year = max(one for one, many in tuple(self._before.items()) if many < count)
            self._last = self._nth(year, count - self._before[year] - 1)
        return self._last is not None and wall > self._last

    def _before_year(self, year: int) -> int:
        if year not in self._before:
            for one in range(max(self._before), year):
                self._before[one + 1] = self._before[one] + self._in_year(one)
        return self._before[year]

    def _in_year(self, year: int) -> int:
        if self._places:
            return sum(wall.year == year for wall in self._all(datetime(year, 1, 1), year))
        return self._days(year).bit_count() * len(self._times) - self._too_early(year)

    def _too_early(self, year: int) -> int:
        """Times of the first day that come before the series begins."""
        if year != self._first.year or not self._days(year) >> self._first_day - first_of(year) & 1:
            return 0
        return bisect_left(self._times, self._first.time())

    def _nth(self, year: int, number: int) -> datetime:
        """That of a year with a number, from 0 on."""
        if self._places:
            return next(islice(self._all(datetime(year, 1, 1), year), number, None))
        place, at = divmod(number + self._too_early(year), len(self._times))
        day = next(islice(bits(self._days(year)), place, None))
        return datetime.combine(date.fromordinal(first_of(year) + day), self._times[at])


@lru_cache(maxsize=256)
def walls(rule: Rule, first: datetime) -> Walls:
    """The wall times of a rule that begins at a wall time."""
    return Walls(rule, first)
