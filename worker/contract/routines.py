"""The values of routines: prompts and tasks that run by themselves, and questions they ask.

Owns their names and meaning; frozen, like those in `types`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from worker.contract.types import JsonObject, Problem, Source

CatchUp: TypeAlias = Literal["skip", "once", "ask"]
"""What becomes of times that passed while nobody was there: left out, run once for all of them,
or asked about."""
Overlap: TypeAlias = Literal["skip", "queue"]
"""What becomes of a time at which the run before still goes on."""
OccurrenceState: TypeAlias = Literal[
    "asking", "waiting", "running", "parked", "done", "failed", "skipped", "interrupted"
]
"""`asking`: missed, and the person decides. `waiting`: it will run soon. `parked`: it waits for
an approval and holds nothing. `interrupted`: a crash ended it; the next one is not held up."""
Verdict: TypeAlias = Literal["once", "always", "deny"]

FAILURES_TO_PAUSE = 3
"""After so many failures in a row a routine pauses itself."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time of a routine. There is at most one for each routine and due time."""

    id: str
    routine: str
    due: datetime
    state: OccurrenceState
    run: str | None = None
    """The run that did it (the last one, where it was tried again)."""
    chat: str | None = None
    """The chat with its answer."""
    started: datetime | None = None
    ended: datetime | None = None
    seconds: float | None = None
    """From its start to its end, without the time it was parked; None while it is not known."""
    cost: Decimal | None = None
    """In US dollars, from the stored usage; None where not known or nothing was asked."""
    result: str = ""
    """The beginning of the answer, or of what the task returned."""
    error: Problem | None = None
    earlier: int = 0
    """How many times before this one passed with it, unseen; from `MOST_EARLIER` of reminders on
    there may be more."""
    by_hand: bool = False
    """A person asked for it (Run now)."""


@dataclass(frozen=True, slots=True)
class Routine:
    """A prompt or a module's task that runs by itself."""

    id: str
    title: str
    kind: Literal["prompt", "task"]
    start: str
    """From when on: a wall time as in `Reminder.start`."""
    zone: str
    """The IANA zone in which `start`, `rrule` and `cron` are meant."""
    created: datetime
    updated: datetime
    rrule: str = ""
    """RFC 5545's RRULE without its name; "" where `cron` is set, or for once."""
    cron: str = ""
    """Five fields of cron, e.g. "30 8 * * 1-5"; "" where `rrule` is set, or for once."""
    prompt: str = ""
    task: str = ""
    """module.task"""
    arguments: JsonObject = field(default_factory=dict)
    provider: str = ""
    """"" for the default."""
    model: str = ""
    tools: tuple[str, ...] | None = None
    """Names of the tools that it may use; None for all. One that needs approval is asked for
    nevertheless."""
    chat: str | None = None
    """Where it answers; None for a new chat each time."""
    notify: bool = True
    """Whether its end is notified."""
    missed: CatchUp = "once"
    overlap: Overlap = "skip"
    source: Source = "chat"
    paused: bool = False
    paused_why: str = ""
    """Why it paused itself; "" where a person did."""
    failures: int = 0
    """How many of its last runs failed in a row."""
    due: datetime | None = None
    """When it is due next; None while it is paused or when it will not be any more."""
    deleted: datetime | None = None
    last: Occurrence | None = None
    """The newest occurrence that is not "asking"."""


@dataclass(frozen=True, slots=True)
class RoutineDraft:
    """A routine as it is to be made or changed; the fields mean what they mean in `Routine`."""

    title: str = ""
    """"" makes one from the prompt or the task."""
    prompt: str = ""
    task: str = ""
    arguments: JsonObject = field(default_factory=dict)
    start: str = ""
    """"" for now."""
    zone: str = ""
    """"" for the machine's."""
    rrule: str = ""
    cron: str = ""
    provider: str = ""
    model: str = ""
    tools: tuple[str, ...] | None = None
    chat: str | None = None
    notify: bool = True
    missed: CatchUp = "once"
    overlap: Overlap = "skip"


@dataclass(frozen=True, slots=True)
class Approval:
    """A call of a tool that waits for a person's word, stored: it outlives every process."""

    id: str
    run: str
    """The run that is parked by it."""
    tool: str
    """The tool's title."""
    arguments: JsonObject
    why: str
    """What the call would do, for people."""
    asked: datetime
    chat: str | None = None
    message: str | None = None
    routine: str | None = None
    verdict: Verdict | None = None
    """None while it waits."""
    instead: str = ""
    """What the person wants done instead, told to the model with a denial."""
    answered: datetime | None = None
    expired: bool = False
    """Its run ended meanwhile; there is nothing left to answer."""
    may_always: bool = True
    """Whether "always" is an answer to it; some are asked about each time."""
