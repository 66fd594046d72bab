"""The verbs of routines and of each time that one is due.

Owns that part of the `Storage` interface; see `base` for what holds for all verbs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypedDict

from worker.contract.jobs import LogLine
from worker.contract.routines import CatchUp, Occurrence, OccurrenceState, Overlap, Routine
from worker.contract.types import Chat, JsonObject, Message, Run

OVERLAP = "overlap"
"""The kind of the Conflict that says that the time before still goes on."""


class RoutineChanges(TypedDict, total=False):
    """The fields of a routine that `update_routine` may set."""

    title: str
    kind: str
    prompt: str
    task: str
    arguments: JsonObject
    start: str
    zone: str
    rrule: str
    cron: str
    provider: str
    model: str
    tools: tuple[str, ...] | None
    chat: str | None
    notify: bool
    missed: CatchUp
    overlap: Overlap
    paused: bool
    paused_why: str
    failures: int
    due: datetime | None
    deleted: datetime | None
    updated: datetime


@dataclass(frozen=True, slots=True)
class Start:
    """What is stored with the beginning of an occurrence: its run, and where it answers."""

    run: Run
    lines: Sequence[LogLine] = ()
    """Of the run's log."""
    chat: Chat | None = None
    """A new one, where it begins one."""
    question: Message | None = None
    answer: Message | None = None
    """In state streaming; None for a task."""


@dataclass(frozen=True, slots=True)
class OwnedOccurrence:
    """An occurrence, and whose it is."""

    owner: str
    occurrence: Occurrence
    catch_up: bool
    """Whether it makes up for times that were missed."""


class RoutineStorage(Protocol):
    """See the module."""

    async def add_routine(self, owner: str, routine: Routine) -> Routine:
        """Keep a new routine (without its `last`)."""
        ...

    async def get_routine(self, owner: str, routine: str) -> Routine:
        """One routine with its newest occurrence, deleted ones too."""
        ...

    async def list_routines(self, owner: str) -> tuple[Routine, ...]:
        """Those that are not deleted: the next due first, then those without, by title."""
        ...

    async def update_routine(self, owner: str, routine: str, changes: RoutineChanges) -> Routine:
        """Set some fields; returns the routine as it is then."""
        ...

    async def due_routines(self, now: datetime) -> tuple[tuple[str, Routine], ...]:
        """Those of everybody that are due at `now`, with their owner, the longest due first."""
        ...

    async def next_routine_due(self, after: datetime | None = None) -> datetime | None:
        """When the next one of everybody is due; of those that are due `after` a time, where that
        is given."""
        ...

    async def add_occurrence(
        self,
        owner: str,
        occurrence: Occurrence,
        *,
        move: tuple[datetime, datetime | None] | None = None,
        start: Start | None = None,
        catch_up: bool = False,
        instead: Sequence[str] = (),
    ) -> bool:
        """In one transaction: the occurrence, the routine's `due` moved from the first time of
        `move` to the second, what `start` holds, and the occurrences `instead`, which still ask or
        wait, as skipped.

        False, with nothing changed, where the routine is not due at that time any more (another
        process was quicker, it was paused or deleted); and where that time has its occurrence,
        with nothing changed but `due`. With a
        `start` raises Conflict: of kind OVERLAP while another occurrence of the routine is
        running or parked, and what `begin_answer` raises.
        """
        ...

    async def start_occurrence(self, owner: str, occurrence: Occurrence, start: Start) -> bool:
        """Let an occurrence that waits begin, as given and with what `start` holds; False where
        it does not wait any more. Raises Conflict as `add_occurrence`."""
        ...

    async def end_occurrence(
        self,
        owner: str,
        occurrence: Occurrence,
        failed: bool | None,
        pause_why: str = "",
        at: datetime | None = None,
    ) -> Routine | None:
        """In one transaction: an open occurrence as it ended, and its routine's count of
        failures: one more where it `failed`, none where not, as it was for None. With the last
        failure that is borne the routine pauses itself, and says `pause_why`: it is changed `at`
        that time, None for when the occurrence ended. The time that it was at work (`seconds`) is
        reckoned here.

        Returns the routine as it is then; None, with nothing changed, where it was not open.
        """
        ...

    async def decide_occurrence(
        self, owner: str, occurrence: str, run: bool, at: datetime
    ) -> Occurrence | None:
        """One that asks waits to be run, as one that was missed, or is skipped; None where it
        does not ask any more."""
        ...

    async def get_occurrence(self, owner: str, occurrence: str) -> Occurrence:
        """One occurrence."""
        ...

    async def occurrence_of(self, owner: str, run: str) -> Occurrence | None:
        """The occurrence that a run does."""
        ...

    async def occurrences(self, owner: str, routine: str, limit: int) -> tuple[Occurrence, ...]:
        """Those of a routine, the newest first."""
        ...

    async def asking_occurrences(self, owner: str) -> tuple[Occurrence, ...]:
        """Those that a person decides about, of routines not deleted, the oldest first."""
        ...

    async def open_occurrences(
        self, states: Sequence[OccurrenceState]
    ) -> tuple[OwnedOccurrence, ...]:
        """Those of everybody in one of these states, the longest due first."""
        ...

    async def run_cost(self, owner: str, run: str) -> Decimal | None:
        """What the calls of a run cost together, in US dollars; None where one of them has no
        known price, or there was none."""
        ...
