"""Cron lines as instants.

Owns the way from five fields and a zone to instants, with cronsim, which does as Debian's cron:
what falls into the hour that clocks jump over comes right after it, and what falls into the hour
that comes twice comes once, unless it comes every hour anyway. It must not know routines.
"""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from worker.moments.recurrence import find_zone

LONGEST = 200
"""Characters of a line."""
SHORT = {
    "@HOURLY": "0 * * * *",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@WEEKLY": "0 0 * * 0",
    "@MONTHLY": "0 0 1 * *",
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
}
"""What cron's short names stand for."""
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def fields(line: str) -> str:
    """The five fields of a line, one space between them. Raises ValueError, says why in words."""
    if len(line) > LONGEST:
        raise ValueError(f"a cron line has at most {LONGEST} characters")
    found = SHORT.get(line.strip().upper(), line).split()
    if len(found) == 6:
        raise ValueError("it has six fields: with seconds, it could come more than once a minute")
    if len(found) != 5:
        raise ValueError(
            "a cron line has five fields: minute, hour, day of the month, month, weekday"
        )
    return " ".join(found)


def check_cron(line: str) -> None:
    """Raise ValueError, which says why in words, for a line that makes no sense or never comes."""
    if next_after_cron(line, "UTC", _SOME_DAY) is None:
        raise ValueError("it never comes: no day fits all that it asks for")


def next_after_cron(line: str, zone: str, after: datetime) -> datetime | None:
    """The first instant (UTC) of a line after `after`; None when there is none within 50 years.

    Raises ValueError for a line or zone that makes no sense.
    """
    where = find_zone(zone)
    expression = fields(line)
    try:
        coming = CronSim(expression, after.astimezone(where))
    except CronSimError as error:
        raise ValueError(why(str(error), expression)) from None
    except OverflowError:
        return None
    try:
        for at in coming:
            found = at.astimezone(UTC)
            # A time of the hour that comes twice is given as its first one, also after it.
            if found > after:
                return found
    except OverflowError:
        pass
    return None


def why(error: str, expression: str) -> str:
    """What cronsim says of five fields, in words."""
    names = ("minute", "hour", "day-of-month", "month", "day-of-week")
    for name, field in zip(names, expression.split(), strict=True):
        if error == f"Bad {name}":
            plain = {"day-of-month": "day of the month", "day-of-week": "weekday"}.get(name, name)
            return f"“{field}” is no {plain}, or none that ever comes (cron)"
    return f"the cron line makes no sense: {error}"
