"""Rules of recurrence as they are written: RFC 5545's RRULE, looked at part by part.

Owns which rules are kept and why others are refused, in words. It must not know when they come;
`recurrence` does.

Beside RFC 5545's parts a rule may have `X-EXCEPT`, wall times at which it does not come, e.g.
"FREQ=DAILY;X-EXCEPT=20261224T090000,20261225T090000": calendars keep those beside their rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EXCEPT = "X-EXCEPT"
LONGEST = 8000
"""Characters of a rule."""
MOST_EXCEPT = 366
EVERY = {"HOURLY": timedelta(hours=1), "MINUTELY": timedelta(minutes=1)}
"""The frequencies that are time that passes, and their steps."""
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
        return on_the_wall(self.until.replace(tzinfo=UTC), zone)


def on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the wall shows at an instant. At either end of time what it shows in UTC."""
    try:
        return moment.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        return moment.replace(tzinfo=None, fold=0)


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
