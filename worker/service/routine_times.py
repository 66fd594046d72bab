"""When routines are due: their rules checked, their next times, and what passed meanwhile.

Owns the way from a routine's rule to instants; cron lines with cronsim, which does as Debian's
cron: what falls into the hour that clocks jump over comes right after it, and what falls into the
hour that comes twice comes once, unless it comes every hour anyway. Pure functions; a long rule
takes its time, so callers on the loop go through a thread. It must not know storage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from worker.contract.errors import InvalidInput
from worker.contract.routines import Routine
from worker.moments.cron import fields, why
from worker.moments.passed import Passed
from worker.moments.passed import passed as times_passed
from worker.moments.recurrence import find_zone, occurrences, wall_time

SHORTEST = timedelta(minutes=1)
"""Between two times of a routine."""
LOOKED_AT = 20
"""Times of a rule that are looked at to see how often it comes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When something is due."""

    start: str
    """A wall time in ISO 8601 without an offset."""
    zone: str
    rrule: str = ""
    cron: str = ""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The instants (UTC, growing) after `moment`. Raises ValueError."""
        if not self.cron:
            yield from occurrences(self.start, self.zone, self.rrule, moment)
            return
        where, line = find_zone(self.zone), fields(self.cron)
        first = wall_time(self.start).replace(tzinfo=where).astimezone(UTC)
        # Not before its start, which may be one of its times itself.
        begin = max(moment, first - timedelta(seconds=1))
        last = begin
        try:
            for wall in CronSim(line, begin.astimezone(where)):
                at = wall.astimezone(UTC)
                if at > last:
                    last = at
                    yield at
        except CronSimError as error:
            raise ValueError(why(str(error), line)) from error


def rule_of(routine: Routine) -> Rule:
    """A routine's."""
    return Rule(routine.start, routine.zone, routine.rrule, routine.cron)


def next_time(rule: Rule, after: datetime) -> datetime | None:
    """The first time after `after`; None where there is none any more. Raises ValueError."""
    return next(rule.after(after), None)


def passed(rule: Rule, due: datetime, now: datetime) -> Passed:
    """What came from `due`, which has come, until `now`. Raises ValueError."""
    return times_passed(rule.after, due, now)


def checked_rule(rule: Rule, now: datetime, count: int = 1) -> tuple[datetime, ...]:
    """The next `count` times of a new rule. Raises InvalidInput for one that makes no sense,
    comes more often than once a minute, or never any more."""
    if rule.rrule and rule.cron:
        raise InvalidInput("Two rules cannot be kept", "Give either a cron line or an RRULE.")
    try:
        ZoneInfo(rule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            "There is no such time zone", f"“{rule.zone}” is none.", "E.g. Europe/Berlin."
        ) from None
    if "SECONDLY" in rule.rrule.upper():
        raise _too_often()  # said at once: millions of seconds since its start would be counted
    try:
        coming = tuple(islice(rule.after(now), max(count, LOOKED_AT)))
    except (ValueError, TypeError, OverflowError, ZoneInfoNotFoundError) as error:
        what = "cron line" if rule.cron else "rule" if rule.rrule else "time"
        raise InvalidInput(
            f"The {what} makes no sense",
            str(error),
            "E.g. 30 8 * * 1-5 as a cron line, FREQ=WEEKLY;BYDAY=MO as an RRULE, or "
            "2026-12-01T08:30 as a time.",
        ) from None
    if any(later - one < SHORTEST for one, later in pairwise(coming)):
        raise _too_often()
    if not coming:
        raise InvalidInput(
            "It would never run", "All of its times have passed.", "Give a later one."
        )
    return coming[:count]


def _too_often() -> InvalidInput:
    return InvalidInput(
        "The rule comes too often", "Once a minute is the most.", "Let it come less often."
    )
