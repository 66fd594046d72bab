"""Batches: several tasks that were asked for together, at once or one after the other.

Owns how their runs are tied together. Their life is that of any other run.
"""

from collections.abc import Iterator, Sequence
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

    async def queue_again(self, first: Run) -> Run:
        """Have the rest of a chain done that was cancelled because `first` came to no good end.

        `first` is a run to be stored, of the batch and with the id in `follows` of the one that it
        repeats. Each cancelled step is repeated after it, all in one transaction. Returns `first`
        as it was queued. Raises NotFound, InvalidInput; nothing is queued then.
        """
        life, scope = self.life, self.life.scope
        assert first.batch is not None and first.follows is not None  # see above
        there = await scope.storage.runs_of_batch(scope.owner, first.batch)
        begun = replace(first, follows=None)
        runs = [begun]
        for step in _cancelled_after(first.follows, there):
            new = life.new_run(
                step.name, life.fitting(step.name, step.arguments or {}), source=step.source
            )
            runs.append(
                replace(
                    new,
                    batch=first.batch,
                    follows=runs[-1].id,
                    priority=first.priority,
                    # See `queue`.
                    queued=first.queued + timedelta(microseconds=len(runs)),
                )
            )
        why = run_words.line(first.queued, run_words.queued(begun, "again"))
        await scope.storage.add_runs(scope.owner, runs, (why,))
        for run in runs:
            await scope.tell_run(run)
        await life.enqueue(begun)
        return begun

    async def get(self, batch: str) -> Batch:
        """One as it is now. Raises NotFound."""
        scope = self.life.scope
        runs = await scope.storage.runs_of_batch(scope.owner, batch) if batch else ()
        if not runs:
            raise NotFound(
                "Batch not found", f"There is no batch {batch!r}.", "It may have been cleaned up."
            )
        return Batch(batch, "chain" if is_chain(batch) else "group", runs)


def is_chain(batch: str) -> bool:
    """Whether the runs of the batch with this id wait for each other."""
    return batch.startswith(_CHAIN)


def _cancelled_after(run: str, batch: Sequence[Run]) -> Iterator[Run]:
    """The steps of a chain that were not begun because of how `run` ended, in their order."""
    after = {step.follows: step for step in batch if step.follows is not None}
    while (step := after.get(run)) is not None:
        if step.state != "REVOKED" or step.error is None or step.error.kind != "not_begun":
            return
        yield step
        run = step.id
