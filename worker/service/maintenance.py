"""What the engine does for itself, hourly and at start: recover, expire, optimise, back up.

Owns which left-overs are removed when. It must not know SQL or Celery.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from worker.contract.errors import NotFound
from worker.contract.events import ChatChanged, MessageChanged, RunChanged
from worker.contract.types import JsonObject, Problem, Run
from worker.events.bus import EventBus
from worker.module_host.host import ModuleHost
from worker.service.dispatch import Background
from worker.storage.base import OwnedRun, Storage

log = logging.getLogger(__name__)

EVENTS_KEPT = timedelta(days=2)
UNUSED_ATTACHMENTS_KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept, from the settings of the moment."""

    runs: timedelta
    deleted: timedelta
    daily_backup: bool


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Work on behalf of nobody."""

    storage: Storage
    bus: EventBus
    background: Callable[[], Background]
    keeping: Callable[[], Keeping]
    now: Callable[[], datetime]
    process: str
    living: Callable[[], frozenset[str]]
    host: ModuleHost
    write_here: Callable[[str, str], Awaitable[bool]]
    """Writes the queued answer of an owner's run in this process, where nobody works at the queue
    and this process would be the one; False where it is left to the queue."""

    async def run(self) -> JsonObject:
        """The hourly round; returns what was removed and what is there."""
        keeping, now = self.keeping(), self.now()
        expired = await self.storage.expire(
            deleted_before=now - keeping.deleted,
            runs_before=now - keeping.runs,
            events_before=now - EVENTS_KEPT,
            unused_before=now - UNUSED_ATTACHMENTS_KEPT,
        )
        answers = await self.storage.expire_answers(now)
        queue = await self.background().tidy()
        await self.storage.optimise()
        backup = await self.back_up_when_due()
        statistics = await self.storage.statistics()
        return {
            "success": True,
            "expired": {**asdict(expired), "answers": answers},
            "queue": dict(queue),
            "backup": backup,
            "statistics": asdict(statistics),
        }

    async def back_up_when_due(self) -> str | None:
        """Make the daily copy when the last is a day old; its name, or None."""
        if not self.keeping().daily_backup:
            return None
        now = self.now()
        statistics = await self.storage.statistics()
        if statistics.messages == 0:
            return None
        if not await self.storage.backup_due(now):
            return None
        return (await self.storage.back_up("daily", now)).name

    async def interrupt_orphans(self) -> int:
        """Mark the answers that a gone process was writing interrupted, with what came of them.

        A person decides whether such an answer goes on; queued ones go on by themselves. Returns
        how many there were.
        """
        found = 0
        for owned in await self._orphans():
            if not _carried(owned.run):
                await self._interrupt(owned)
                found += 1
        return found

    async def release_orphans(self) -> int:
        """Let somebody else have the tasks and queued answers that a gone process was working at;
        how many."""
        return len(await self._release_orphans())

    async def _release_orphans(self) -> set[str]:
        released = set()
        for owned in await self._orphans():
            run = owned.run
            if not _carried(run):
                continue
            if await self.storage.release_run(owned.owner, run.id, owned.process):
                released.add(run.id)
                waiting = await self.storage.get_run(owned.owner, run.id)
                await self.bus.publish(owned.owner, RunChanged(run=waiting, run_id=run.id))
        return released

    async def recover(self) -> int:
        """Queue the tasks and answers again that a gone process was working at, or that are in no
        queue.

        Who claims a run works at it, so that a message too many does no harm. Returns how
        many were queued. Raises Unavailable, with the rows left for the next time.
        """
        await self.interrupt_orphans()
        released = await self._release_orphans()
        await self.write_waiting()
        queued = 0
        background = self.background()
        for owned in await self.storage.unclaimed_runs():
            run = owned.run
            if not _carried(run):
                continue
            if run.kind == "task":
                try:
                    self.host.spec(run.name)
                except NotFound as error:
                    await self._give_up(owned, error.problem)
                    await background.revoke(run.id)
                    continue
            # The message of an answer that was begun is gone: it was acknowledged then.
            begun = run.kind == "answer" and run.id in released
            if not begun and await background.holds(run.id):
                continue
            due = run.error.retry_at if run.state == "RETRY" and run.error is not None else None
            delay = max(0.0, (due - self.now()).total_seconds()) if due is not None else 0.0
            await background.send(owned.owner, run.name, run.id, delay=delay, priority=run.priority)
            queued += 1
        return queued

    async def write_waiting(self) -> int:
        """Write the queued answers here that nobody else would ever write; how many.

        A person waits for them, and without a worker or a broker they would wait for ever.
        """
        await self._release_orphans()
        begun = 0
        for owned in await self.storage.unclaimed_runs():
            if owned.run.kind == "answer" and _carried(owned.run):
                begun += await self.write_here(owned.owner, owned.run.id)
        return begun

    async def _give_up(self, owned: OwnedRun, problem: Problem) -> None:
        """The task is no longer there: a worker would throw the message away."""
        failed = replace(owned.run, state="FAILURE", error=problem, ended=self.now())
        stored = await self.storage.save_run(owned.owner, failed)
        await self.bus.publish(owned.owner, RunChanged(run=stored, run_id=stored.id))

    async def _orphans(self) -> tuple[OwnedRun, ...]:
        owned = await self.storage.runs_of_others(self.process)
        if not owned:
            return ()
        alive = await asyncio.to_thread(self.living)
        return tuple(one for one in owned if one.process not in alive)

    async def _interrupt(self, owned: OwnedRun) -> None:
        owner = owned.owner
        answer = await self.storage.interrupt_run(owner, owned.run.id, owned.process, self.now())
        run = await self.storage.get_run(owner, owned.run.id)
        await self.bus.publish(owner, RunChanged(run=run, run_id=run.id))
        if answer is not None:
            await self.bus.publish(owner, MessageChanged(message=answer, run_id=run.id))
            chat = await self.storage.get_chat(owner, answer.chat)
            await self.bus.publish(owner, ChatChanged(chat=chat, run_id=run.id))


def _carried(run: Run) -> bool:
    """Whether the queue carries it, so that it goes on by itself when its process is gone."""
    return run.kind == "task" or (run.kind == "answer" and run.lane == "queued")
