"""The days of a year that a rule's parts name, as the bits of a number: the lowest is 1 January.

Owns these numbers. dateutil says which days they are; there are but 28 kinds of years, so that
thousands of years can be looked through at no cost. It must not know intervals or hours.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache

from dateutil import rrule as rules

from worker.moments.rules import Rule

LAST_YEAR = 9999
_CYCLE = 400
"""Years after which the calendar repeats, with its weekdays."""
_SOME_CYCLE = 2000
"""A year in which one begins."""
_ALL_DAYS = tuple(rules.weekday(day) for day in range(7))


class DaysOfYears:
    """What BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO and BYDAY of one rule name."""

    def __init__(self, rule: Rule, first: date) -> None:
        """What the rule leaves open comes from `first`, its first day."""
        self._rule = rule
        self._months = rule.values("BYMONTH")
        self._days = rule.values("BYMONTHDAY")
        self._weekdays = tuple(rules.weekday(day, which or None) for day, which in rule.weekdays)
        if rule.frequency == "MONTHLY":
            # "The first Monday" is the first of each of these then.
            self._months = self._months or tuple(range(1, 13))
        others = rule.values("BYYEARDAY") or rule.values("BYWEEKNO")
        if not (self._weekdays or self._days or others):
            match rule.frequency:
                case "WEEKLY":
                    self._weekdays = (rules.weekday(first.weekday()),)
                case "MONTHLY":
                    self._days = (first.day,)
                case "YEARLY":
                    self._months = self._months or (first.month,)
                    self._days = (first.day,)
                case _:
                    self._weekdays = _ALL_DAYS
        self._found: dict[int, int] = {}

    def of(self, year: int) -> int:
        """Those of a year (1 to 9999)."""
        alike = _alike()[year % _CYCLE]
        found = self._found.get(alike)
        if found is None:
            found = self._found[alike] = self._look(alike)
        return found

    def _look(self, year: int) -> int:
        there = rules.rrule(
            rules.YEARLY,
            dtstart=datetime(year, 1, 1),
            # An UNTIL would not keep it from looking for a first day until the end of time.
            interval=LAST_YEAR,
            wkst=self._rule.week_start,
            bymonth=self._months or None,
            bymonthday=self._days or None,
            byyearday=self._rule.values("BYYEARDAY") or None,
            byweekno=self._rule.values("BYWEEKNO") or None,
            byweekday=self._weekdays or None,
        )
        return sum(1 << day for day in {at.timetuple().tm_yday - 1 for at in there})


@lru_cache(maxsize=1)
def _alike() -> tuple[int, ...]:
    """For each year of a cycle one with the same days. The year before that is as long as the one
    before it, since its last week may end in this one."""
    cycle = range(_SOME_CYCLE, _SOME_CYCLE + _CYCLE)
    first = {_kind(year): year for year in reversed(cycle)}
    return tuple(first[_kind(year)] for year in cycle)


def _kind(year: int) -> tuple[int, int]:
    first, before = date(year, 1, 1), date(year - 1, 1, 1)
    return first.weekday() + 7 * ((date(year + 1, 1, 1) - first).days - 365), (first - before).days


def bits(number: int) -> Iterator[int]:
    """The places of the bits that are set, growing; 0 is the lowest."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


def first_of(year: int) -> int:
    """The ordinal of 1 January."""
    return date(year, 1, 1).toordinal()


@lru_cache(maxsize=2)
def months(leap: bool) -> tuple[int, ...]:
    """The days of each month, 12 of them."""
    year = 2000 if leap else 2001
    found = []
    for month in range(1, 13):
        begin = date(year, month, 1)
        end = (begin + timedelta(days=31)).replace(day=1)
        found.append(((1 << (end - begin).days) - 1) << (begin.timetuple().tm_yday - 1))
    return tuple(found)


@lru_cache(maxsize=256)
def every(step: int, size: int, among: int) -> int:
    """`size` bits at every `step`th place, from 0 on, among so many places."""
    return sum(((1 << size) - 1) << place for place in range(0, among, step))
