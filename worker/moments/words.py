"""Times and rules in English words.

Owns how a moment, an RRULE and a cron line are told, e.g. "weekdays 10:30" or "monthly on the
1st". What it has no words for it shows as it is.
"""

from collections.abc import Sequence
from datetime import datetime

from worker.moments.cron import fields
from worker.moments.recurrence import wall_time
from worker.moments.rules import Rule, parse_rule

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = {
    "YEARLY": ("yearly", "years"),
    "MONTHLY": ("monthly", "months"),
    "WEEKLY": ("weekly", "weeks"),
    "DAILY": ("daily", "days"),
    "HOURLY": ("every hour", "hours"),
    "MINUTELY": ("every minute", "minutes"),
}
_EVERY = ("HOURLY", "MINUTELY")
_PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"} | {
    -2: "second last"
}
_CRON_DAYS = {name.upper(): number for number, name in enumerate((*DAYS[6:], *DAYS[:6]))}


def moment_words(moment: datetime) -> str:
    """E.g. "Tue 1 Dec 2026 09:00", as the clock of its zone shows it."""
    day = f"{DAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]} {moment.year:04}"
    return f"{day} {_clock(moment.hour, moment.minute)}"


def rule_words(rrule: str, start: str = "") -> str:
    """A rule in words, e.g. "every 2 weeks on Mon and Thu 09:00".

    `start`, the wall time of its first time, says what the rule leaves open; "" leaves it open.
    "" for no rule; one that makes no sense, or that there are no words for, is given as it is.
    """
    if not rrule:
        return ""
    try:
        rule = parse_rule(rrule)
        first = wall_time(start) if start else None
        days = _days(rule, first)
        times = _times(rule, first)
    except ValueError:
        return rrule
    if days is None or times is None:
        return rrule
    return " ".join(part for part in (days, times, _end(rule)) if part)


def cron_words(line: str) -> str:
    """A cron line in words, e.g. "weekdays 08:30"; as it is where there are no words for it."""
    try:
        minute, hour, day, month, weekday = fields(line).upper().split()
    except ValueError:
        return line
    if day == month == weekday == hour == "*":
        if minute in ("*", "*/1"):
            return "every minute"
        if minute.startswith("*/") and minute[2:].isdigit() and 60 % (int(minute[2:]) or 61) == 0:
            return f"every {int(minute[2:])} minutes"
        if minute.isdigit() and int(minute) < 60:
            return f"every hour at :{int(minute):02}"
        return line
    if not (minute.isdigit() and hour.isdigit() and int(minute) < 60 and int(hour) < 24):
        return line
    when = _clock(int(hour), int(minute))
    if day == month == weekday == "*":
        return f"daily {when}"
    if day == month == "*" and (days := _cron_days(weekday)):
        return f"{_week(days)} {when}"
    if weekday == "*" and day.isdigit() and 1 <= int(day) <= 31:
        if month == "*":
            return f"monthly on the {ordinal(int(day))} {when}"
        if month.isdigit() and 1 <= int(month) <= 12:
            return f"yearly on {int(day)} {MONTHS[int(month) - 1]} {when}"
    return line


def listed(things: Sequence[str]) -> str:
    """Joined with commas and an "and"."""
    return " and ".join(part for part in (", ".join(things[:-1]), *things[-1:]) if part)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …; of negative numbers how many from the end."""
    if number < 0:
        return "last day" if number == -1 else f"{ordinal(-number)} last day"
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10)
    return f"{number}{ending or 'th'}"


def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"


def _how_often(rule: Rule) -> str:
    once, many = _UNITS[rule.frequency]
    return once if rule.interval == 1 else f"every {rule.interval} {many}"


def _week(days: Sequence[int], interval: int = 1) -> str:
    """Days of the week; Monday is 0."""
    kinds = tuple(sorted(set(days)))
    if kinds == (0, 1, 2, 3, 4):
        found = "weekdays"
    elif kinds == (5, 6):
        found = "weekends"
    elif len(kinds) == 7:
        found = "daily" if interval == 1 else "every day"
    else:
        found = listed([DAYS[day] for day in kinds])
        return f"every {found}" if interval == 1 else f"every {interval} weeks on {found}"
    return found if interval == 1 else f"every {interval} weeks on {found}"


def _days(rule: Rule, first: datetime | None) -> str | None:
    """The rule without its hours; None where there are no words."""
    by = {name: values for name, values in rule.by if name not in ("BYHOUR", "BYMINUTE")}
    by.pop("BYSECOND", None)
    plain = [day for day, which in rule.weekdays if not which]
    months = by.pop("BYMONTH", ())
    on = by.pop("BYMONTHDAY", ())
    place = by.pop("BYSETPOS", ())
    if by or (place and (rule.frequency != "MONTHLY" or on or len(place) > 1)):
        return None
    in_months = f" in {listed([MONTHS[month - 1] for month in months])}" if months else ""
    match rule.frequency:
        case "WEEKLY" | "DAILY" if on:
            return None
        case "WEEKLY":
            known = plain or ([first.weekday()] if first is not None else [])
            return (_week(known, rule.interval) if known else _how_often(rule)) + in_months
        case "DAILY":
            if plain and rule.interval > 1:
                return None
            return (_week(plain) if plain else _how_often(rule)) + in_months
        case "MONTHLY":
            return _of_month(rule, first, on, place, in_months)
        case "YEARLY":
            return _of_year(rule, first, on, months)
        case _:
            among = f" on {_week(plain).removeprefix('every ')}" if plain else ""
            return None if on else _how_often(rule) + among + in_months


def _of_month(
    rule: Rule,
    first: datetime | None,
    on: tuple[int, ...],
    place: tuple[int, ...],
    in_months: str,
) -> str | None:
    often = _how_often(rule) + in_months
    if rule.weekdays:
        which = _weekdays_of(rule, place)
        return None if which is None or on else f"{often} on the {which}"
    days = on or ((first.day,) if first is not None else ())
    return f"{often} on the {listed([ordinal(day) for day in days])}" if days else often


def _of_year(
    rule: Rule, first: datetime | None, on: tuple[int, ...], months: tuple[int, ...]
) -> str | None:
    often = _how_often(rule)
    known = months or ((first.month,) if first is not None and (on or not rule.weekdays) else ())
    names = listed([MONTHS[month - 1] for month in known])
    if rule.weekdays:
        which = _weekdays_of(rule, ())
        return None if which is None or on or not names else f"{often} on the {which} of {names}"
    days = on or ((first.day,) if first is not None else ())
    if not days:
        return f"{often} in {names}" if names else often
    if any(day < 0 for day in days):
        return f"{often} on the {listed([ordinal(day) for day in days])} of {names}"
    return f"{often} on {listed([str(day) for day in days])} {names}"


def _weekdays_of(rule: Rule, place: tuple[int, ...]) -> str | None:
    """E.g. "first Mon", "last weekday"."""
    days = tuple(sorted(day for day, _ in rule.weekdays))
    if place:
        if any(which for _, which in rule.weekdays) or place[0] not in _PLACES:
            return None
        kinds = {(0, 1, 2, 3, 4): "weekday", (5, 6): "day of a weekend"}
        name = kinds.get(days) or (DAYS[days[0]] if len(days) == 1 else "")
        return f"{_PLACES[place[0]]} {name}" if name else None
    if any(which not in _PLACES for _, which in rule.weekdays):
        return None
    return listed([f"{_PLACES[which]} {DAYS[day]}" for day, which in rule.weekdays])


def _times(rule: Rule, first: datetime | None) -> str | None:
    """The hours of a rule; "" where they are open."""
    hours, minutes = rule.values("BYHOUR"), rule.values("BYMINUTE")
    if rule.frequency in _EVERY:
        if minutes and rule.frequency == "MINUTELY":
            return None
        within = f"in the hours {listed([str(hour) for hour in hours])}" if hours else ""
        at = f"at {listed([f':{minute:02}' for minute in minutes])}" if minutes else ""
        return " ".join(part for part in (at, within) if part)
    if first is not None:
        hours, minutes = hours or (first.hour,), minutes or (first.minute,)
    if not hours:
        return None if minutes else ""
    found = [_clock(hour, minute) for hour in sorted(hours) for minute in minutes or (0,)]
    return listed(found) if len(found) <= 6 else None


def _end(rule: Rule) -> str:
    parts = []
    if rule.count is not None:
        parts.append("once" if rule.count == 1 else f"{rule.count} times")
    if rule.until is not None:
        parts.append(f"until {_day(rule.until)}")
    if rule.excepted:
        days = sorted({moment.date() for moment in rule.excepted})
        told = [f"{day.day} {MONTHS[day.month - 1]} {day.year}" for day in days[:3]]
        more = [f"{len(days) - 3} more"] if len(days) > 3 else []
        parts.append(f"except {listed(told + more)}")
    return ", ".join(parts)


def _day(moment: datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def _cron_days(field: str) -> list[int]:
    """The weekdays of a cron field, Monday is 0; [] for what is not plain days."""
    days: list[int] = []
    for part in field.split(","):
        ends = [_CRON_DAYS.get(end, int(end) if end.isdigit() else -1) for end in part.split("-")]
        if len(ends) > 2 or not all(0 <= end <= 7 for end in ends):
            return []
        days += [(day - 1) % 7 for day in range(ends[0], ends[-1] + 1)]
    return days
