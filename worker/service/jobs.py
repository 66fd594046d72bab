"""The use cases of background work: queue, look, cancel, do again, and carry out.

Owns a run's life: its row is written before it is queued, only who claims it may do its
work, and its end is stored before it is told. It must not know Celery.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from worker.contract.errors import Conflict, InvalidInput, NagathaError, NotFound
from worker.contract.jobs import Schedule
from worker.contract.types import FINAL_STATES, Problem, Run, RunState, Source
from worker.module_host.host import ModuleHost
from worker.module_host.schema import checked
from worker.service.cancel import RunningWork
from worker.service.dispatch import Dispatcher
from worker.service.schedules import Schedules
from worker.service.scope import Scope, new_id

log = logging.getLogger(__name__)

HIGHEST_LIMIT = 10_000


class Cancellations(Protocol):
    """Who can ask running work of this process to stop."""

    async def stop(self, scope: Scope, run: str) -> None:
        """Ask the run to stop."""
        ...


@dataclass(frozen=True, slots=True)
class Jobs:
    """`JobService` for one owner, and the worker's side of a run."""

    scope: Scope
    dispatcher: Callable[[], Dispatcher]
    host: ModuleHost
    answers: Cancellations
    running: RunningWork
    periodic: Schedules

    # for people --------------------------------------------------------------------------

    async def list_runs(
        self, states: tuple[RunState, ...] = (), limit: int = 200, before: datetime | None = None
    ) -> tuple[Run, ...]:
        """See `JobService.list_runs`."""
        return await self.scope.storage.list_runs(
            self.scope.owner, states=states, limit=max(1, min(limit, HIGHEST_LIMIT)), before=before
        )

    async def get(self, run: str) -> Run:
        """See `JobService.get`."""
        return await self.scope.storage.get_run(self.scope.owner, run)

    async def run_task(
        self, name: str, arguments: Mapping[str, object], source: Source = "chat"
    ) -> Run:
        """See `JobService.run_task`."""
        fitting = self._checked(name, arguments)
        run = Run(
            id=new_id(),
            kind="task",
            name=name,
            state="PENDING",
            source=source,
            queued=self.scope.now(),
            arguments=fitting,
        )
        await self.scope.storage.add_run(self.scope.owner, run)
        await self.scope.tell_run(run)
        await self.enqueue(run)
        return run

    def _checked(self, name: str, arguments: Mapping[str, object]) -> dict[str, object]:
        """The arguments as the task takes them. Raises NotFound, InvalidInput."""
        return dict(checked(self.host.spec(name).info.parameters, arguments, name))

    async def enqueue(self, run: Run, *, delay: float = 0.0) -> None:
        """Hand a stored run to the broker.

        A broker that does not answer is no failure of the run: the row stays, and the next
        tick queues it again.
        """
        try:
            await self.dispatcher().send(
                self.scope.owner, run.name, run.id, delay=delay, priority=run.priority
            )
        except NagathaError as error:
            log.warning("run %s waits for the broker: %s", run.id, error)

    async def cancel(self, run: str) -> Run:
        """See `JobService.cancel`."""
        found = await self.get(run)
        if found.state in FINAL_STATES:
            return found
        if found.kind == "answer":
            await self.answers.stop(self.scope, run)
            return await self.get(run)
        ended = await self._end(replace(found, state="REVOKED"))
        self.running.request_stop(run)
        try:
            await self.dispatcher().revoke(run)
        except NagathaError as error:
            # Its row has ended: a worker that gets the message finds nothing to do.
            log.info("the message of run %s stays in the queue: %s", run, error)
        return ended

    async def retry(self, run: str) -> Run:
        """See `JobService.retry`."""
        found = await self.get(run)
        if found.kind != "task":
            raise InvalidInput("Only tasks of modules can be run again here")
        if found.state not in FINAL_STATES:
            raise Conflict("This run has not ended yet", remedy="Cancel it first.")
        return await self.run_task(found.name, found.arguments or {}, found.source)

    # schedules ---------------------------------------------------------------------------

    async def schedules(self) -> tuple[Schedule, ...]:
        """See `JobService.schedules`."""
        return await self.periodic.schedules()

    async def run_schedule(self, name: str) -> Run:
        """See `JobService.run_schedule`."""
        return await self.periodic.run_schedule(name)

    async def pause_schedule(self, name: str, paused: bool) -> Schedule:
        """See `JobService.pause_schedule`."""
        return await self.periodic.pause_schedule(name, paused)

    async def set_interval(self, name: str, seconds: float | None) -> Schedule:
        """See `JobService.set_interval`."""
        return await self.periodic.set_interval(name, seconds)

    # for the worker ----------------------------------------------------------------------

    async def begin(
        self,
        run: str,
        name: str,
        arguments: Mapping[str, object],
        source: Source = "api",
        schedule: str = "",
    ) -> Run | None:
        """Claim a run for this process, or None when there is nothing to do any more.

        A run that has no row was sent by another Celery client: it gets one now, from the
        message's own arguments; so was one of the periodic entry `schedule`. Raises InvalidInput
        when the arguments are wrong.
        """
        storage, owner = self.scope.storage, self.scope.owner
        try:
            await storage.get_run(owner, run)
        except NotFound:
            fitting = self._checked(name, arguments)
            # Its message may be here twice at this very moment: one of the two adds the row.
            with contextlib.suppress(Conflict):
                await storage.add_run(
                    owner,
                    Run(
                        id=run,
                        kind="task",
                        name=name,
                        state="PENDING",
                        source=source,
                        queued=self.scope.now(),
                        arguments=fitting,
                        schedule=schedule,
                    ),
                )
        claimed = await storage.claim_run(owner, run, self.scope.process, self.scope.now())
        if claimed is not None:
            await self.scope.tell_run(claimed)
        return claimed

    async def progress(self, run: str, fraction: float | None, text: str) -> None:
        """Store and tell how far a run is."""
        found = await self.get(run)
        if found.state in FINAL_STATES:
            return
        clamped = None if fraction is None else min(1.0, max(0.0, fraction))
        await self._save(
            replace(found, state="PROGRESS", progress=clamped, progress_text=text[:500])
        )

    async def succeed(self, run: str, result: object) -> Run:
        """A run ended well with `result` (JSON)."""
        found = await self.get(run)
        return await self._end(replace(found, state="SUCCESS", result=result, progress=1.0))

    async def fail(self, run: str, problem: Problem) -> Run:
        """A run failed for good."""
        found = await self.get(run)
        return await self._end(replace(found, state="FAILURE", error=problem))

    async def release(self, run: str) -> Run:
        """A task stopped because the worker ends: it is begun again later."""
        await self.scope.storage.release_run(self.scope.owner, run, self.scope.process)
        found = await self.get(run)
        await self.scope.tell_run(found)
        return found

    async def again(self, run: str, problem: Problem) -> Run:
        """A run failed and is tried again; its message is queued by who calls."""
        found = await self.get(run)
        return await self._save(replace(found, state="RETRY", error=problem))

    async def _end(self, run: Run) -> Run:
        return await self._save(replace(run, ended=self.scope.now()))

    async def _save(self, run: Run) -> Run:
        stored = await self.scope.storage.save_run(self.scope.owner, run)
        await self.scope.tell_run(stored)
        return stored
