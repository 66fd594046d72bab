"""The values of background work beside the run itself: its log, batches, schedules, dead letters.

Owns their names and meaning; frozen, like those in `types`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from worker.contract.types import JsonObject, Run

PRIORITY_PERSON: Final = 8
"""Of what a person waits for: not held back while background work is paused."""
PRIORITY_REMINDER: Final = 6
PRIORITY_DEFAULT: Final = 4
PRIORITY_MAINTENANCE: Final = 1


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of what a run wrote down."""

    at: datetime
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    text: str


@dataclass(frozen=True, slots=True)
class TaskCall:
    """A task and what it is to be called with."""

    name: str
    """module.task"""
    arguments: JsonObject


@dataclass(frozen=True, slots=True)
class Batch:
    """Several runs that belong together, and how far the whole is. Counted from their rows."""

    id: str
    kind: Literal["group", "chain"]
    """"group": in any order, several at once. "chain": one after the other, until one fails."""
    runs: tuple[Run, ...]
    """In the order in which they were given."""

    @property
    def progress(self) -> float:
        """0 to 1: ended runs count whole, one at work with what it tells."""
        done = sum(1.0 if run.ended else run.progress or 0.0 for run in self.runs)
        return done / len(self.runs) if self.runs else 1.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that the broker gave up after too many failed deliveries."""

    id: int
    """Names it to `retry_dead` and `delete_dead`; the broker's own number."""
    task: str
    """The task's name; "" for something that is no task."""
    run: str
    """The task's id; "" for something that is no task."""
    queue: str
    deliveries: int
    died: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that is queued again and again by Beat."""

    name: str
    """The entry's name, e.g. "maintenance" or "module:feeds.fetch"."""
    task: str
    title: str
    """What it does, for people."""
    interval: float
    """Seconds between two runs, as a person chose or by default."""
    default_interval: float
    paused: bool
    last: datetime | None
    """When its last run was queued; None when it never was."""
    next: datetime | None
    """When it is due; None while it, or all background work, is paused, or nobody runs Beat."""
    last_run: Run | None
    """The last run, with its result; None when none is kept."""
