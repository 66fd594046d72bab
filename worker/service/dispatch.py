"""The seam to what runs tasks: the broker, the worker and Beat.

Owns `Dispatcher` and `Background`. It must not know Celery, which is on their other side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from worker.contract.errors import Unavailable
from worker.contract.jobs import PRIORITY_DEFAULT, DeadLetter
from worker.contract.system import Health
from worker.contract.types import JsonObject, RunState, Source

HIGHEST_PRIORITY = 9
"""Of what a person wants to be begun before everything else."""
PRIORITIES: Mapping[Source, int] = {
    "chat": 6,
    "quick": 6,
    "cli": 6,
    "api": 5,
    "module": PRIORITY_DEFAULT,
    "schedule": 2,
    "engine": 2,
}
"""What a person began goes before what came by itself. What somebody waits for right now (an
answer, a task that an answer needs, “Run now”) has `PRIORITY_PERSON` and goes before all."""


@dataclass(frozen=True, slots=True)
class BackgroundState:
    """How the background is."""

    broker: str
    """The broker's address without a password."""
    worker: Health
    beat: Health
    restarts: int = 0
    """How often a dead worker was started again."""
    reason: str = ""


class Dispatcher(Protocol):
    """Something that can put a run into the queue."""

    async def send(
        self,
        owner: str,
        task: str,
        run: str,
        *,
        delay: float = 0.0,
        priority: int = PRIORITY_DEFAULT,
    ) -> None:
        """Queue the task named `task` for the stored run `run`, due in `delay` seconds.

        Of what is due the highest `priority` (0 to 9) is begun first. Accepted means on disk (or
        confirmed by the server). The message carries ids only. Raises Unavailable when the
        broker does not take it.
        """
        ...

    async def hasten(self, owner: str, task: str, run: str) -> None:
        """Queue a run that waits already before all others, and at once. Raises Unavailable."""
        ...

    async def revoke(self, run: str) -> None:
        """Take a queued run out, or let the worker pass over it."""
        ...

    async def holds(self, run: str) -> bool:
        """True when a message for the run is in the queue or with a worker for certain."""
        ...

    async def missing(self, runs: Sequence[str]) -> frozenset[str]:
        """Those of `runs` that `holds` denies, all asked for at once."""
        ...

    async def report(self, run: str, state: RunState, meta: JsonObject) -> None:
        """Tell Celery clients how a run stands whose message was acknowledged before its end.

        `meta` is its result when it has succeeded, {"error"} when it failed or is tried again,
        {"status", "progress"} else. Raises Unavailable when the result backend does not take it.
        """
        ...


class Background(Dispatcher, Protocol):
    """The broker, worker and Beat that an engine is plugged into."""

    async def start(self) -> None:
        """Connect, and start the worker where one is wanted; nothing when that was done.

        Raises Unavailable, InvalidInput.
        """
        ...

    async def aclose(self) -> None:
        """Stop the worker and let go of every connection and file."""
        ...

    @property
    def state(self) -> BackgroundState:
        """How they are now."""
        ...

    async def tidy(self) -> JsonObject:
        """The broker's own housekeeping, where it has any; returns counts."""
        ...

    async def reach(self) -> None:
        """Raises Unavailable when the broker does not answer now."""
        ...

    def watch(self) -> None:
        """Take over Beat when the process that had it is gone; called now and then."""
        ...

    async def refresh(self) -> None:
        """Modules were switched: take their tasks in or out."""
        ...

    async def pause(self, paused: bool) -> None:
        """Let what is queued wait from now on, or go on with it. What a person waits for (see
        `PRIORITY_PERSON`) is not held back."""
        ...

    def holds_back(self, priority: int) -> bool:
        """Whether a run of this priority, which a worker has taken, is to wait all the same."""
        ...

    async def reschedule(self) -> None:
        """A schedule was changed: let Beat look at what is due when."""
        ...

    async def follow(self) -> None:
        """Use the broker of the settings, where those were changed by somebody else.

        Raises Unavailable or InvalidInput; the old one runs on.
        """
        ...

    async def change_broker(self, url: str) -> None:
        """Stop, and start on another broker; on failure the old one runs on.

        Raises Unavailable or InvalidInput.
        """
        ...

    async def round_trip(self, seconds: float) -> float:
        """How many seconds a message to the worker and its answer take.

        Raises Unavailable when nothing came back within `seconds`.
        """
        ...

    async def forget_all(self) -> None:
        """Remove every queued message and result."""
        ...

    async def dead_letters(self, owner: str) -> tuple[DeadLetter, ...]:
        """Messages of `owner` that the broker gave up, newest first.

        Raises Unavailable where it cannot be asked.
        """
        ...

    async def dead_count(self, owner: str) -> int | None:
        """How many those are; None where the broker cannot be asked."""
        ...

    async def dead_runs(self) -> frozenset[str]:
        """The runs of all of them, whoever's they are; none where the broker cannot be asked."""
        ...

    async def retry_dead(self, owner: str, letter: int) -> None:
        """Put a dead letter back into its queue with a clean slate.

        Raises NotFound, or Unavailable where the broker cannot be asked.
        """
        ...

    async def delete_dead(self, owner: str, letter: int) -> None:
        """Delete a dead letter for good. Raises as `retry_dead`."""
        ...


class NoBackground:
    """What an engine has until one is plugged in: nothing is queued, rows wait."""

    def __init__(self, reason: str = "This process has no background worker.") -> None:
        self._reason = reason

    async def start(self) -> None:
        """Nothing to start."""

    async def aclose(self) -> None:
        """Nothing to close."""

    @property
    def state(self) -> BackgroundState:
        """Off."""
        return BackgroundState(broker="", worker="off", beat="off")

    async def send(
        self,
        owner: str,
        task: str,
        run: str,
        *,
        delay: float = 0.0,
        priority: int = PRIORITY_DEFAULT,
    ) -> None:
        """See `Dispatcher.send`; always raises Unavailable."""
        raise self._error()

    async def hasten(self, owner: str, task: str, run: str) -> None:
        """See `Dispatcher.hasten`; always raises Unavailable."""
        raise self._error()

    async def revoke(self, run: str) -> None:
        """Nothing is queued."""

    async def holds(self, run: str) -> bool:
        """Nothing is queued."""
        return False

    async def missing(self, runs: Sequence[str]) -> frozenset[str]:
        """Nothing is queued."""
        return frozenset(runs)

    async def report(self, run: str, state: RunState, meta: JsonObject) -> None:
        """There are no Celery clients."""

    async def tidy(self) -> JsonObject:
        """Nothing to tidy."""
        return {}

    async def reach(self) -> None:
        """Always raises Unavailable."""
        raise self._error()

    def watch(self) -> None:
        """There is no Beat here."""

    async def refresh(self) -> None:
        """Nothing to refresh."""

    async def pause(self, paused: bool) -> None:
        """Nothing runs here."""

    def holds_back(self, priority: int) -> bool:
        """Nothing was taken here."""
        return False

    async def reschedule(self) -> None:
        """There is no Beat here."""

    async def follow(self) -> None:
        """There is no broker to change."""

    async def change_broker(self, url: str) -> None:
        """Always raises Unavailable."""
        raise self._error()

    async def round_trip(self, seconds: float) -> float:
        """Always raises Unavailable."""
        raise self._error()

    async def forget_all(self) -> None:
        """Nothing is queued."""

    async def dead_letters(self, owner: str) -> tuple[DeadLetter, ...]:
        """Always raises Unavailable."""
        raise self._error()

    async def dead_count(self, owner: str) -> int | None:
        """There is nobody to be asked."""
        return None

    async def dead_runs(self) -> frozenset[str]:
        """There is nobody to be asked."""
        return frozenset()

    async def retry_dead(self, owner: str, letter: int) -> None:
        """Always raises Unavailable."""
        raise self._error()

    async def delete_dead(self, owner: str, letter: int) -> None:
        """Always raises Unavailable."""
        raise self._error()

    def _error(self) -> Unavailable:
        return Unavailable(
            "Background work is not available", self._reason, "Start Nagatha, or “nagatha worker”."
        )


TASK_HEADERS: Mapping[str, str] = {
    "owner": "nagatha_owner",
    "source": "nagatha_source",
    "schedule": "nagatha_schedule",
}
"""Headers of our own on a task's message."""


def schedule_headers(entry: str) -> dict[str, str]:
    """Those of the messages that Beat sends for its entry `entry`."""
    return {TASK_HEADERS["source"]: "schedule", TASK_HEADERS["schedule"]: entry}
