"""What the parts of a line about time are, before they are put together.

Owns the values that `phrase_words` finds and `phrases` joins. They know no language.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

PartName: TypeAlias = Literal["morning", "afternoon", "evening", "night"]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day."""

    hour: int
    minute: int = 0
    half: Literal["", "am", "pm"] = ""


@dataclass(frozen=True, slots=True)
class Midnight:
    """Between two days, and so of no day."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day."""

    name: PartName


@dataclass(frozen=True, slots=True)
class InDays:
    """A day counted from today."""

    days: int


@dataclass(frozen=True, slots=True)
class OnWeekday:
    """A weekday to come; Monday is 0."""

    day: int
    which: Literal["", "next", "next week"] = ""


@dataclass(frozen=True, slots=True)
class OnDate:
    """A day of the calendar; None for what was not said."""

    day: int
    month: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class After:
    """A length of time from now on."""

    minutes: int = 0
    days: int = 0
    months: int = 0


@dataclass(frozen=True, slots=True)
class Every:
    """A rule: its frequency, and what it says about days."""

    frequency: str
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    place: int = 0
    """Which of `weekdays` in a month; 0 for all."""
    month_day: int = 0


@dataclass(frozen=True, slots=True)
class Repeated:
    """A word that makes a rule of the day beside it: every 3 March, every 1st."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What the day after it is."""

    which: Literal["from", "until"]


@dataclass(frozen=True, slots=True)
class Unclear:
    """Something about time that cannot be taken for one thing."""

    why: str


Element: TypeAlias = (
    Clock
    | Midnight
    | Part
    | InDays
    | OnWeekday
    | OnDate
    | After
    | Every
    | Repeated
    | Bound
    | Unclear
)


@dataclass(frozen=True, slots=True)
class Found:
    """An element and where in the text it stands."""

    begin: int
    end: int
    element: Element
