"""How often a reminder comes, as a person chooses it: a few usual rules, or any other in its words.

Owns which rules have a name and how they are written. Knows no widget.
"""

from datetime import date
from typing import Literal, TypeAlias, get_args

from nagatha_desktop.reminders.words import DAYS, parts_of, translate

Repeat: TypeAlias = Literal["once", "daily", "weekdays", "weekly", "monthly", "yearly", "other"]
REPEATS: tuple[Repeat, ...] = get_args(Repeat)


def word(repeat: Repeat) -> str:
    """What a choice is called."""
    texts: dict[Repeat, str] = {
        "once": translate("Reminders", "Once"),
        "daily": translate("Reminders", "Every day"),
        "weekdays": translate("Reminders", "Every weekday, Monday to Friday"),
        "weekly": translate("Reminders", "Every week on this day"),
        "monthly": translate("Reminders", "Every month on this day"),
        "yearly": translate("Reminders", "Every year on this day"),
        "other": translate("Reminders", "By another rule"),
    }
    return texts[repeat]


def rule(repeat: Repeat, day: date) -> str:
    """The RRULE of a choice that begins on `day`; "" for once and for what has no name."""
    rules: dict[Repeat, str] = {
        "daily": "FREQ=DAILY",
        "weekdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "weekly": f"FREQ=WEEKLY;BYDAY={DAYS[day.weekday()]}",
        "monthly": f"FREQ=MONTHLY;BYMONTHDAY={day.day}",
        "yearly": f"FREQ=YEARLY;BYMONTH={day.month};BYMONTHDAY={day.day}",
    }
    return rules.get(repeat, "")


def repeat_of(rrule: str, day: date) -> Repeat:
    """The choice that an RRULE is, for a reminder that begins on `day`."""
    if not rrule.strip():
        return "once"
    parts = {name: value for name, value in parts_of(rrule).items() if name != "WKST"}
    if parts.get("INTERVAL") == "1":
        del parts["INTERVAL"]
    if "BYDAY" in parts:
        parts["BYDAY"] = ",".join(sorted(parts["BYDAY"].split(","), key=_place))
    for repeat in REPEATS[1:-1]:
        named = parts_of(rule(repeat, day))
        # Where the rule leaves the day out, the first time says it.
        if parts == named or (parts == {"FREQ": named["FREQ"]} and repeat != "weekdays"):
            return repeat
    return "other"


def _place(day: str) -> int:
    return DAYS.index(day) if day in DAYS else len(DAYS)
