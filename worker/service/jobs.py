"""The use cases of background work: queue, look, cancel, do again.

Owns what people may ask of runs. How a run lives is in `life`; it must not know Celery.
"""

import logging
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from worker.contract.errors import Conflict, InvalidInput, NagathaError
from worker.contract.jobs import (
    PRIORITY_PERSON,
    Batch,
    DeadLetter,
    LogLine,
    Schedule,
    TaskCall,
)
from worker.contract.types import FINAL_STATES, Run, RunKind, RunState, Source
from worker.service import run_words
from worker.service.batches import Batches, is_chain
from worker.service.cancel import RunningWork
from worker.service.dead import DeadLetters
from worker.service.dispatch import HIGHEST_PRIORITY
from worker.service.life import QUEUED_KINDS, RunLife
from worker.service.schedules import Schedules
from worker.service.scope import Scope
from worker.storage import rules

log = logging.getLogger(__name__)

HIGHEST_LIMIT = 10_000
ESTIMATED_FROM = 20
"""So many runs that went well, the newest ones, tell how long the next will take."""


class Cancellations(Protocol):
    """Who can ask running work of this process to stop."""

    async def stop(self, scope: Scope, run: str) -> None:
        """Ask the run to stop."""
        ...


@dataclass(frozen=True, slots=True)
class Jobs(RunLife):
    """`JobService` for one owner, and the worker's side of a run."""

    answers: Cancellations
    running: RunningWork
    periodic: Schedules

    # looking -----------------------------------------------------------------------------

    async def list_runs(
        self,
        states: tuple[RunState, ...] = (),
        limit: int = 200,
        before: datetime | None = None,
        query: str = "",
        kinds: tuple[RunKind, ...] = (),
        before_run: str = "",
    ) -> tuple[Run, ...]:
        """See `JobService.list_runs`."""
        if before is not None and before.tzinfo is None:
            raise InvalidInput(
                "The time has no zone",
                "It could be any of 24 hours.",
                "Give it with one, such as 2026-11-21T12:00:00+00:00.",
            )
        return await self.scope.storage.list_runs(
            self.scope.owner,
            states=states,
            limit=max(1, min(limit, HIGHEST_LIMIT)),
            before=before,
            query=query,
            kinds=kinds,
            before_run=before_run,
        )

    async def get(self, run: str) -> Run:
        """See `JobService.get`."""
        return await self.scope.storage.get_run(self.scope.owner, run)

    async def log(self, run: str) -> tuple[LogLine, ...]:
        """See `JobService.log`."""
        return await self.scope.storage.run_log(self.scope.owner, run, rules.LINES)

    async def batch(self, batch: str) -> Batch:
        """See `JobService.batch`."""
        return await Batches(self).get(batch)

    async def estimate(self, name: str) -> float | None:
        """See `JobService.estimate`."""
        seconds = await self.scope.storage.run_seconds(self.scope.owner, name, ESTIMATED_FROM)
        return statistics.median(seconds) if seconds else None

    # queueing ----------------------------------------------------------------------------

    async def run_task(
        self, name: str, arguments: Mapping[str, object], source: Source = "chat"
    ) -> Run:
        """See `JobService.run_task`."""
        return await self.queue(self.new_run(name, self.fitting(name, arguments), source=source))

    async def run_group(self, calls: tuple[TaskCall, ...], source: Source = "chat") -> Batch:
        """See `JobService.run_group`."""
        return await Batches(self).queue("group", calls, source)

    async def run_chain(self, calls: tuple[TaskCall, ...], source: Source = "chat") -> Batch:
        """See `JobService.run_chain`."""
        return await Batches(self).queue("chain", calls, source)

    async def retry(self, run: str) -> Run:
        """See `JobService.retry`."""
        found = await self.get(run)
        if found.kind not in QUEUED_KINDS:
            raise InvalidInput(
                "This cannot be run again here",
                "" if found.kind != "answer" else "An answer is asked for again in its chat.",
                "Only tasks can.",
            )
        if found.state not in FINAL_STATES:
            raise Conflict("This run has not ended yet", remedy="Cancel it first.")
        task = found.kind == "task"
        arguments = self.fitting(found.name, found.arguments or {}) if task else None
        once_more = self.new_run(
            found.name,
            arguments,
            kind=found.kind,
            source=found.source,
            schedule=found.schedule,
        )
        # Whoever asked first, a person waits for it now.
        once_more = replace(once_more, priority=PRIORITY_PERSON)
        if found.batch is not None and is_chain(found.batch):
            return await Batches(self).queue_again(
                replace(once_more, batch=found.batch, follows=found.id)
            )
        return await self.queue(once_more, "again")

    async def run_now(self, run: str) -> Run:
        """See `JobService.run_now`."""
        found = await self.get(run)
        if found.state not in ("PENDING", "RETRY"):
            raise Conflict("This run does not wait any more")
        if found.follows is not None and (await self.get(found.follows)).state != "SUCCESS":
            raise Conflict(
                "This run waits for another one",
                "It is the next step of a chain.",
                "Let the run before it be begun now.",
            )
        line = run_words.line(self.scope.now(), run_words.HASTENED)
        first = await self.scope.storage.hasten_run(
            self.scope.owner, run, HIGHEST_PRIORITY, (line,)
        )
        if first is None:
            raise Conflict("This run does not wait any more")
        await self.scope.tell_run(first)
        await self.dispatcher().hasten(self.scope.owner, first.name, first.id)
        return first

    async def cancel(self, run: str) -> Run:
        """See `JobService.cancel`."""
        found = await self.get(run)
        if found.state in FINAL_STATES:
            return found
        if found.kind == "answer":
            await self.answers.stop(self.scope, run)
            return await self.get(run)
        if found.kind not in QUEUED_KINDS:
            raise Conflict(
                "This cannot be stopped half way", remedy="Wait a moment, it ends by itself."
            )
        ended = await self.end(replace(found, state="REVOKED"))
        self.running.request_stop(run)
        try:
            await self.dispatcher().revoke(run)
        except NagathaError as error:
            # Its row has ended: a worker that gets the message finds nothing to do.
            log.info("the message of run %s stays in the queue: %s", run, error)
        return ended

    # dead letters ------------------------------------------------------------------------

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        """See `JobService.dead_letters`."""
        return await DeadLetters(self).letters()

    async def retry_dead(self, letter: int) -> None:
        """See `JobService.retry_dead`."""
        await DeadLetters(self).retry(letter)

    async def delete_dead(self, letter: int) -> None:
        """See `JobService.delete_dead`."""
        await DeadLetters(self).delete(letter)

    # schedules ---------------------------------------------------------------------------

    async def schedules(self) -> tuple[Schedule, ...]:
        """See `JobService.schedules`."""
        return await self.periodic.schedules()

    async def run_schedule(self, name: str) -> Run:
        """See `JobService.run_schedule`."""
        run = await self.queue(self.periodic.new_run(name), "now")
        await self.periodic.ran_now(name, run.queued)
        return run

    async def pause_schedule(self, name: str, paused: bool) -> Schedule:
        """See `JobService.pause_schedule`."""
        return await self.periodic.pause_schedule(name, paused)

    async def set_interval(self, name: str, seconds: float | None) -> Schedule:
        """See `JobService.set_interval`."""
        return await self.periodic.set_interval(name, seconds)
