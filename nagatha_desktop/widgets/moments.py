"""Moments as a person reads them: in the machine's zone, as near as they are.

Owns where the machine is (`home_zone`), the way from an instant to its wall clock (`Wall`), and the
words for a moment. Knows no reminder and no widget.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QDate, QDateTime, QLocale, QTime, QTimeZone

from worker.contract.reminders import MOST_EARLIER

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EVENING = time(18)
"""When the evening begins for who puts something off until then."""
MORNING = time(9)
_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 86_400.0

translate = QCoreApplication.translate


def home_zone() -> str:
    """The IANA name of the zone that this machine is in now."""
    return bytes(QTimeZone.systemTimeZoneId().data()).decode("ascii", "replace") or "UTC"


def zone_of(name: str) -> "ZoneInfo | None":
    """A zone by its IANA name; None where this system does not know it."""
    from zoneinfo import ZoneInfo  # brings much along that a start can do without

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


class Wall:
    """The clock on the wall where this machine is, also after it was carried elsewhere."""

    def __init__(self, zone: Callable[[], str] = home_zone) -> None:
        """`zone` names the zone of now."""
        self._zone = zone

    @property
    def zone(self) -> str:
        """The IANA name of the zone of now."""
        return self._zone()

    def of(self, moment: datetime) -> datetime:
        """An instant as this wall shows it."""
        zone = zone_of(self.zone)
        return moment.astimezone(zone) if zone is not None else moment.astimezone()

    def day_of(self, moment: datetime) -> date:
        """The day that it is here at an instant."""
        return self.of(moment).date()

    def at(self, day: date, clock: time) -> datetime:
        """The instant at which this wall shows `clock` on `day`."""
        naive = datetime.combine(day, clock)
        zone = zone_of(self.zone)
        return naive.replace(tzinfo=zone) if zone is not None else naive.astimezone()

    def midnight(self, day: date) -> datetime:
        """The beginning of a day here."""
        return self.at(day, time(0))

    def shows_as(self, zone: str, moments: tuple[datetime, ...]) -> bool:
        """Whether a clock in `zone` shows the same as this one at all these instants."""
        there = zone_of(zone)
        if there is None or zone == self.zone:
            return zone == self.zone
        return all(self.of(at).utcoffset() == at.astimezone(there).utcoffset() for at in moments)


def city(zone: str) -> str:
    """What a zone is called among people: "America/New_York" is "New York"."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def written(moment: datetime, form: str) -> str:
    """What a wall shows (`moment` as it stands), in a form of Qt's and the person's language."""
    day = QDate(moment.year, moment.month, moment.day)
    clock = QTime(moment.hour, moment.minute, moment.second)
    # UTC has no hour that clocks jump over.
    there = QTimeZone(QTimeZone.Initialization.UTC)
    return QLocale().toString(QDateTime(day, clock, there), form)


def clock(moment: datetime) -> str:
    """The time of day that a wall shows: "09:00"."""
    return written(moment, translate("Moments", "HH:mm"))


def point(moment: datetime, now: datetime, wall: Wall) -> str:
    """A moment by itself: "10:30" today, "tomorrow 09:00", "Tue 1 Dec 09:00"."""
    there, here = wall.of(moment), wall.of(now)
    if there.date() == here.date():
        return clock(there)
    if there.date() == here.date() + timedelta(days=1):
        return translate("Moments", "tomorrow {time}").format(time=clock(there))
    return day_and_clock(there, here)


def day_and_clock(there: datetime, here: datetime) -> str:
    """A wall time with its day, and with its year where that is not the one of `here`."""
    if there.year == here.year:
        return written(there, translate("Moments", "ddd d MMM HH:mm"))
    return written(there, translate("Moments", "ddd d MMM yyyy HH:mm"))


def whole(moment: datetime, wall: Wall) -> str:
    """A moment with nothing left out."""
    return written(wall.of(moment), translate("Moments", "dddd d MMMM yyyy HH:mm"))


def soon(moment: datetime, now: datetime) -> str:
    """How long it is until a moment, in the last hour before it: "in 12 min"; "" earlier."""
    left = (moment - now).total_seconds()
    if left <= 0:
        return translate("Moments", "now")
    minutes = ceil(left / _MINUTE)
    return translate("Moments", "in {number} min").format(number=minutes) if minutes <= 60 else ""


def ago(moment: datetime, now: datetime) -> str:
    """How long a past moment lies back."""
    passed = (now - moment).total_seconds()
    if passed < _MINUTE:
        return translate("Moments", "just now")
    if passed < _HOUR:
        return translate("Moments", "{number} min ago").format(number=int(passed // _MINUTE))
    if passed < _DAY:
        return translate("Moments", "{number} h ago").format(number=int(passed // _HOUR))
    return translate("Moments", "{number} d ago").format(number=int(passed // _DAY))


def times_before(number: int) -> str:
    """How many times passed unseen; beyond what is counted "1000 or more"."""
    if number < MOST_EARLIER:
        return str(number)
    return translate("Moments", "{number} or more").format(number=number)


def later_today(now: datetime, wall: Wall) -> datetime | None:
    """This evening, or None once it has begun."""
    evening = wall.at(wall.day_of(now), EVENING)
    return evening if evening > now else None


def tomorrow_morning(now: datetime, wall: Wall) -> datetime:
    """Tomorrow at nine."""
    return wall.at(wall.day_of(now) + timedelta(days=1), MORNING)
