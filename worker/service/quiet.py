"""When notifications are kept back: the quiet hours of the settings, and "do not disturb".

Owns how the two go together. Quiet hours are meant on the wall of the machine's zone.
"""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from worker.contract.reminders import Quiet
from worker.moments.recurrence import instant

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Quiet hours, e.g. from 22:00 to 7:00."""

    begin: time
    end: time

    @classmethod
    def of(cls, begin: str, end: str) -> "Hours | None":
        """From the settings; None where there are none."""
        if not begin or not end or begin == end:
            return None
        return cls(time.fromisoformat(begin), time.fromisoformat(end))

    def around(self, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Begin and end of those that `now` lies in; None when it lies in none."""
        for begin, end in self._near(now, zone):
            if begin <= now < end:
                return begin, end
        return None

    def next_begin(self, now: datetime, zone: ZoneInfo) -> datetime:
        """When they begin next."""
        return min(begin for begin, _ in self._near(now, zone) if begin > now)

    def _near(self, now: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
        today = now.astimezone(zone).date()
        over_night = self.end < self.begin
        found = []
        for days in (-1, 0, 1, 2):
            day = today + days * _DAY
            begin = instant(datetime.combine(day, self.begin), zone)
            last = day + _DAY if over_night else day
            found.append((begin, instant(datetime.combine(last, self.end), zone)))
        return found


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for besides the settings."""

    asked: datetime | None = None
    """Do not disturb until then."""
    open: datetime | None = None
    """Quiet hours do not count until then: somebody ended those of that night."""

    @classmethod
    def of(cls, stored: str | None) -> "Wishes":
        """From a stored value."""
        values = json.loads(stored) if stored else {}
        return cls(*(_time(values.get(name)) for name in ("asked", "open")))

    def stored(self) -> str:
        """For a stored value."""
        return json.dumps({"asked": _text(self.asked), "open": _text(self.open)})


def quiet_at(now: datetime, hours: Hours | None, wishes: Wishes, zone: ZoneInfo) -> Quiet:
    """Whether notifications are kept back at `now`, and until when."""
    end, why = now, Quiet(None)
    while True:
        before = end
        if wishes.asked is not None and wishes.asked > end:
            end = wishes.asked
            why = Quiet(end, why.why or "asked")
        around = hours.around(end, zone) if hours is not None else None
        if around is not None and not (wishes.open is not None and end < wishes.open):
            end = around[1]
            why = Quiet(end, why.why or "hours")
        if end == before:
            return why


def next_change(
    now: datetime, hours: Hours | None, wishes: Wishes, zone: ZoneInfo
) -> datetime | None:
    """When `quiet_at` may say something else; None when nothing is planned."""
    quiet = quiet_at(now, hours, wishes, zone)
    if quiet.until is not None:
        return quiet.until
    return hours.next_begin(now, zone) if hours is not None else None


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
