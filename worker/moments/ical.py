"""Reminders from and for calendar files, after RFC 5545.

Owns what a task (VTODO) or an event (VEVENT) of a file means as a reminder, and how reminders
are written as tasks. It must not know how they are kept.

A component is told at each of its alarms, or without one when it is due or begins. What cannot
be kept as it was is said in the notes.
"""

import hashlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Component, Todo, vRecur
from icalendar.error import GloballyUniqueTZIDGuessed
from icalendar.timezone import tzid_from_tzinfo

from worker.contract.errors import InvalidInput
from worker.contract.reminders import Reminder
from worker.moments.ical_rules import exceptions, moved, without_exceptions
from worker.moments.recurrence import find_zone, occurrences
from worker.moments.rules import EXCEPT, MOST_EXCEPT, with_parts
from worker.moments.words import moment_words

LARGEST = 10 * 2**20
"""Bytes of a file."""
MOST = 5000
"""Tasks and events of a file."""
MOST_PARTS = 4 * MOST
"""Components of any kind, alarms and zones included."""
MOST_ALARMS = 5
"""Alarms of one component that become reminders."""
ALL_DAY = time(9)
"""When something without an hour is told."""
TEXT_LIMIT = 2000
NOTES_LIMIT = 100_000
"""Characters."""
OURS = "@nagatha-desktop"
"""Ends the UIDs of what was made here."""

_BEGIN = re.compile(rb"^BEGIN:(VTODO|VEVENT)?", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_STAMP = "%Y%m%dT%H%M%S"
_LONGEST_UID = 200
_UNREADABLE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError
)  # fmt: skip
"""What icalendar was seen to raise for files that are none."""


@dataclass(frozen=True, slots=True)
class ParsedReminder:
    """What a task or event of a calendar means as a reminder."""

    uid: str
    """The same whenever the same file is read."""
    text: str
    notes: str
    start: str
    """See `Reminder.start`."""
    zone: str
    rrule: str
    urgent: bool
    """It has the highest priority."""
    done: bool


@dataclass(frozen=True, slots=True)
class _Base:
    """A component whose first time is known."""

    component: Component
    uid: str
    wall: datetime
    """When it is due or begins; without a zone."""
    zone: str
    all_day: bool


def own_id(uid: str) -> str:
    """The id of the reminder that was exported with this UID; "" where it is none of ours."""
    return uid.removesuffix(OURS) if uid.endswith(OURS) else ""


# reading ---------------------------------------------------------------------------------


def parse(data: bytes, zone: str) -> tuple[ParsedReminder, ...]:
    """The reminders in an iCalendar file; `zone` is the machine's, for times without one.

    What has no time at all or was cancelled is left out. Raises InvalidInput, which says why, for
    what is no such file, is too large, or holds too much.
    """
    components = [one for calendar in _calendars(data) for one in calendar.walk()]
    found: list[ParsedReminder] = []
    changed = _changed_times(components, zone)
    for one in components:
        if one.name in ("VTODO", "VEVENT") and _text(one, "STATUS").upper() != "CANCELLED":
            try:
                found += _reminders(one, zone, changed)
            except (ValueError, OverflowError):
                # Its time lies outside of the years 1 to 9999.
                continue
    return tuple(found)


def _calendars(data: bytes) -> Sequence[Component]:
    if len(data) > LARGEST:
        raise _refused(f"It is larger than {LARGEST // 2**20} MB.")
    kinds = _BEGIN.findall(data)
    if sum(bool(kind) for kind in kinds) > MOST or len(kinds) > MOST_PARTS:
        raise _refused(f"It holds more than {MOST} tasks and events.", "Export it in parts.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused("It is no text in UTF-8.") from None
    try:
        with warnings.catch_warnings():
            # A zone's name with its program's before it is meant as what it ends with.
            warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
            calendars = Calendar.from_ical(text, multiple=True)
    except _UNREADABLE as error:
        raise _refused(f"{_CONTROL.sub(' ', str(error))[:200]}.") from None
    if not calendars or any(one.name != "VCALENDAR" for one in calendars):
        raise _refused("It does not begin with BEGIN:VCALENDAR.")
    return calendars


def _refused(why: str, remedy: str = "Choose a file that ends with .ics.") -> InvalidInput:
    return InvalidInput("This is no calendar that can be read", why, remedy)


def _changed_times(components: Sequence[Component], zone: str) -> Mapping[str, list[datetime]]:
    """Of each UID the times that other components stand for, or that were cancelled."""
    found: dict[str, list[datetime]] = {}
    for one in components:
        at = _date(one, "RECURRENCE-ID")
        if at is not None:
            found.setdefault(_text(one, "UID"), []).append(_utc(at, zone))
    return found


def _reminders(
    component: Component, zone: str, changed: Mapping[str, list[datetime]]
) -> Iterator[ParsedReminder]:
    base = _base(component, zone)
    if base is None:
        return
    notes = _text(component, "DESCRIPTION")
    summary = _text(component, "SUMMARY")
    text = " ".join((summary or notes).split()) or "(without a title)"
    if len(text) > TEXT_LIMIT:
        notes = f"{summary or ''}\n\n{notes}".strip()
        text = f"{text[: TEXT_LIMIT - 1]}…"
    rrule, told = _rule(base, changed.get(_text(component, "UID"), ()))
    plain = ParsedReminder(
        uid=base.uid,
        text=text,
        notes="",
        start=base.wall.isoformat(),
        zone=base.zone,
        rrule=rrule,
        urgent=_text(component, "PRIORITY") == "1",
        done=_text(component, "STATUS").upper() == "COMPLETED" or "COMPLETED" in component,
    )
    times = list(dict.fromkeys(_alarm_times(base, plain)))[:MOST_ALARMS] or [
        (base.wall, base.zone, rrule, "")
    ]
    for number, (wall, where, rule, more) in enumerate(times):
        kept = "\n".join(part for part in (more, told if rule == rrule else "", notes) if part)
        occurrences(wall.isoformat(), where, rule, datetime.max.replace(tzinfo=UTC))
        yield replace(
            plain,
            uid=f"{base.uid}#{number}" if number else base.uid,
            notes=kept[:NOTES_LIMIT],
            start=wall.isoformat(),
            zone=where,
            rrule=rule,
        )


def _base(component: Component, zone: str) -> _Base | None:
    """Its first time: a task's when it is due, an event's when it begins."""
    names = ("DUE", "DTSTART") if component.name == "VTODO" else ("DTSTART",)
    recurs = "RRULE" in component
    if recurs:
        # The rule counts from there.
        names = ("DTSTART", "DUE")
    at = next((at for name in names if (at := _date(component, name)) is not None), None)
    if at is None:
        at = next(iter(_absolute_alarms(component)), None)
    if at is None:
        return None
    all_day = not isinstance(at, datetime)
    wall, where = _wall(at, zone, keep_utc=recurs)
    uid = _text(component, "UID")
    which = _date(component, "RECURRENCE-ID")
    if not uid:
        seen = f"{_text(component, 'SUMMARY')}\0{at.isoformat()}\0{_rule_text(component)}"
        uid = f"sha256:{hashlib.sha256(seen.encode()).hexdigest()}"
    elif len(uid) > _LONGEST_UID:
        uid = f"sha256:{hashlib.sha256(uid.encode()).hexdigest()}"
    if which is not None:
        uid = f"{uid}@{_utc(which, zone):{_STAMP}}"
    return _Base(component, uid, wall, where, all_day)


def _rule(base: _Base, changed: Sequence[datetime]) -> tuple[str, str]:
    """Its rule with what is excepted, and what of it could not be kept."""
    rule = _rule_text(base.component)
    if not rule:
        return "", ""
    told = ""
    if isinstance(base.component.get("RRULE"), list):
        told = "It has further rules, which are left out."
    elif "RDATE" in base.component:
        told = "It has further times, which are left out."
    zone = find_zone(base.zone)
    walls = {at.astimezone(zone).replace(tzinfo=None) for at in changed}
    walls |= {_wall_there(at, base) for at in _exdates(base.component)}
    if base.all_day:
        walls = {datetime.combine(wall.date(), base.wall.time()) for wall in walls}
    rule = with_parts(rule, {EXCEPT: exceptions(sorted(walls)[-MOST_EXCEPT:])})
    try:
        occurrences(base.wall.isoformat(), base.zone, rule, datetime.max.replace(tzinfo=UTC))
    except ValueError as error:
        return "", f"It recurs in a way that cannot be kept ({error}): {rule[:300]}"
    return rule, told


def _rule_text(component: Component) -> str:
    rule = component.get("RRULE")
    rule = rule[0] if isinstance(rule, list) else rule
    if not isinstance(rule, vRecur):
        return ""
    written: bytes = rule.to_ical()  # type: ignore[no-untyped-call]
    return written.decode()


def _exdates(component: Component) -> Iterator[date]:
    given = component.get("EXDATE")
    for one in given if isinstance(given, list) else [given]:
        for at in getattr(one, "dts", ()):
            if isinstance(at.dt, date):
                yield at.dt


def _alarm_times(base: _Base, plain: ParsedReminder) -> Iterator[tuple[datetime, str, str, str]]:
    """Wall time, zone, rule and a line for the notes of each alarm, the first first."""
    alarms = [one for one in base.component.subcomponents if isinstance(one, Alarm)]
    shown = [one for one in alarms if _text(one, "ACTION").upper() != "EMAIL"]
    zone = find_zone(base.zone)
    found: list[tuple[datetime, str, str, str]] = []
    for alarm in shown or alarms:
        trigger = getattr(alarm.get("TRIGGER"), "dt", None)
        if isinstance(trigger, datetime):
            wall = trigger.astimezone(zone) if trigger.tzinfo else trigger
            found.append((wall.replace(tzinfo=None, fold=0), base.zone, "", ""))
        elif isinstance(trigger, timedelta):
            found.append(_relative(base, plain, alarm, trigger))
    yield from sorted(found, key=lambda one: one[0])


def _relative(
    base: _Base, plain: ParsedReminder, alarm: Alarm, trigger: timedelta
) -> tuple[datetime, str, str, str]:
    anchor = base.wall
    if base.all_day and trigger:
        # A day begins at midnight for who counts from it.
        anchor = datetime.combine(base.wall.date(), time())
    parameters = getattr(alarm.get("TRIGGER"), "params", {})
    if str(parameters.get("RELATED", "START")).upper() == "END":
        anchor += _lasts(base)
    elif base.component.name == "VTODO" and not plain.rrule:
        begins = _date(base.component, "DTSTART")
        if isinstance(begins, datetime):
            anchor = _wall_there(begins, base)
    at = anchor + trigger
    if trigger % timedelta(days=1) and not plain.rrule and not base.all_day:
        # Hours pass; days are those of the wall.
        zone = find_zone(base.zone)
        there = anchor.replace(tzinfo=zone).astimezone(UTC) + trigger
        at = there.astimezone(zone).replace(tzinfo=None, fold=0)
    if at == base.wall:
        return at, base.zone, plain.rrule, ""
    if not plain.rrule:
        when = moment_words(base.wall)
        return at, base.zone, "", f"{when[:-6] if base.all_day else when}."
    rule = moved(plain.rrule, base.wall, at)
    if rule is None:
        how = f"It asks to be told at {at:%H:%M}, {abs((at - base.wall).days)} days apart"
        return base.wall, base.zone, plain.rrule, f"{how}, which its rule does not allow."
    return at, base.zone, rule, "" if base.all_day else f"{base.wall:%H:%M}."


def _lasts(base: _Base) -> timedelta:
    """From when it begins (or, a task, is due) to its end."""
    ends = _date(base.component, "DTEND") or _date(base.component, "DUE")
    if ends is not None:
        return _wall_there(ends, base) - base.wall if not base.all_day else timedelta()
    lasts = getattr(base.component.get("DURATION"), "dt", None)
    return lasts if isinstance(lasts, timedelta) else timedelta()


def _absolute_alarms(component: Component) -> Iterator[date]:
    for one in component.subcomponents:
        at = getattr(one.get("TRIGGER"), "dt", None)
        if isinstance(at, datetime):
            yield at


def _date(component: Component, name: str) -> date | None:
    value = component.get(name)
    value = value[0] if isinstance(value, list) and value else value
    at = getattr(value, "dt", None)
    return at if isinstance(at, date) else None


def _text(component: Component, name: str) -> str:
    value = component.get(name, "")
    value = value[0] if isinstance(value, list) and value else value
    return _CONTROL.sub(" ", str(value).replace("\r\n", "\n")).strip()


def _wall(at: date, zone: str, *, keep_utc: bool = False) -> tuple[datetime, str]:
    """A time of a file on the wall, and the zone of that wall."""
    if not isinstance(at, datetime):
        return datetime.combine(at, ALL_DAY), zone
    if at.tzinfo is None:
        return at.replace(microsecond=0), zone
    where = _name(at.tzinfo)
    if not where or (where == "UTC" and not keep_utc):
        # An instant, which is best told here.
        where = zone
    there = at.astimezone(find_zone(where))
    return there.replace(tzinfo=None, fold=0, microsecond=0), where


def _wall_there(at: date, base: _Base) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, base.wall.time())
    there = at if at.tzinfo is None else at.astimezone(find_zone(base.zone))
    return there.replace(tzinfo=None, fold=0, microsecond=0)


def _utc(at: date, zone: str) -> datetime:
    wall, where = _wall(at, zone)
    return wall.replace(tzinfo=find_zone(where)).astimezone(UTC)


def _name(zone: tzinfo) -> str:
    """The IANA name of a zone; "" where it has none."""
    name = zone.key if isinstance(zone, ZoneInfo) else tzid_from_tzinfo(zone)
    try:
        return find_zone(name or "").key
    except ValueError:
        return ""


# writing ---------------------------------------------------------------------------------


def render(reminders: Sequence[Reminder], now: datetime) -> bytes:
    """An iCalendar file with a task and its alarm for each; `now` is when it is written."""
    calendar = Calendar()
    calendar.add("PRODID", "-//Nagatha Desktop//Reminders//EN")
    calendar.add("VERSION", "2.0")
    for reminder in reminders:
        calendar.add_component(_todo(reminder, now))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _todo(reminder: Reminder, now: datetime) -> Todo:
    todo = Todo()
    text = _clean(reminder.text)
    zone = find_zone(reminder.zone)
    start = datetime.fromisoformat(reminder.start).replace(tzinfo=zone)
    todo.add("UID", f"{reminder.id}{OURS}")
    todo.add("DTSTAMP", now.astimezone(UTC))
    todo.add("CREATED", reminder.created.astimezone(UTC))
    todo.add("LAST-MODIFIED", reminder.updated.astimezone(UTC))
    todo.add("SUMMARY", text)
    if reminder.notes:
        todo.add("DESCRIPTION", _clean(reminder.notes))
    if reminder.urgent:
        todo.add("PRIORITY", 1)
    if reminder.done is None:
        todo.add("STATUS", "NEEDS-ACTION")
    else:
        todo.add("STATUS", "COMPLETED")
        todo.add("COMPLETED", reminder.done.astimezone(UTC))
    if reminder.rrule:
        rule, excepted = without_exceptions(reminder.rrule)
        todo.add("DTSTART", start)
        todo.add("RRULE", vRecur.from_ical(rule))
        for wall in excepted:
            todo.add("EXDATE", wall.replace(tzinfo=zone))
    else:
        todo.add("DUE", start)
    if reminder.rrule or not reminder.snoozed:
        todo.add_component(_alarm(text, timedelta(), "START" if reminder.rrule else "END"))
    if reminder.snoozed and reminder.due is not None:
        todo.add_component(_alarm(text, reminder.due.astimezone(UTC)))
    return todo


def _alarm(text: str, trigger: timedelta | datetime, related: str = "") -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", text)
    how = {"VALUE": "DATE-TIME"} if isinstance(trigger, datetime) else {"RELATED": related}
    alarm.add("TRIGGER", trigger, parameters=how)
    return alarm


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
