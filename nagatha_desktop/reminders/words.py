"""What the window says of a reminder: how it recurs, when it is due, what state it is in.

Owns these words. A rule of recurrence is read as far as words for it are known; whatever goes
further "repeats". Knows no widget.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from PySide6.QtCore import QCoreApplication, QLocale, Qt

from nagatha_desktop.absences import Why
from nagatha_desktop.widgets import moments
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.tokens import Tone
from worker.contract.reminders import OPEN_STATES, Firing, MissedPolicy, Reminder

translate = QCoreApplication.translate
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKDAYS = frozenset(DAYS[:5])
_PLAIN = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "WKST", "COUNT", "UNTIL"})
_HALF_YEAR = timedelta(days=182)


def missed_words(number: int, why: Why) -> str:
    """How many were missed, and why where that is known of all of them."""
    words = {
        "off": (
            translate("Reminders", "1 was due while Nagatha was off"),
            translate("Reminders", "{number} were due while Nagatha was off"),
        ),
        "asleep": (
            translate("Reminders", "1 was due while the computer was asleep"),
            translate("Reminders", "{number} were due while the computer was asleep"),
        ),
        "paused": (
            translate("Reminders", "1 was due while Nagatha was paused"),
            translate("Reminders", "{number} were due while Nagatha was paused"),
        ),
        "": (
            translate("Reminders", "1 reminder was missed"),
            translate("Reminders", "{number} reminders were missed"),
        ),
    }
    one, many = words[why]
    return one if number == 1 else many.format(number=number)


def parts_of(rrule: str) -> Mapping[str, str]:
    """The parts of an RRULE by their names, in capitals; {} for none."""
    pairs = (part.partition("=") for part in rrule.upper().split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def recurrence(rrule: str, start: str) -> str:
    """How often: "weekdays 10:30", "monthly"; "" for once. `start` is the first wall time."""
    if not rrule:
        return ""
    parts = parts_of(rrule)
    often = _often(parts)
    if often is None:
        return translate("Reminders", "repeats")
    first = _wall_time(start)
    if parts.get("FREQ") in ("DAILY", "WEEKLY") and first is not None:
        return f"{often} {moments.clock(first)}"
    return often


def _often(parts: Mapping[str, str]) -> str | None:
    if not set(parts) <= _PLAIN:
        return None
    try:
        every = int(parts.get("INTERVAL", "1"))
    except ValueError:
        return None
    frequency = parts.get("FREQ", "")
    if frequency == "WEEKLY" and every == 1 and parts.get("BYDAY"):
        return _on_days(frozenset(parts["BYDAY"].split(",")))
    words = {
        "MINUTELY": (
            translate("Reminders", "every minute"),
            translate("Reminders", "every {number} minutes"),
        ),
        "HOURLY": (
            translate("Reminders", "hourly"),
            translate("Reminders", "every {number} hours"),
        ),
        "DAILY": (translate("Reminders", "daily"), translate("Reminders", "every {number} days")),
        "WEEKLY": (
            translate("Reminders", "weekly"),
            translate("Reminders", "every {number} weeks"),
        ),
        "MONTHLY": (
            translate("Reminders", "monthly"),
            translate("Reminders", "every {number} months"),
        ),
        "YEARLY": (
            translate("Reminders", "yearly"),
            translate("Reminders", "every {number} years"),
        ),
    }
    if frequency not in words or every < 1:
        return None
    one, many = words[frequency]
    return one if every == 1 else many.format(number=every)


def _on_days(days: frozenset[str]) -> str | None:
    if not days <= set(DAYS):
        return None
    if days == WEEKDAYS:
        return translate("Reminders", "weekdays")
    if days == set(DAYS):
        return translate("Reminders", "daily")
    if days == {"SA", "SU"}:
        return translate("Reminders", "weekends")
    short = QLocale.FormatType.ShortFormat
    names = (
        QLocale().standaloneDayName(Qt.DayOfWeek(at + 1).value, short)
        for at, day in enumerate(DAYS)
        if day in days
    )
    return translate("Reminders", "every {days}").format(days=", ".join(names))


def _wall_time(start: str) -> datetime | None:
    try:
        return datetime.fromisoformat(start)
    except ValueError:
        return None


# -- one reminder ----------------------------------------------------------------------------------


def is_open(reminder: Reminder) -> bool:
    """Whether a time of it has come and waits for an answer."""
    return reminder.firing is not None and reminder.firing.state in OPEN_STATES


def due_of(reminder: Reminder) -> datetime | None:
    """The moment that the list is about: of the firing that waits, else the next one."""
    if is_open(reminder) and reminder.firing is not None:
        return reminder.firing.due
    return reminder.due


def ended(reminder: Reminder) -> datetime | None:
    """When it was over for good; None while more of it is to come or to be answered."""
    if reminder.done is not None:
        return reminder.done
    return reminder.updated if reminder.due is None and not is_open(reminder) else None


def elsewhere(reminder: Reminder, wall: Wall) -> str:
    """The city of the reminder's zone, with the time there; "" where clocks show the same."""
    due = due_of(reminder)
    if due is None:
        return ""
    asked = (due, due + _HALF_YEAR) if reminder.rrule else (due,)
    if wall.shows_as(reminder.zone, asked):
        return ""
    zone = moments.zone_of(reminder.zone)
    if zone is None:
        return reminder.zone
    there = moments.clock(due.astimezone(zone))
    return translate("Reminders", "{time} in {city}").format(
        time=there, city=moments.city(reminder.zone)
    )


def badges(reminder: Reminder, wall: Wall) -> tuple[tuple[str, Tone], ...]:
    """The badges behind its text, each with its tone."""
    found: list[tuple[str, Tone]] = []
    often = recurrence(reminder.rrule, reminder.start)
    if often:
        found.append((often, "accent"))
    if reminder.done is None:
        firing = reminder.firing
        if is_open(reminder) and firing is not None:
            if firing.state == "missed":
                found.append((translate("Reminders", "missed"), "warn"))
            elif firing.state == "held":
                found.append((translate("Reminders", "kept back"), "warn"))
            if firing.earlier:
                more = translate("Reminders", "{number} more before it")
                found.append((more.format(number=moments.times_before(firing.earlier)), "muted"))
        elif reminder.snoozed:
            found.append((translate("Reminders", "snoozed"), "warn"))
        if reminder.urgent:
            found.append((translate("Reminders", "urgent"), "bad"))
    there = elsewhere(reminder, wall)
    if there:
        found.append((there, "muted"))
    return tuple(found)


def when(reminder: Reminder, now: datetime, wall: Wall) -> str:
    """When it is due, or was done, as the right end of its row has it."""
    here = wall.of(now)
    over = ended(reminder)
    if over is not None:
        return moments.point(over, now, wall)
    due = due_of(reminder)
    if due is None:
        return ""
    there = wall.of(due)
    if is_open(reminder):
        same = there.date() == here.date()
        said = moments.clock(there) if same else moments.day_and_clock(there, here)
        return f"{said} · {moments.ago(due, now)}"
    if there.date() <= here.date() + timedelta(days=1):
        near = moments.soon(due, now)
        said = moments.clock(there)
        return f"{said} · {near}" if near else said
    if (there.date() - here.date()).days < 7:
        return moments.written(there, translate("Reminders", "ddd HH:mm"))
    return moments.day_and_clock(there, here)


def said(reminder: Reminder, now: datetime, wall: Wall, heading: str = "") -> str:
    """A whole row, as it is read out."""
    over = ended(reminder)
    time = when(reminder, now, wall)
    if over is not None:
        time = translate("Reminders", "done {time}").format(time=time)
    words = (heading, reminder.text, *(word for word, _ in badges(reminder, wall)), time)
    return ", ".join(word for word in words if word)


def tip(reminder: Reminder, wall: Wall) -> str:
    """What a row has no room for."""
    lines = [reminder.text]
    due, over = due_of(reminder), ended(reminder)
    if over is not None:
        done = translate("Reminders", "Done {time}")
        lines.append(done.format(time=moments.whole(over, wall)))
    elif due is not None:
        lines.append(translate("Reminders", "Due {time}").format(time=moments.whole(due, wall)))
    there = elsewhere(reminder, wall)
    if there:
        lines.append(there)
    if reminder.notes.strip():
        lines += ["", reminder.notes.strip()]
    return "\n".join(lines)


def understood(rrule: str, start: str, due: datetime, now: datetime, wall: Wall) -> str:
    """What a line was understood to mean: "monthly, next Tue 1 Dec 09:00"."""
    next_time = moments.point(due, now, wall)
    if not rrule:
        return next_time
    often = _often(parts_of(rrule)) or translate("Reminders", "repeats")
    return translate("Reminders", "{often}, next {time}").format(often=often, time=next_time)


def next_time(reminder: Reminder, now: datetime, wall: Wall) -> str:
    """When it comes again; "" when it does not."""
    if reminder.due is None:
        return ""
    return moments.point(reminder.due, now, wall)


def policy(missed: MissedPolicy) -> str:
    """What becomes of a time that was missed."""
    texts: dict[MissedPolicy, str] = {
        "notify": translate("Reminders", "Notify as soon as Nagatha is back"),
        "list": translate("Reminders", "Only list it"),
        "skip": translate("Reminders", "Leave it out"),
    }
    return texts[missed]


def holds(reminder: Reminder, query: str) -> bool:
    """Whether every word of `query` is in its text or notes."""
    text = f"{reminder.text} {reminder.notes}".casefold()
    return all(word in text for word in query.casefold().split())


def with_firing(reminder: Reminder, firing: Firing) -> Firing | None:
    """The firing of a reminder that waits, now that one of them is like this."""
    there = reminder.firing
    if firing.state in OPEN_STATES:
        newer = there is None or there.state not in OPEN_STATES or there.due <= firing.due
        return firing if newer else there
    return None if there is not None and there.id == firing.id else there
