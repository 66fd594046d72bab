"""Batches: several tasks that were asked for together, at once or one after the other.

Owns how their runs are tied together. Their life is that of any other run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from worker.contract.errors import InvalidInput, NotFound
from worker.contract.jobs import Batch, TaskCall
from worker.contract.types import Run, Source
from worker.service import run_words
from worker.service.life import RunLife
from worker.service.scope import new_id

MOST = 10_000
"""Tasks of one batch."""
_CHAIN = "chain-"
"""Begins the id of a batch whose tasks wait for each other."""


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of one owner."""

    life: RunLife

    async def queue(
        self, kind: Literal["group", "chain"], calls: Sequence[TaskCall], source: Source
    ) -> Batch:
        """Store the runs of all calls in one transaction, and queue those whose turn it is.

        Raises NotFound, InvalidInput; nothing is queued then.
        """
        if not calls:
            raise InvalidInput("There is nothing to run", "A batch needs at least one task.")
        if len(calls) > MOST:
            raise InvalidInput(
                "The batch is too large", f"It may have {MOST} tasks.", "Make several of it."
            )
        batch = f"{_CHAIN if kind == 'chain' else ''}{new_id()}"
        life, runs = self.life, list[Run]()
        for number, call in enumerate(calls):
            arguments = life.fitting(call.name, call.arguments)
            run = life.new_run(call.name, arguments, source=source)
            runs.append(
                replace(
                    run,
                    batch=batch,
                    follows=runs[-1].id if kind == "chain" and runs else None,
                    # A moment apart: that is their order, and a page of the list may end anywhere.
                    queued=run.queued + timedelta(microseconds=number),
                )
            )
        why = run_words.line(runs[0].queued, run_words.queued(replace(runs[0], follows=None)))
        scope = life.scope
        await scope.storage.add_runs(scope.owner, runs, (why,))
        for run in runs:
            await scope.tell_run(run)
        for run in runs:
            if run.follows is None:
                await life.enqueue(run)
        return Batch(batch, kind, tuple(runs))

    async def get(self, batch: str) -> Batch:
        """One as it is now. Raises NotFound."""
        scope = self.life.scope
        runs = await scope.storage.runs_of_batch(scope.owner, batch) if batch else ()
        if not runs:
            raise NotFound(
                "Batch not found", f"There is no batch {batch!r}.", "It may have been cleaned up."
            )
        return Batch(batch, "chain" if batch.startswith(_CHAIN) else "group", runs)
