"""Work that this process does at once and by itself, told to people as runs: copies of the data.

Owns that such a run has an end whatever becomes of the work. It must not know what the work is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from worker.contract.errors import NagathaError, NotFound, StorageError
from worker.contract.system import Backup
from worker.contract.types import JsonObject, Problem, Run, RunKind, Source
from worker.service import run_words
from worker.service.ends import UnkeptEnds
from worker.service.maintenance import Report
from worker.service.scope import Scope, new_id

T = TypeVar("T")

log = logging.getLogger(__name__)


STEP = 0.01
"""Of the whole; less is not worth a write."""


@dataclass(frozen=True, slots=True)
class Chores:
    """The chores of one owner."""

    scope: Scope
    ends: UnkeptEnds

    async def do(
        self,
        work: Callable[[], Awaitable[T]],
        *,
        kind: RunKind,
        name: str,
        why: str,
        result: Callable[[T], object],
        source: Source = "engine",
        arguments: JsonObject | None = None,
    ) -> T:
        """`do_telling` for work that does not tell how far it is."""
        return await self.do_telling(
            lambda _report: work(),
            kind=kind,
            name=name,
            why=why,
            result=result,
            source=source,
            arguments=arguments,
        )

    async def do_telling(
        self,
        work: Callable[[Report], Awaitable[T]],
        *,
        kind: RunKind,
        name: str,
        why: str,
        result: Callable[[T], object],
        source: Source = "engine",
        arguments: JsonObject | None = None,
    ) -> T:
        """What `work` returns, or raises; its run keeps what `result` makes of it (JSON), and how
        far `work` reports to be, in steps of a hundredth.

        `why` is the first line of its log.

        A disk that has no room for the row does not keep the work from being tried.
        """
        run = self._begun(kind, name, source, arguments)
        known = await self._is_known(run, why)
        told = -STEP

        async def report(fraction: float, text: str) -> None:
            nonlocal told
            if known and fraction - told >= STEP:
                told = fraction
                await self._progress(replace(run, progress=fraction, progress_text=text))

        try:
            done = await work(report)
        except BaseException as error:
            if known:
                await self._end(_broken(run, error))
            raise
        if known:
            await self._end(replace(run, state="SUCCESS", progress=1.0, result=result(done)))
        return done

    async def daily_copy(self, make: Callable[[], Awaitable[Backup]]) -> Backup:
        """What `make` returns: the copy that maintenance makes once a day."""
        return await self.do(
            make,
            kind="backup",
            name="backup",
            why="The daily copy was due.",
            result=lambda made: made.name,
            source="schedule",
            arguments={"reason": "daily"},
        )

    def _begun(self, kind: RunKind, name: str, source: Source, arguments: JsonObject | None) -> Run:
        now = self.scope.now()
        return Run(
            id=new_id(),
            kind=kind,
            name=name,
            state="STARTED",
            source=source,
            queued=now,
            started=now,
            arguments=arguments,
            attempts=1,
            lane="now",
        )

    async def _is_known(self, run: Run, why: str) -> bool:
        scope = self.scope
        lines = (
            run_words.line(run.queued, why),
            run_words.line(run.queued, run_words.begun(scope.process, 1)),
        )
        try:
            await scope.storage.add_run(scope.owner, run, lines, scope.process)
        except StorageError as error:
            log.warning("a %s is made without a row: %s", run.name, error)
            return False
        await scope.tell_run(run)
        return True

    async def _progress(self, run: Run) -> None:
        scope = self.scope
        try:
            at_work = replace(run, state="PROGRESS")
            await scope.tell_run(await scope.storage.save_run(scope.owner, at_work))
        except NagathaError as error:  # the work itself may go well
            log.warning("the progress of run %s cannot be told: %s", run.id, error)

    async def _end(self, run: Run) -> None:
        ended = replace(run, ended=self.scope.now())
        try:
            await self._store(ended)
        except StorageError as error:
            log.error("how run %s ended cannot be stored: %s", run.id, error)
            self.ends.keep(run.id, partial(self._store, ended))
        except NotFound:
            pass  # everything was deleted meanwhile

    async def _store(self, run: Run) -> None:
        scope = self.scope
        line = run_words.ended(run)
        line = replace(line, text=scope.redact(line.text))
        await scope.tell_run(await scope.storage.save_run(scope.owner, run, (line,)))


def _broken(run: Run, error: BaseException) -> Run:
    if isinstance(error, NagathaError):
        return replace(run, state="FAILURE", error=error.problem)
    if isinstance(error, asyncio.CancelledError):
        return replace(run, state="INTERRUPTED")
    broke = Problem("defect", f"The {run.name} broke", "The log of the program says what happened.")
    return replace(run, state="FAILURE", error=broke)
