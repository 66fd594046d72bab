"""The life of a queued run: its row first, then its message; one who carries it out; its end.

Owns the order of these steps, what is written into a run's log on the way, and what follows a
run. Who asks for runs is in `jobs`; it must not know Celery.
"""

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from worker.contract.errors import Conflict, NagathaError, NotFound, StorageError
from worker.contract.jobs import PRIORITY_MAINTENANCE, LogLine
from worker.contract.types import (
    FINAL_STATES,
    JsonObject,
    MessageState,
    Problem,
    Run,
    RunKind,
    RunState,
    Source,
)
from worker.module_host.host import ModuleHost
from worker.module_host.schema import checked
from worker.service import run_words
from worker.service.dispatch import PRIORITIES, Background
from worker.service.ends import UnkeptEnds
from worker.service.scope import Scope, new_id
from worker.storage.base import Waiting

log = logging.getLogger(__name__)

QUEUED_KINDS: frozenset[RunKind] = frozenset({"task", "maintenance"})
"""Runs of these kinds are carried by the broker, and begun again after a kill."""


def is_carried(run: Run | Waiting) -> bool:
    """Whether the broker carries it, so that it goes on by itself when its process is gone."""
    return run.kind in QUEUED_KINDS or (run.kind == "answer" and run.lane == "queued")


@dataclass(frozen=True, slots=True)
class RunLife:
    """The steps of a run of one owner."""

    scope: Scope
    dispatcher: Callable[[], Background]
    host: ModuleHost
    ends: UnkeptEnds

    # queueing ----------------------------------------------------------------------------

    def new_run(
        self,
        name: str,
        arguments: JsonObject | None,
        *,
        kind: RunKind = "task",
        source: Source = "chat",
        schedule: str = "",
    ) -> Run:
        """A run that waits; not stored yet."""
        return Run(
            id=new_id(),
            kind=kind,
            name=name,
            state="PENDING",
            source=source,
            queued=self.scope.now(),
            arguments=arguments,
            schedule=schedule,
            priority=PRIORITY_MAINTENANCE if kind == "maintenance" else PRIORITIES[source],
        )

    def fitting(self, name: str, arguments: Mapping[str, object]) -> dict[str, object]:
        """The arguments as a module's task takes them. Raises NotFound, InvalidInput."""
        return dict(checked(self.host.spec(name).info.parameters, arguments, name))

    async def queue(self, run: Run, asked: run_words.Asked = "") -> Run:
        """Store a new run, and hand it to the broker; `asked` is for its log."""
        why = run_words.line(run.queued, run_words.queued(run, asked))
        await self.scope.storage.add_run(self.scope.owner, run, (why,))
        await self.scope.tell_run(run)
        await self.enqueue(run)
        return run

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
            await self.write_down(run.id, run_words.line(self.scope.now(), run_words.UNSENT))

    # carrying out ------------------------------------------------------------------------

    async def begin(
        self,
        run: str,
        name: str,
        arguments: Mapping[str, object],
        source: Source = "api",
        *,
        kind: RunKind = "task",
        schedule: str = "",
        ours: bool = False,
    ) -> Run | None:
        """Claim a run for this process, or None when there is nothing to do any more.

        A run that has no row was sent by another Celery client, or by Beat: it gets one now,
        from the message's own arguments. Raises InvalidInput when those are wrong. One of `ours`
        had a row that is gone (a restored backup, data that was deleted): its message, which
        holds no arguments, does nothing.
        """
        storage, owner, scope = self.scope.storage, self.scope.owner, self.scope
        attempts = 0
        try:
            attempts = (await storage.get_run(owner, run)).attempts
        except NotFound:
            if ours:
                log.warning("run %s of %s is gone; its message does nothing", run, name)
                return None
            fitting = self.fitting(name, arguments) if kind == "task" else None
            new = self.new_run(name, fitting, kind=kind, source=source, schedule=schedule)
            new = replace(new, id=run)
            why = run_words.line(new.queued, run_words.queued(new))
            # Its message may be here twice at this very moment: one of the two adds the row.
            with contextlib.suppress(Conflict):
                await storage.add_run(owner, new, (why,))
        begun = run_words.line(scope.now(), run_words.begun(scope.process, attempts + 1))
        claimed = await storage.claim_run(owner, run, scope.process, scope.now(), (begun,))
        if claimed is not None:
            await scope.tell_run(claimed)
        return claimed

    async def progress(self, run: str, fraction: float | None, text: str) -> None:
        """Store and tell how far a run is."""
        found = await self.scope.storage.get_run(self.scope.owner, run)
        if found.state in FINAL_STATES:
            return
        clamped = None if fraction is None else min(1.0, max(0.0, fraction))
        text = self.scope.redact(text[:500])
        await self._save(replace(found, state="PROGRESS", progress=clamped, progress_text=text))

    async def write_down(self, run: str, *lines: LogLine) -> None:
        """Write into a run's log; one that cannot be written costs nothing but lines."""
        redacted = [replace(line, text=self.scope.redact(line.text)) for line in lines]
        try:
            await self.scope.storage.add_log(self.scope.owner, run, redacted)
        except NagathaError as error:
            log.warning("the log of run %s cannot be written: %s", run, error)

    # the end -----------------------------------------------------------------------------

    async def succeed(self, run: str, result: object) -> Run:
        """A run ended well with `result` (JSON)."""
        found = await self.scope.storage.get_run(self.scope.owner, run)
        done = replace(found, state="SUCCESS", result=result, progress=1.0)
        return await self._surely(replace(done, ended=self.scope.now()))

    async def fail(self, run: str, problem: Problem) -> Run:
        """A run failed for good."""
        found = await self.scope.storage.get_run(self.scope.owner, run)
        failed = replace(found, state="FAILURE", error=problem, due=None)
        return await self._surely(replace(failed, ended=self.scope.now()))

    async def give_up(self, run: Run, problem: Problem) -> None:
        """End a run that waits for a message which never comes."""
        if run.kind != "answer":
            ended = await self.fail(run.id, problem)
            if ended.state == "FAILURE":
                await self.tell_clients(run.id, "FAILURE", problem)
            return
        storage, owner, now = self.scope.storage, self.scope.owner, self.scope.now()
        # One that is to be tried again later is given up before that.
        at = now if run.due is None else max(now, run.due)
        taken = await storage.claim_answer(owner, run.id, self.scope.process, at)
        if taken is None:
            return
        claimed, answer = taken
        state: MessageState = "interrupted" if answer.text else "failed"
        try:
            stored = await storage.finish_answer(
                owner,
                replace(answer, state=state, error=problem),
                replace(claimed, state="FAILURE", error=problem, started=now, ended=now),
            )
        except BaseException:
            # Nobody works at it: it waits again, and is given up the next time.
            await self._let_go(run.id)
            raise
        await self.scope.tell_message(stored)
        ended = await storage.get_run(owner, run.id)
        await self.scope.tell_run(ended)
        await self.scope.tell_chat(stored.chat, run.id)
        # It was claimed to be ended, and not worked at.
        await self.write_down(run.id, run_words.ended(replace(ended, started=run.started)))
        await self.tell_clients(run.id, "FAILURE", problem)

    async def tell_clients(self, run: str, state: RunState, problem: Problem | None = None) -> None:
        """Tell Celery clients how a run stands of which no worker will: a run that was given up,
        or that waits again after that."""
        meta: JsonObject = {"status": "", "progress": None}
        if problem is not None:
            meta = {"error": str(problem)}
        try:
            await self.dispatcher().report(run, state, meta)
        except NagathaError as error:
            log.warning("Celery clients do not hear of run %s: %s", run, error)

    async def _let_go(self, run: str) -> None:
        """Let a claimed run wait again; where that cannot be stored now, as soon as it can."""
        release = partial(self.scope.storage.release_run, self.scope.owner, run, self.scope.process)
        try:
            await release()
        except StorageError as error:
            log.error("run %s cannot be let go: %s", run, error)
            self.ends.keep(run, release)

    async def again(self, run: str, problem: Problem, delay: float) -> Run:
        """A run failed and is tried again in `delay` seconds; who calls queues its message."""
        found = await self.scope.storage.get_run(self.scope.owner, run)
        waiting = replace(found, state="RETRY", error=problem, due=problem.retry_at)
        text = run_words.tried_again(found, problem.message.rstrip("."), delay)
        return await self._surely(waiting, run_words.line(self.scope.now(), text, "WARNING"))

    async def release(self, run: str) -> Run:
        """A task stopped because the worker ends: it is begun again later."""
        storage, owner = self.scope.storage, self.scope.owner
        if await storage.release_run(owner, run, self.scope.process):
            await self.write_down(run, run_words.line(self.scope.now(), run_words.STOPPED))
        found = await storage.get_run(owner, run)
        await self.scope.tell_run(found)
        return found

    async def end(self, run: Run) -> Run:
        """Store the end of a run now, tell it, and let what follows it begin or end too."""
        return await self._finish(replace(run, ended=run.ended or self.scope.now()))

    async def _surely(self, run: Run, line: LogLine | None = None) -> Run:
        """As `_finish`; what cannot be stored now is stored as soon as that works.

        Nothing is told of it until then. After a kill the run is begun again.
        """
        try:
            return await self._finish(run, line)
        except StorageError as error:
            log.error("how run %s ended cannot be stored: %s", run.id, error)
            self.ends.keep(run.id, partial(self._finish, run, line))
            return run

    async def _finish(self, run: Run, line: LogLine | None = None) -> Run:
        stored = await self._ended(run, line)
        if stored.batch is not None and stored.state in FINAL_STATES:
            await self.go_on_after(stored)
        return stored

    async def _ended(self, run: Run, line: LogLine | None = None) -> Run:
        return await self._save(run, line or run_words.ended(run))

    async def _save(self, run: Run, *lines: LogLine) -> Run:
        redacted = [replace(line, text=self.scope.redact(line.text)) for line in lines]
        stored = await self.scope.storage.save_run(self.scope.owner, run, redacted)
        await self.scope.tell_run(stored)
        return stored

    # what follows ------------------------------------------------------------------------

    async def go_on_after(self, run: Run) -> None:
        """Queue what waits for the end of `run`, or end it where that was no good one.

        Recovery does the same for those whose turn came when the process was killed.
        """
        # One after the other, not each within the one before: a chain has thousands of steps.
        ended = deque((run,))
        while ended:
            before = ended.popleft()
            for following in await self.scope.storage.followers(self.scope.owner, before.id):
                if following.state != "PENDING":
                    continue
                if before.state == "SUCCESS":
                    await self.enqueue(following)
                else:
                    ended.append(await self._not_begun(following, before))

    async def not_begun(self, run: Run, before: Run | None) -> None:
        """End a step of a chain whose turn never comes, and all that follow it."""
        found = await self.scope.storage.get_run(self.scope.owner, run.id)
        if found.state == "PENDING":  # it may have ended with one before it, since it was read
            await self.go_on_after(await self._not_begun(found, before))

    async def _not_begun(self, run: Run, before: Run | None) -> Run:
        """End a step of a chain whose turn never comes; what follows it is left."""
        problem = run_words.not_begun(before)
        return await self._ended(
            replace(run, state="REVOKED", error=problem, ended=self.scope.now())
        )

    def seconds_until(self, due: datetime | None) -> float:
        """From now on; 0 for what is due."""
        return 0.0 if due is None else max(0.0, (due - self.scope.now()).total_seconds())
