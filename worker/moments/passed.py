"""What of a series has come while nobody looked.

Owns finding the newest time without walking through all of them: years of minutes cost what an
hour of them does. It must not know how a series is written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from worker.contract.reminders import MOST_EARLIER

Times: TypeAlias = Callable[[datetime], Iterator[datetime]]
"""The times of a series after an instant, growing."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Times of a series that have come."""

    last: datetime
    earlier: int
    """How many came before the last one; `MOST_EARLIER` for as many or more."""
    following: datetime | None
    """The next one to come."""


def passed(times: Times, due: datetime, now: datetime) -> Passed:
    """What came from `due`, which has come, until `now`.

    Looks at `MOST_EARLIER` times, and a few more. Raises what `times` does.
    """
    last, earlier = due, 0
    for at in times(due):
        if at > now:
            return Passed(last, earlier, at)
        if earlier == MOST_EARLIER:
            newest, following = _newest(times, at, now)
            return Passed(newest, earlier, following)
        last, earlier = at, earlier + 1
    return Passed(last, earlier, None)


def _newest(times: Times, low: datetime, now: datetime) -> tuple[datetime, datetime | None]:
    """The newest time until `now`, and the one after it; `low` is one of them.

    What is left is halved each time, so that ten years of minutes need some twenty looks.
    """
    high = now
    while True:
        following = next(times(low), None)
        if following is None or following > now:
            return low, following
        middle = following + (high - following) / 2
        found = next(times(middle), None)
        if found is not None and found <= now:
            low = found
        else:
            low, high = following, middle
