"""Routines in words: when they run, how their last time went, what it cost.

Owns these words, and reading the simple rules that the editor makes. Knows the contract; no widget.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from PySide6.QtCore import QByteArray, QCoreApplication, QDate, QDateTime, QLocale, QTime, QTimeZone

from nagatha_desktop.activity.times import ago, until
from nagatha_desktop.activity.words import plain
from nagatha_desktop.widgets.moments import city
from nagatha_desktop.widgets.text import one_line, seconds
from nagatha_desktop.widgets.tokens import Tone
from worker.contract.routines import FAILURES_TO_PAUSE, Occurrence, OccurrenceState, Routine

Pattern: TypeAlias = Literal["daily", "weekdays", "weekly", "monthly", "once", "cron", "rule"]
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKDAYS = DAYS[:5]
_LONGEST = 160

translate = QCoreApplication.translate


@dataclass(frozen=True, slots=True)
class Simple:
    """A rule as the editor's presets have it."""

    pattern: Pattern
    days: tuple[str, ...] = ()
    """Of the week, as in `DAYS`; for "weekly"."""
    month_day: int = 1
    """For "monthly"."""


def simple(rrule: str, cron: str, start: str) -> Simple:
    """Which preset a rule is; "rule" where it is none of them."""
    if cron:
        return Simple("cron")
    if not rrule:
        return Simple("once")
    pairs = (part.partition("=") for part in rrule.upper().strip().split(";") if part)
    parts = {key.strip(): value.strip() for key, _, value in pairs}
    if parts.pop("INTERVAL", "1") != "1":
        return Simple("rule")
    parts.pop("WKST", "")
    frequency, keys = parts.pop("FREQ", ""), set(parts)
    days = tuple(day for day in DAYS if day in parts.get("BYDAY", "").split(","))
    if frequency == "DAILY" and not keys:
        return Simple("daily")
    if frequency in ("WEEKLY", "DAILY") and keys == {"BYDAY"}:
        if len(days) != len(parts["BYDAY"].split(",")):
            return Simple("rule")
        return Simple("weekdays") if days == WEEKDAYS else Simple("weekly", days)
    moment = QDateTime.fromString(start, "yyyy-MM-ddTHH:mm:ss")
    if frequency == "WEEKLY" and not keys and moment.isValid():
        return Simple("weekly", (DAYS[moment.date().dayOfWeek() - 1],))
    if frequency == "MONTHLY" and not keys and moment.isValid():
        return Simple("monthly", month_day=moment.date().day())
    day = parts.get("BYMONTHDAY", "")
    if frequency == "MONTHLY" and keys == {"BYMONTHDAY"} and day.isdecimal() and 1 <= int(day) < 32:
        return Simple("monthly", month_day=int(day))
    return Simple("rule")


def _wall(start: str) -> QDateTime:
    return QDateTime.fromString(start[:16], "yyyy-MM-ddTHH:mm")


def day_word(day: str) -> str:
    """A day of the week, short, in the person's language."""
    return QLocale().standaloneDayName(DAYS.index(day) + 1, QLocale.FormatType.ShortFormat)


def when(routine: Routine) -> str:
    """When it runs: "every weekday at 08:30". With where that is meant, if it is not
    this machine's zone: "every day at 08:30 (Lisbon)"."""
    found = simple(routine.rrule, routine.cron, routine.start)
    start = _wall(routine.start)
    time = start.toString("HH:mm")
    if found.pattern == "daily":
        said = translate("Routine", "every day at {time}").format(time=time)
    elif found.pattern == "weekdays":
        said = translate("Routine", "every weekday at {time}").format(time=time)
    elif found.pattern == "weekly":
        days = ", ".join(map(day_word, found.days))
        said = translate("Routine", "every {days} at {time}").format(days=days, time=time)
    elif found.pattern == "monthly":
        said = translate("Routine", "each month on day {day} at {time}").format(
            day=found.month_day, time=time
        )
    elif found.pattern == "once":
        day = QLocale().toString(start.date(), translate("Routine", "ddd d MMM yyyy"))
        said = translate("Routine", "once on {day} at {time}").format(day=day, time=time)
    elif found.pattern == "cron":
        said = translate("Routine", "by the cron line {line}").format(
            line=one_line(routine.cron, 40)
        )
    else:
        said = translate("Routine", "by the rule {rule}").format(rule=one_line(routine.rrule, 60))
    if routine.zone and routine.zone != local_zone():
        said = f"{said} ({city(routine.zone)})"
    return said


def local_zone() -> str:
    """The IANA name of this machine's zone, as far as Qt knows it."""
    return bytes(QTimeZone.systemTimeZoneId().data()).decode("ascii", "replace")


def moment_in(moment: datetime, zone: str) -> str:
    """A moment on the clock of a zone: "Mon 30 Nov 2026 08:30"."""
    there = QDateTime.fromMSecsSinceEpoch(round(moment.timestamp() * 1000))
    if zone and zone != local_zone():
        made = QTimeZone(QByteArray(zone.encode("ascii", "ignore")))
        if made.isValid():
            there = there.toTimeZone(made)
    return QLocale().toString(there, translate("Routine", "ddd d MMM yyyy HH:mm"))


def wall_text(day: QDate, time: QTime) -> str:
    """A wall time as the contract has it."""
    return QDateTime(day, time).toString("yyyy-MM-ddTHH:mm:ss")


def title_of(routine: Routine) -> str:
    """What it is called."""
    known = one_line(routine.title, _LONGEST)
    task = plain(routine.task.rpartition(".")[2])
    return known or one_line(routine.prompt, _LONGEST) or task


def cost(amount: Decimal | None) -> str:
    """What a run cost; "unknown" where no price is known."""
    if amount is None:
        return translate("Routine", "cost unknown")
    if amount == 0:
        return "$0"
    return f"${amount:.4f}" if amount < Decimal("0.01") else f"${amount:.2f}"


def state_word(state: OccurrenceState) -> tuple[str, Tone]:
    """How an occurrence stands, as a word and its colour."""
    words: dict[OccurrenceState, tuple[str, Tone]] = {
        "asking": (translate("Routine", "Run or skip?"), "warn"),
        "waiting": (translate("Routine", "Waiting"), "warn"),
        "running": (translate("Routine", "Running"), "accent"),
        "parked": (translate("Routine", "Waits for approval"), "warn"),
        "done": (translate("Routine", "Done"), "ok"),
        "failed": (translate("Routine", "Failed"), "bad"),
        "skipped": (translate("Routine", "Skipped"), "muted"),
        "interrupted": (translate("Routine", "Interrupted"), "warn"),
    }
    return words[state]


def badge(routine: Routine) -> tuple[str, Tone] | None:
    """How a routine stands; None where nothing was ever done and nothing is amiss."""
    last = routine.last
    if last is not None and last.state in ("running", "parked", "waiting"):
        return state_word(last.state)
    if routine.paused and routine.paused_why:
        return translate("Routine", "Paused itself"), "bad"
    if routine.paused:
        return translate("Routine", "Paused"), "warn"
    return state_word(last.state) if last is not None else None


def why_paused(routine: Routine) -> str:
    """Why it paused itself; "" where it did not."""
    if not (routine.paused and routine.paused_why):
        return ""
    if routine.failures >= FAILURES_TO_PAUSE:
        return translate("Routine", "paused itself: {number} failures in a row").format(
            number=routine.failures
        )
    return translate("Routine", "paused itself: {why}").format(
        why=one_line(routine.paused_why, 120)
    )


def times_said(routine: Routine, now: datetime) -> str:
    """When it runs, when next and when it ran last."""
    said = [when(routine)]
    if routine.due is not None and not routine.paused:
        said.append(translate("Routine", "next {time}").format(time=until(routine.due, now)))
    elif not routine.paused and routine.due is None:
        said.append(translate("Routine", "will not run again"))
    if routine.last is None:
        said.append(translate("Routine", "never run"))
    else:
        at = routine.last.started or routine.last.due
        said.append(translate("Routine", "last {time}").format(time=ago(at, now)))
    return " · ".join(said)


def spent(occurrence: Occurrence, kind: str) -> str:
    """How long it took and what it cost, as far as that is known."""
    parts = []
    if occurrence.seconds is not None:
        parts.append(seconds(occurrence.seconds))
    began = occurrence.started is not None
    ended = began and occurrence.state in ("done", "failed", "interrupted")
    # A task asks no model, unless it says so: only a known cost is told of it.
    if ended and (kind == "prompt" or occurrence.cost is not None):
        parts.append(cost(occurrence.cost))
    return " · ".join(parts)


def last_said(routine: Routine) -> str:
    """What came of the last time: result or error, duration and cost."""
    last = routine.last
    if last is None:
        return why_paused(routine)
    what = str(last.error) if last.error is not None else last.result
    parts = (why_paused(routine), one_line(what, _LONGEST), spent(last, routine.kind))
    return " · ".join(part for part in parts if part)
