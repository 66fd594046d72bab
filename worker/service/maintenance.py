"""What the engine does for itself, hourly and at start: recover, expire, optimise, back up.

Owns which left-overs are removed when. It must not know SQL or Celery.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from worker.contract.errors import NotFound
from worker.contract.events import ChatChanged, MessageChanged, RunChanged
from worker.contract.system import Backup
from worker.contract.types import FINAL_STATES, JsonObject, Run
from worker.events.bus import EventBus
from worker.module_host.host import ModuleHost
from worker.service import run_words
from worker.service.dispatch import Background
from worker.service.life import RunLife, is_carried
from worker.storage.base import OwnedRun, Storage, Waiting
from worker.storage.rules import WAITING

EVENTS_KEPT = timedelta(days=2)
UNUSED_ATTACHMENTS_KEPT = timedelta(days=2)
QUIET_RUNS_KEPT = timedelta(days=1)
"""Runs of maintenance that went well, dozens a day and all alike."""


FIRINGS_KEPT = timedelta(days=90)
NEWEST_FIRINGS = 50
"""Of each reminder so many times are kept longer than that."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept, from the settings of the moment."""

    runs: timedelta
    deleted: timedelta
    daily_backup: bool


Report: TypeAlias = Callable[[float, str], Awaitable[None]]
"""Told how far something is, and what it does."""


async def _unheard(fraction: float, text: str) -> None:
    """Nobody wants to know."""


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
    life: Callable[[str], RunLife]
    """How runs of an owner live."""
    copy: Callable[[Callable[[], Awaitable[Backup]]], Awaitable[Backup]]
    """Makes the daily copy as a piece of work that people see."""
    write_here: Callable[[str, str], Awaitable[bool]]
    """Writes the queued answer of an owner's run in this process, where nobody works at the queue
    and this process would be the one; False where it is left to the queue."""

    async def run(self, report: Report = _unheard) -> JsonObject:
        """The hourly round; returns what was removed and what is there."""
        keeping, now = self.keeping(), self.now()
        await report(0.0, "removing what expired")
        expired = await self.storage.expire(
            deleted_before=now - keeping.deleted,
            runs_before=now - keeping.runs,
            events_before=now - EVENTS_KEPT,
            unused_before=now - UNUSED_ATTACHMENTS_KEPT,
            quiet_before=now - QUIET_RUNS_KEPT,
        )
        answers = await self.storage.expire_answers(now)
        reminders = await self.storage.expire_reminders(
            deleted_before=now - keeping.deleted,
            answered_before=now - FIRINGS_KEPT,
            keep=NEWEST_FIRINGS,
        )
        await report(0.25, "tidying the queue")
        queue = await self.background().tidy()
        await report(0.5, "giving space back")
        await self.storage.optimise()
        await report(0.75, "looking after the daily copy")
        backup = await self.back_up_when_due()
        statistics = await self.storage.statistics()
        return {
            "success": True,
            "expired": {**asdict(expired), "answers": answers, **asdict(reminders)},
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
        if statistics.messages == 0 and statistics.reminders == 0:
            return None
        if not await self.storage.backup_due(now):
            return None
        return (await self.copy(lambda: self.storage.back_up("daily", now))).name

    # what a gone process left --------------------------------------------------------------

    async def interrupt_orphans(self) -> int:
        """Mark what a gone process was at and nobody goes on with interrupted: an answer with
        what came of it, a title, a copy.

        A person decides whether such an answer goes on; queued ones go on by themselves. Returns
        how many there were.
        """
        return await self._interrupt_all(await self._orphans())

    async def release_orphans(self) -> int:
        """Let somebody else have the tasks and queued answers that a gone process was working at;
        how many."""
        return len(await self._release_all(await self._orphans()))

    async def forget_work(self) -> None:
        """The database was replaced by a copy: whoever worked in it does not work in this one."""
        claimed = await self.storage.runs_of_others("")
        await self._interrupt_all(claimed)
        await self._release_all(claimed)

    async def _interrupt_all(self, found: Iterable[OwnedRun]) -> int:
        broken = [owned for owned in found if not is_carried(owned.run)]
        for owned in broken:
            await self._interrupt(owned)
        return len(broken)

    async def _release_all(self, found: Iterable[OwnedRun]) -> set[str]:
        released: set[str] = set()
        for owned in found:
            if not is_carried(owned.run):
                continue
            name = owned.run.id
            if await self.storage.release_run(owned.owner, name, owned.process):
                released.add(name)
                life = self.life(owned.owner)
                left = run_words.line(self.now(), run_words.LEFT, "WARNING")
                await life.write_down(name, left)
                await life.scope.tell_run(await self.storage.get_run(owned.owner, name))
        return released

    async def recover(self) -> int:
        """Queue the tasks and answers again that a gone process was working at, or that are in no
        queue.

        Who claims a run works at it, so that a message too many does no harm. What cannot be
        done any more ends, and says why: a task that is not there, a message that the broker
        gave up, a step of a chain whose turn never comes. Returns how many were queued. Raises
        Unavailable, with the rows left for the next time.
        """
        left = await self._orphans()
        await self._interrupt_all(left)
        released = await self._release_all(left)
        waiting = await self.storage.waiting_runs()
        await self._write(waiting)
        parked = await self.storage.parked_runs()
        carried = [one for one in waiting if is_carried(one) and one.id not in parked]
        background = self.background()
        dead = await background.dead_runs()
        # Only those are read whose message is gone: thousands may wait, and nearly all are there.
        lost = await background.missing([one.id for one in carried])
        # The message of an answer that was begun is gone: it was acknowledged then.
        lost |= {one.id for one in carried if one.kind == "answer" and one.id in released}
        strange = self._without_module({one.name for one in carried if one.kind == "task"})
        queued = 0
        for one in carried:
            if one.id in lost or one.name in strange:
                queued += await self._look_after(one, dead, strange.get(one.name))
        return queued

    async def _look_after(
        self, waiting: Waiting, dead: frozenset[str], strange: NotFound | None
    ) -> bool:
        """Queue a run again whose message is gone, or end it where it has no future; whether it
        was queued. `strange` is why nobody knows its task."""
        owner, life, background = waiting.owner, self.life(waiting.owner), self.background()
        try:
            run = await self.storage.get_run(owner, waiting.id)
        except NotFound:  # deleted since
            return False
        # It may have been begun since, or have ended with one that it followed.
        if run.state not in WAITING or not await self._has_its_turn(run, life):
            return False
        if strange is not None:
            # A command may see other modules than whoever does the work.
            if background.state.worker == "ok":
                await self._without_task(owner, run.id, strange)
            return False
        if run.id in dead:
            await life.give_up(run, run_words.dead_letter())
            return False
        due = run.due
        if due is None and run.state == "RETRY" and run.error is not None:
            due = run.error.retry_at
        delay = life.seconds_until(due)
        await background.send(owner, run.name, run.id, delay=delay, priority=run.priority)
        return True

    def _without_module(self, tasks: Iterable[str]) -> dict[str, NotFound]:
        """Those that no module has which is on."""
        strange: dict[str, NotFound] = {}
        for name in tasks:
            try:
                self.host.spec(name)
            except NotFound as error:
                strange[name] = error
        return strange

    async def end_tasks_of(self, module: str) -> None:
        """A person switched the module off: what waits for its tasks ends, and says why."""
        waiting = [one for one in await self.storage.unclaimed_runs() if one.run.kind == "task"]
        its = {one.run.name for one in waiting if one.run.name.rpartition(".")[0] == module}
        strange = self._without_module(its)
        for one in waiting:
            if one.run.name in strange:
                await self._without_task(one.owner, one.run.id, strange[one.run.name])

    async def _without_task(self, owner: str, run: str, error: NotFound) -> None:
        # A worker would throw the message away.
        await self.life(owner).fail(run, error.problem)
        await self.background().revoke(run)

    async def write_waiting(self) -> int:
        """Write the queued answers here that nobody else would ever write; how many.

        A person waits for them, and without a worker or a broker they would wait for ever.
        """
        await self.release_orphans()
        return await self._write(await self.storage.waiting_runs())

    async def _write(self, waiting: Iterable[Waiting]) -> int:
        begun = 0
        parked = await self.storage.parked_runs()
        for one in waiting:
            if one.kind == "answer" and is_carried(one) and one.id not in parked:
                begun += await self.write_here(one.owner, one.id)
        return begun

    async def _has_its_turn(self, run: Run, life: RunLife) -> bool:
        """Whether a run waits for no other; one that waits in vain is ended."""
        if run.follows is None:
            return True
        try:
            before = await self.storage.get_run(life.scope.owner, run.follows)
        except NotFound:
            await life.not_begun(run, None)
            return False
        if before.state == "SUCCESS":
            return True
        if before.state in FINAL_STATES:
            await life.not_begun(run, before)
        return False

    async def _orphans(self) -> tuple[OwnedRun, ...]:
        owned = await self.storage.runs_of_others(self.process)
        if not owned:
            return ()
        alive = await asyncio.to_thread(self.living)
        return tuple(one for one in owned if one.process not in alive)

    async def _interrupt(self, owned: OwnedRun) -> None:
        owner = owned.owner
        answer = await self.storage.interrupt_run(owner, owned.run.id, owned.process, self.now())
        broken_off = run_words.line(self.now(), run_words.BROKEN_OFF, "WARNING")
        await self.life(owner).write_down(owned.run.id, broken_off)
        run = await self.storage.get_run(owner, owned.run.id)
        await self.bus.publish(owner, RunChanged(run=run, run_id=run.id))
        if answer is not None:
            await self.bus.publish(owner, MessageChanged(message=answer, run_id=run.id))
            chat = await self.storage.get_chat(owner, answer.chat)
            await self.bus.publish(owner, ChatChanged(chat=chat, run_id=run.id))
