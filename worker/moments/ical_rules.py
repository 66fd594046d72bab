"""Rules of recurrence between calendars and reminders.

Owns how exceptions go beside a rule and into it, and how a rule is moved with the time that it
counts from. It must not know calendar files.
"""

from collections.abc import Iterable
from datetime import datetime

from worker.moments.rules import EXCEPT, parse_rule, with_parts

_STAMP = "%Y%m%dT%H%M%S"
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SHORTEST_MONTH = 28


def exceptions(walls: Iterable[datetime]) -> str:
    """Wall times as the value of a rule's exceptions."""
    return ",".join(f"{wall:{_STAMP}}" for wall in walls)


def without_exceptions(rrule: str) -> tuple[str, tuple[datetime, ...]]:
    """A rule as RFC 5545 knows it, and the wall times at which it does not come."""
    return with_parts(rrule, {EXCEPT: ""}), tuple(sorted(parse_rule(rrule).excepted))


def moved(rrule: str, start: datetime, to: datetime) -> str | None:
    """The rule of a series whose each time is as much earlier or later as `to` is than `start`,
    the wall time of its first. None where no rule says that."""
    rule = parse_rule(rrule)
    by = {name for name, _ in rule.by}
    if by & {"BYHOUR", "BYMINUTE", "BYSECOND"} or rule.frequency in ("HOURLY", "MINUTELY"):
        return None
    step = to - start
    parts = {EXCEPT: exceptions(sorted(wall + step for wall in rule.excepted))}
    if rule.until is not None:
        until = rule.until + step
        parts["UNTIL"] = f"{until:{_STAMP}}{'Z' if rule.until_utc else ''}"
    days = (to.date() - start.date()).days
    if days:
        other = _on_other_days(rrule, start, to, days)
        if other is None:
            return None
        parts |= other
    return with_parts(rrule, parts)


def _on_other_days(rrule: str, start: datetime, to: datetime, days: int) -> dict[str, str] | None:
    """The parts that say on which days, `days` later; None where there are none that do."""
    rule = parse_rule(rrule)
    by = dict(rule.by)
    if rule.frequency == "DAILY" and not by and not rule.weekdays:
        return {}
    if rule.frequency == "WEEKLY" and not by:
        plain = [day for day, _ in rule.weekdays] or [start.weekday()]
        if rule.interval > 1 and len(plain) > 1:
            # Two days of one week could come to lie in two.
            return None
        return {"BYDAY": ",".join(_DAYS[(day + days) % 7] for day in sorted(plain))}
    if rule.weekdays or set(by) - {"BYMONTH", "BYMONTHDAY"} or abs(days) >= _SHORTEST_MONTH:
        return None
    if by.get("BYMONTHDAY", (start.day,)) != (start.day,):
        return None
    if rule.frequency == "YEARLY" and by.get("BYMONTH", (start.month,)) == (start.month,):
        # The last of February is another day each fourth year.
        if (start.month, to.month) in ((2, 2), (3, 3)) or {start.month, to.month}.isdisjoint({2}):
            return {"BYMONTH": str(to.month), "BYMONTHDAY": str(to.day)}
        return {"BYMONTH": str(to.month), "BYMONTHDAY": str(to.day)} if days > 0 else None
    if rule.frequency == "MONTHLY" and "BYMONTH" not in by and start.month == to.month:
        both = max(start.day, to.day) <= _SHORTEST_MONTH
        return {"BYMONTHDAY": str(to.day)} if both else None
    return None
