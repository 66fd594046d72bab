"""Recurring wall times as instants, after RFC 5545.

Owns the one way from a wall time, a zone and a rule to instants. A rule of days, weeks, months
or years is meant on the wall: 8:30 stays 8:30 when clocks change. One of hours or minutes is
meant as time that passes: every 2 hours is 2 hours. It must not know reminders or routines.

Beside RFC 5545's parts a rule may have `X-EXCEPT`, wall times at which it does not come, e.g.
"FREQ=DAILY;X-EXCEPT=20261224T090000,20261225T090000": calendars keep those beside their rule.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule as rules
from dateutil.tz import resolve_imaginary

from worker.moments.elapsing import EVERY, elapsing

EXCEPT = "X-EXCEPT"
LONGEST = 8000
"""Characters of a rule."""
MOST_EXCEPT = 366
LAST_YEAR = 9999

_DATEUTIL: Mapping[str, Literal[0, 1, 2, 3]] = {
    "YEARLY": rules.YEARLY,
    "MONTHLY": rules.MONTHLY,
    "WEEKLY": rules.WEEKLY,
    "DAILY": rules.DAILY,
}
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", *EVERY)
_WITHIN = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYSETPOS": (1, 366, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 59, False),
}
"""Lowest and highest value, and whether it may count from the end."""
_LONGEST_INTERVAL = {
    "YEARLY": 100,
    "MONTHLY": 1200,
    "WEEKLY": 5200,
    "DAILY": 36_500,
    **dict.fromkeys(EVERY, 36_500 * 24 * 60),
}
"""A hundred years, more or less."""
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_CYCLE = 400
"""Years after which the calendar repeats, with its weekdays."""
_SHIFT_MARGIN = timedelta(days=2)
"""No clock ever jumped by as much."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule whose parts were looked at."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    """Wall time where `until_utc` is False, or else UTC; without a zone either way."""
    until_utc: bool = False
    weekdays: tuple[tuple[int, int], ...] = ()
    """Monday is 0; with which one of the month or year, 0 for every one."""
    by: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """The parts BYMONTH to BYSECOND, as they were given."""
    week_start: int = 0
    excepted: frozenset[datetime] = frozenset()

    def values(self, part: str) -> tuple[int, ...]:
        """The values of one of `by`; () where it was not given."""
        return dict(self.by).get(part, ())

    def last(self, zone: ZoneInfo) -> datetime | None:
        """The wall time of `until` in a zone."""
        if self.until is None or not self.until_utc:
            return self.until
        return _wall(self.until.replace(tzinfo=UTC), zone)


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
        found = elapsing(rule, beginning, where, after)
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


def with_parts(rrule: str, parts: Mapping[str, str]) -> str:
    """A rule with these parts set; "" takes one away."""
    given = dict(part.partition("=")[::2] for part in rrule.split(";") if part) | dict(parts)
    return ";".join(f"{name}={value}" for name, value in given.items() if value)


@lru_cache(maxsize=4096)
def parse_rule(rrule: str) -> Rule:
    """Look at a rule's parts. Raises ValueError, which says why in words."""
    if len(rrule) > LONGEST:
        raise ValueError(f"a rule has at most {LONGEST} characters")
    given: dict[str, str] = {}
    for part in rrule.strip().upper().rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise ValueError(f"“{part[:60]}” is no part of a rule such as FREQ=DAILY")
        if name in given:
            raise ValueError(f"the rule has {name} twice")
        given[name] = value
    frequency = given.pop("FREQ", "")
    if frequency == "SECONDLY":
        raise ValueError("it comes more often than once a minute")
    if frequency not in _FREQUENCIES:
        raise ValueError("the rule does not say how often: FREQ=DAILY, WEEKLY, MONTHLY, …")
    interval = _whole("INTERVAL", given.pop("INTERVAL", "1"), 1, _LONGEST_INTERVAL[frequency])
    count = _whole("COUNT", given.pop("COUNT"), 1, 10**6) if "COUNT" in given else None
    until = given.pop("UNTIL", None)
    if until is not None and count is not None:
        raise ValueError("the rule has both an end (UNTIL) and a number of times (COUNT)")
    week_start = given.pop("WKST", "MO")
    if week_start not in _DAYS:
        raise ValueError(f"“{week_start[:60]}” is no weekday (WKST)")
    excepted = tuple(_stamp(EXCEPT, one)[0] for one in given.pop(EXCEPT, "").split(",") if one)
    if len(excepted) > MOST_EXCEPT:
        raise ValueError(f"the rule has more than {MOST_EXCEPT} exceptions")
    weekdays = tuple(_weekday(one, frequency) for one in given.pop("BYDAY", "").split(",") if one)
    by = tuple((name, _numbers(name, value)) for name, value in given.items())
    rule = Rule(
        frequency=frequency,
        interval=interval,
        count=count,
        until=None if until is None else _stamp("UNTIL", until)[0],
        until_utc=until is not None and _stamp("UNTIL", until)[1],
        weekdays=weekdays,
        by=by,
        week_start=_DAYS.index(week_start),
        excepted=frozenset(excepted),
    )
    _look_at(rule)
    return rule


def _look_at(rule: Rule) -> None:
    if len(rule.values("BYSECOND")) > 1:
        raise ValueError("it comes more often than once a minute")
    if rule.values("BYWEEKNO") and rule.frequency != "YEARLY":
        raise ValueError("numbers of weeks (BYWEEKNO) go with FREQ=YEARLY only")
    if rule.frequency in EVERY and rule.values("BYSETPOS"):
        raise ValueError("BYSETPOS does not go with hours or minutes")
    if rule.values("BYSETPOS") and not rule.weekdays and len(rule.by) == 1:
        raise ValueError("BYSETPOS needs another part from which it takes")


def _numbers(name: str, value: str) -> tuple[int, ...]:
    if name not in _WITHIN:
        raise ValueError(f"“{name[:60]}” is no part of a rule")
    low, high, from_end = _WITHIN[name]
    found = []
    for one in value.split(","):
        number = _whole(name, one.removeprefix("-") if from_end else one, low, high)
        found.append(-number if one.startswith("-") else number)
    return tuple(found)


def _whole(name: str, text: str, low: int, high: int) -> int:
    digits = text.removeprefix("+")
    # isdigit takes the digits of other scripts and superscripts as well.
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1
    if not low <= number <= high:
        raise ValueError(f"“{text[:60]}” is not between {low} and {high} ({name})")
    return number


def _weekday(text: str, frequency: str) -> tuple[int, int]:
    day, which = text[-2:], text[:-2]
    if day not in _DAYS:
        raise ValueError(f"“{text[:60]}” is no weekday (BYDAY)")
    if not which:
        return _DAYS.index(day), 0
    if frequency not in ("MONTHLY", "YEARLY"):
        raise ValueError(f"“{text[:60]}” goes with months and years only (BYDAY)")
    number = _whole("BYDAY", which.removeprefix("-"), 1, 53)
    return _DAYS.index(day), -number if which.startswith("-") else number


def _stamp(name: str, text: str) -> tuple[datetime, bool]:
    """A time as RFC 5545 writes it, and whether it is UTC. A day means its end."""
    try:
        if len(text) == 8:
            return datetime.combine(datetime.strptime(text, "%Y%m%d"), time(23, 59, 59)), False
        utc = text.endswith("Z")
        return datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S"), utc
    except ValueError:
        raise ValueError(f"“{text[:60]}” is no time such as 20261231T090000 ({name})") from None


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


# on the wall -----------------------------------------------------------------------------


def _on_the_wall(
    rule: Rule, first: datetime, zone: ZoneInfo, after: datetime
) -> Iterator[datetime]:
    """The instants of a rule of days or longer, from shortly before `after` on."""
    first = first.replace(microsecond=0)
    since = max(first, _back(_wall(after, zone)))
    # dateutil looks for a time until the year 9999 and no end makes it stop earlier: a rule that
    # never comes took minutes. As the calendar repeats, the search is moved to its last years.
    later = max(0, (LAST_YEAR - _CYCLE // 10 - since.year) // _CYCLE) * _CYCLE
    begun = first if rule.count is not None else _ahead(rule, first, since)
    rule_there = _dateutil(rule, first, _years_later(begun, later))
    for there in rule_there.xafter(_years_later(since, later), inc=True):
        wall = _years_later(there, -later)
        if wall in rule.excepted:
            continue
        try:
            yield instant(wall, zone)
        except ValueError:
            return


def _dateutil(rule: Rule, first: datetime, begun: datetime) -> rules.rrule:
    """dateutil's rule from `begun` on; what it does not say comes from `first`."""
    by = {name.lower(): values for name, values in rule.by}
    weekdays = [rules.weekday(day, which or None) for day, which in rule.weekdays]
    if not weekdays and not any(by.get(n) for n in ("bymonthday", "byyearday", "byweekno")):
        if rule.frequency == "WEEKLY":
            weekdays = [rules.weekday(first.weekday())]
        elif rule.frequency == "MONTHLY":
            by["bymonthday"] = (first.day,)
        elif rule.frequency == "YEARLY":
            by.setdefault("bymonth", (first.month,))
            by["bymonthday"] = (first.day,)
    return rules.rrule(
        _DATEUTIL[rule.frequency],
        dtstart=begun,
        interval=rule.interval,
        wkst=rule.week_start,
        count=rule.count,
        bysetpos=by.get("bysetpos"),
        bymonth=by.get("bymonth"),
        bymonthday=by.get("bymonthday"),
        byyearday=by.get("byyearday"),
        byweekno=by.get("byweekno"),
        byweekday=weekdays or None,
        byhour=by.get("byhour", (first.hour,)),
        byminute=by.get("byminute", (first.minute,)),
        bysecond=by.get("bysecond", (first.second,)),
    )


def _ahead(rule: Rule, first: datetime, since: datetime) -> datetime:
    """A later beginning of the same series: what lies years back need not be counted through."""
    if rule.frequency in ("DAILY", "WEEKLY"):
        step = timedelta(days=(7 if rule.frequency == "WEEKLY" else 1) * rule.interval)
        return first + max(0, (since - first) // step - 1) * step
    months = rule.interval * (12 if rule.frequency == "YEARLY" else 1)
    passed = (since.year - first.year) * 12 + since.month - first.month
    steps = passed // months - 1
    if steps < 1:
        return first
    whole = first.year * 12 + first.month - 1 + steps * months
    # From the first day of it on: that is before all its times, and exists in every month.
    month = 1 if rule.frequency == "YEARLY" else whole % 12 + 1
    return datetime.combine(date(whole // 12, month, 1), time())


def _years_later(moment: datetime, years: int) -> datetime:
    return moment.replace(year=moment.year + years)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    try:
        return moment.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        return moment.replace(tzinfo=None, fold=0)


def _back(wall: datetime) -> datetime:
    """Some time earlier: a wall time that clocks jumped over is an instant after the jump."""
    return wall - _SHIFT_MARGIN if wall - datetime.min > _SHIFT_MARGIN else datetime.min
