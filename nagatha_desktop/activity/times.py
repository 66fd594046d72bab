"""Times and spans as the activity window writes them.

Owns the words: near a moment they are relative and calm ("5 min ago"), whole in a tool tip. Knows
no run and no widget.
"""

from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from nagatha_desktop.widgets.text import seconds, whole_seconds

_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 86_400.0
_WEEK = 7 * _DAY

translate = QCoreApplication.translate


def ago(moment: datetime, now: datetime) -> str:
    """How long a past moment lies back; the day once that is more than a week."""
    passed = (now - moment).total_seconds()
    if passed < _MINUTE:
        return translate("Activity", "just now")
    if passed < _HOUR:
        return translate("Activity", "{number} min ago").format(number=int(passed // _MINUTE))
    if passed < _DAY:
        return translate("Activity", "{number} h ago").format(number=int(passed // _HOUR))
    if passed < _WEEK:
        return translate("Activity", "{number} d ago").format(number=int(passed // _DAY))
    return QLocale().toString(_local(moment), translate("Activity", "d MMM yyyy"))


def until(moment: datetime, now: datetime) -> str:
    """How long it is until a moment: "in 8 s", "in 5 min"; "now" once it is there."""
    left = (moment - now).total_seconds()
    if left <= 0:
        return translate("Activity", "now")
    return translate("Activity", "in {time}").format(time=_coarse(left))


def _coarse(span: float) -> str:
    """A span that is waited for: seconds only where they count."""
    if span < 90:
        return whole_seconds(max(1.0, span))
    if span < _HOUR:
        return translate("Activity", "{number} min").format(number=round(span / _MINUTE))
    if span < _DAY:
        return translate("Activity", "{number} h").format(number=round(span / _HOUR))
    return translate("Activity", "{number} d").format(number=round(span / _DAY))


def whole(moment: datetime) -> str:
    """A moment to the second, in this machine's time and the order of the person's language."""
    return QLocale().toString(_local(moment), translate("Activity", "ddd d MMM yyyy HH:mm:ss"))


def near(moment: datetime, other: datetime) -> str:
    """A moment to the second; only its time where it lies on the day of one that is told before."""
    if _local(moment).date() == _local(other).date():
        return QLocale().toString(_local(moment), translate("Activity", "HH:mm:ss"))
    return whole(moment)


def took(begun: datetime, ended: datetime) -> str:
    """How long something took."""
    return seconds((ended - begun).total_seconds())


def for_now(begun: datetime, now: datetime) -> str:
    """How long something is at work by now, in whole seconds."""
    return whole_seconds((now - begun).total_seconds())


def every(interval: float) -> str:
    """How often: "every 5 minutes", "every hour", "every 2 h 30 min"."""
    for size, one, many in (
        (_DAY, translate("Activity", "every day"), translate("Activity", "every {number} days")),
        (_HOUR, translate("Activity", "every hour"), translate("Activity", "every {number} hours")),
        (
            _MINUTE,
            translate("Activity", "every minute"),
            translate("Activity", "every {number} minutes"),
        ),
    ):
        if interval >= size and interval % size == 0:
            number = int(interval // size)
            return one if number == 1 else many.format(number=number)
    return translate("Activity", "every {time}").format(time=whole_seconds(interval))


def _local(moment: datetime) -> QDateTime:
    return QDateTime.fromMSecsSinceEpoch(round(moment.timestamp() * 1000))
