"""Understanding a line such as "pay rent every 1st at 9".

Owns what the parts of a line mean together, and the refusal of what could mean two things: a
time is never guessed. English, German, French and Spanish.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from worker.contract.errors import InvalidInput, TooLarge
from worker.contract.reminders import Understood
from worker.moments.phrase_parts import (
    After,
    Bound,
    Clock,
    Element,
    Every,
    InDays,
    Midnight,
    OnDate,
    OnWeekday,
    Part,
    PartName,
    Repeated,
    Unclear,
)
from worker.moments.phrase_scan import scan
from worker.moments.recurrence import check, find_zone, instant, next_after
from worker.moments.words import moment_words, rule_words

LONGEST = 2000
"""Characters of a line."""
MORNING = time(9)
"""The time of a day for which none was said."""
_PARTS: dict[PartName, tuple[time, int, int]] = {
    "morning": (MORNING, 0, 11),
    "afternoon": (time(15), 12, 20),
    "evening": (time(18), 16, 23),
    "night": (time(21), 18, 23),
}
"""When a part of the day is, where no hour was said, and its first and last hour."""
_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ELAPSING = ("HOURLY", "MINUTELY")
_TWO = "it names more than one time"
_ENDLESS = 40
"""Years or months that are looked through for a day that not each of them has."""


class _Unclear(Exception):
    """Why no time was understood."""


@dataclass(frozen=True, slots=True)
class _Line:
    """The elements of a line, by kind."""

    every: Every | None
    after: After | None
    days: tuple[InDays | OnWeekday | OnDate, ...]
    since: InDays | OnWeekday | OnDate | None
    until: InDays | OnWeekday | OnDate | None
    clock: Clock | None
    part: PartName | None
    midnight: bool
    repeated: bool


def understand(text: str, now: datetime, zone: str) -> Understood:
    """What a line means at `now` (aware) in an IANA zone.

    Where it has no time, or one that could be another one, `due` is None and `understood` says
    why. Raises InvalidInput for a zone that does not exist, TooLarge for a text too long.
    """
    try:
        where = find_zone(zone)
    except ValueError as error:
        raise InvalidInput(
            "This time zone does not exist", f"{error}.", "Use a name such as Europe/Berlin."
        ) from None
    if len(text) > LONGEST:
        raise TooLarge(
            "The line is too long", f"It has {len(text)} characters; {LONGEST} are allowed."
        )
    line = " ".join(text.split()).replace("\x00", " ").replace("\x01", " ")
    found = scan(line)
    try:
        parts = _sorted_out([one.element for one in found.elements])
        start, rrule, at_zone = _resolved(parts, now.astimezone(where), where)
        if not found.text:
            raise _Unclear("it does not say what to be reminded of")
        due = next_after(start, at_zone, rrule, now)
        if due is None:
            raise _Unclear("it ends before it comes for the first time")
        local = due.astimezone(where)
    except (_Unclear, OverflowError) as why:
        told = str(why) if isinstance(why, _Unclear) else "it is too far away"
        return Understood(found.text or line, None, "", zone, "", f"Did not understand: {told}.")
    except ValueError as error:
        return Understood(found.text or line, None, "", zone, "", f"Did not understand: {error}.")
    words = moment_words(local)
    if rrule:
        words = f"{rule_words(rrule)}, next {words}"
    return Understood(found.text, local, start, at_zone, rrule, words)


def _sorted_out(elements: Sequence[Element]) -> _Line:
    for one in elements:
        if isinstance(one, Unclear):
            raise _Unclear(one.why)
    since: list[InDays | OnWeekday | OnDate] = []
    until: list[InDays | OnWeekday | OnDate] = []
    days: list[InDays | OnWeekday | OnDate] = []
    bound: Bound | None = None
    for one in elements:
        if isinstance(one, Bound):
            bound = one
        elif isinstance(one, InDays | OnWeekday | OnDate):
            {"from": since, "until": until}.get(bound.which if bound else "", days).append(one)
            bound = None
    every = [one for one in elements if isinstance(one, Every)]
    after = [one for one in elements if isinstance(one, After)]
    clocks = [one for one in elements if isinstance(one, Clock | Midnight)]
    parts = [one.name for one in elements if isinstance(one, Part)]
    if max(len(every), len(after), len(clocks), len(set(parts)), len(since), len(until)) > 1:
        raise _Unclear(_TWO)
    clock = clocks[0] if clocks else None
    return _Line(
        every=every[0] if every else None,
        after=after[0] if after else None,
        days=tuple(days),
        since=since[0] if since else None,
        until=until[0] if until else None,
        clock=clock if isinstance(clock, Clock) else None,
        part=parts[0] if parts else None,
        midnight=isinstance(clock, Midnight),
        repeated=any(isinstance(one, Repeated) for one in elements),
    )


def _resolved(line: _Line, now: datetime, zone: ZoneInfo) -> tuple[str, str, str]:
    """The first wall time, the rule, and the zone of both."""
    every = _rule_of(line)
    if every is not None:
        if line.after is not None:
            raise _Unclear("a length of time and a rule do not go together")
        start, rrule = _recurring(every, line, now, zone)
        return start.isoformat(), rrule, zone.key
    if line.until is not None:
        raise _Unclear("it says until when, but not how often")
    if line.since is not None:
        line = _with_day(line)
    if line.after is not None:
        return _elapsed(line.after, line, now, zone)
    wall = _once(line, now, zone)
    if instant(wall, zone) <= now:
        raise _Unclear(f"{moment_words(wall)} has passed")
    # Where clocks jump over it, the wall shows another time.
    shown = instant(wall, zone).astimezone(zone).replace(tzinfo=None)
    return shown.isoformat(), "", zone.key


def _with_day(line: _Line) -> _Line:
    if line.days or line.since is None:
        raise _Unclear(_TWO)
    return _Line(
        line.every, line.after, (line.since,), None, None, line.clock, line.part,
        line.midnight, line.repeated,
    )  # fmt: skip


# once ------------------------------------------------------------------------------------


def _elapsed(after: After, line: _Line, now: datetime, zone: ZoneInfo) -> tuple[str, str, str]:
    if line.days or line.midnight or line.repeated:
        raise _Unclear(_TWO)
    day = _months_later(now.date(), after.months) + timedelta(days=after.days)
    timed = line.clock is not None or line.part is not None
    if after.minutes and timed:
        raise _Unclear("a length of time and a time of day do not go together")
    if not (after.minutes or after.days or after.months):
        raise _Unclear("a length of time of nothing is now")
    if timed:
        return datetime.combine(day, _time_of(line)).isoformat(), "", zone.key
    moment = now.replace(microsecond=0)
    if day != now.date():
        moment = instant(datetime.combine(day, moment.time()), zone).astimezone(zone)
    # Minutes pass as they do, whatever the clocks show meanwhile.
    due = (moment.astimezone(UTC) + timedelta(minutes=after.minutes)).astimezone(zone)
    wall = due.replace(tzinfo=None, fold=0)
    if instant(wall, zone) == due.astimezone(UTC):
        return wall.isoformat(), "", zone.key
    # The second pass of an hour that comes twice has no name in the zone itself.
    offset = due.utcoffset() or timedelta()
    hours, odd = divmod(offset, timedelta(hours=1))
    if odd:
        return due.astimezone(UTC).replace(tzinfo=None).isoformat(), "", "UTC"
    return wall.isoformat(), "", f"Etc/GMT{-hours:+d}" if hours else "UTC"


def _once(line: _Line, now: datetime, zone: ZoneInfo) -> datetime:
    if line.midnight:
        if line.days or line.part not in (None, "night"):
            raise _Unclear("midnight of a day may be its beginning or its end; say 00:00 or 23:59")
        return datetime.combine(now.date() + timedelta(days=1), time())
    if not line.days:
        if line.clock is None and line.part is None:
            raise _Unclear("there is no time in it")
        wall = datetime.combine(now.date(), _time_of(line))
        return wall if instant(wall, zone) > now else wall + timedelta(days=1)
    at = _time_of(line)
    found = {_day_of(day, now, at, zone) for day in line.days if not _is_name_of_date(day, line)}
    if len(found) != 1:
        raise _Unclear(_TWO)
    (day,) = found
    for named in line.days:
        if isinstance(named, OnWeekday) and named.day != day.weekday():
            raise _Unclear(f"{moment_words(datetime.combine(day, at))} is another weekday")
    return datetime.combine(day, at)


def _is_name_of_date(day: InDays | OnWeekday | OnDate, line: _Line) -> bool:
    """Whether it only says which weekday a date beside it is."""
    named = isinstance(day, OnWeekday) and not day.which
    return named and any(isinstance(other, OnDate | InDays) for other in line.days)


def _day_of(day: InDays | OnWeekday | OnDate, now: datetime, at: time, zone: ZoneInfo) -> date:
    today = now.date()
    if isinstance(day, InDays):
        return today + timedelta(days=day.days)
    if isinstance(day, OnWeekday):
        ahead = (day.day - today.weekday()) % 7
        if day.which == "next week":
            return today + timedelta(days=7 - today.weekday() + day.day)
        if day.which == "next":
            coming = today + timedelta(days=ahead or 7)
            later = coming + timedelta(days=7)
            if coming.isocalendar()[:2] == today.isocalendar()[:2]:
                raise _Unclear(f"it may mean {_short(coming)} or {_short(later)}")
            return coming
        wall = datetime.combine(today + timedelta(days=ahead), at)
        return (wall if instant(wall, zone) > now else wall + timedelta(days=7)).date()
    return _date_of(day, now, at, zone)


def _date_of(day: OnDate, now: datetime, at: time, zone: ZoneInfo) -> date:
    """The next such day; the very one where its year was said."""
    if day.month is not None and not 1 <= day.month <= 12:
        raise _Unclear(f"there is no month {day.month}")
    if day.year is not None:
        return _real(day.year, day.month or now.month, day.day)
    if day.month is not None:
        _real(2024, day.month, day.day)
    year, month = now.year, day.month or now.month
    for _ in range(_ENDLESS):
        if 1 <= day.day <= calendar.monthrange(year, month)[1]:
            wall = datetime(year, month, day.day, at.hour, at.minute)
            if instant(wall, zone) > now:
                return wall.date()
        if day.month is not None:
            year += 1
        else:
            year, month = year + month // 12, month % 12 + 1
    raise _Unclear(f"there is no day {day.day} in any month")


def _real(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise _Unclear(f"there is no {day} {calendar.month_name[month]}") from None


def _time_of(line: _Line) -> time:
    if line.midnight:
        raise _Unclear("midnight of a day may be its beginning or its end; say 00:00 or 23:59")
    clock, part = line.clock, line.part
    if clock is None:
        return _PARTS[part][0] if part is not None else MORNING
    hour = clock.hour
    if clock.half:
        hour = hour % 12 + (12 if clock.half == "pm" else 0)
    if part is None:
        return time(hour, clock.minute)
    _, first, last = _PARTS[part]
    if not clock.half and hour < 12 and part != "morning":
        hour += 12
    if not first <= hour <= last:
        raise _Unclear(f"{clock.hour:02}:{clock.minute:02} is not in the {part}")
    return time(hour, clock.minute)


def _short(day: date) -> str:
    return moment_words(datetime.combine(day, time()))[:-6]


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > 9999:
        raise OverflowError
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# again and again -------------------------------------------------------------------------


def _rule_of(line: _Line) -> Every | None:
    """The rule with the days beside it; None where there is none."""
    every = line.every
    dates = [day for day in line.days if isinstance(day, OnDate)]
    names = [day.day for day in line.days if isinstance(day, OnWeekday)]
    if every is None:
        if not line.repeated:
            return None
        if names or len(dates) != 1:
            raise _Unclear("it says “every”, but not every what")
        return Every("MONTHLY" if dates[0].month is None else "YEARLY")
    if line.repeated and not dates:
        raise _Unclear(_TWO)
    if not line.days:
        return every
    free = not every.weekdays and not every.month_day
    if every.frequency == "WEEKLY" and free and len(names) == len(line.days):
        if any(isinstance(day, OnWeekday) and day.which for day in line.days):
            raise _Unclear(_TWO)
        return Every("WEEKLY", every.interval, tuple(names))
    fits = every.frequency in ("MONTHLY", "YEARLY") and free and len(dates) == len(line.days) == 1
    if fits and dates[0].year is None:
        if every.frequency == "MONTHLY" and dates[0].month is None:
            return Every("MONTHLY", every.interval, month_day=dates[0].day)
        if every.frequency == "YEARLY" and dates[0].month is not None:
            return every
    raise _Unclear("its rule and its day do not go together")


def _recurring(every: Every, line: _Line, now: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    """The first wall time and the rule."""
    if every.frequency in _ELAPSING:
        return _again_after(every, line, now, zone)
    at = time() if line.midnight else _time_of(line)
    begin = now.date() if line.since is None else _day_of(line.since, now, at, zone)
    parts = [f"FREQ={every.frequency}"]
    dates = [day for day in line.days if isinstance(day, OnDate)]
    if every.weekdays:
        place = every.place or ""
        parts.append("BYDAY=" + ",".join(f"{place}{_CODES[day]}" for day in sorted(every.weekdays)))
    elif every.frequency == "YEARLY" and dates:
        day = dates[0]
        assert day.month is not None  # looked at in `_rule_of`
        if not 1 <= day.month <= 12:
            raise _Unclear(f"there is no month {day.month}")
        _real(2024, day.month, day.day)
        parts += [f"BYMONTH={day.month}", f"BYMONTHDAY={day.day}"]
    elif every.month_day or dates:
        number = every.month_day or dates[0].day
        if not -1 <= number <= 31:
            raise _Unclear(f"there is no day {number} in any month")
        parts.append(f"BYMONTHDAY={number}")
    # The soonest day that fits is the first, also of a rule that skips weeks or months.
    first = _first(";".join(parts), datetime.combine(begin, at), now, zone)
    if len(parts) == 1:
        parts += {
            "WEEKLY": [f"BYDAY={_CODES[first.weekday()]}"],
            "MONTHLY": [f"BYMONTHDAY={first.day}"],
            "YEARLY": [f"BYMONTH={first.month}", f"BYMONTHDAY={first.day}"],
        }.get(every.frequency, [])
    return first, _finished(parts, every, line, first, now, zone)


def _first(rrule: str, start: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The wall time of the first occurrence. A start of its own day lets any day be the first."""
    if rrule.count(";") == 0:
        return start if instant(start, zone) > now else start + timedelta(days=1)
    due = next_after(start.isoformat(), zone.key, rrule, now)
    if due is None:
        raise _Unclear("it never comes")
    day = due.astimezone(zone).date()
    return datetime.combine(day, start.time())


def _again_after(every: Every, line: _Line, now: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    if line.midnight or line.part is not None or (line.clock is not None and line.since is None):
        raise _Unclear("hours or minutes and a time of day do not go together")
    if line.since is not None:
        at = _time_of(line)
        first = datetime.combine(_day_of(line.since, now, at, zone), at)
    else:
        step = timedelta(**{"hours" if every.frequency == "HOURLY" else "minutes": every.interval})
        due = (now.astimezone(UTC) + step).astimezone(zone)
        first = due.replace(tzinfo=None, second=0, microsecond=0, fold=0)
    return first, _finished([f"FREQ={every.frequency}"], every, line, first, now, zone)


def _finished(
    parts: list[str], every: Every, line: _Line, first: datetime, now: datetime, zone: ZoneInfo
) -> str:
    if every.interval > 1:
        parts.insert(1, f"INTERVAL={every.interval}")
    if line.until is not None:
        end = _day_of(line.until, now, time(23, 59), zone)
        parts.append(f"UNTIL={end:%Y%m%d}")
    rrule = ";".join(parts)
    check(first.isoformat(), zone.key, rrule)
    return rrule
