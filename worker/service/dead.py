"""Dead letters: messages that the broker gave up, together with their runs.

Owns that a run and its message never say different things. It must not know the broker.
"""

import logging
from dataclasses import dataclass

from worker.contract.errors import Conflict, NotFound
from worker.contract.jobs import DeadLetter, LogLine
from worker.contract.types import FINAL_STATES, Run
from worker.service import run_words
from worker.service.life import RunLife

log = logging.getLogger(__name__)

KIND = "dead_letter"
"""The kind of the problem of a run whose message was given up."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of one owner."""

    life: RunLife

    async def letters(self) -> tuple[DeadLetter, ...]:
        """See `JobService.dead_letters`."""
        return await self.life.dispatcher().dead_letters(self.life.scope.owner)

    async def retry(self, letter: int) -> None:
        """See `JobService.retry_dead`."""
        life = self.life
        found = await self._letter(letter)
        # The row first: a worker that gets the message finds something to do. Should the process
        # end in between, recovery finds a waiting run whose message is dead, and ends it again.
        opened = await self._reopen(found)
        try:
            await life.dispatcher().retry_dead(life.scope.owner, letter)
        except BaseException:
            if opened is not None:
                await life.give_up(opened, run_words.dead_letter())
            raise
        # Recovery may have looked between the two steps.
        await self._reopen(found)

    async def delete(self, letter: int) -> None:
        """See `JobService.delete_dead`."""
        life = self.life
        found = await self._letter(letter)
        # The row first: recovery would queue a waiting run anew that has no message.
        run = await self._run(found)
        if run is None:
            # Another Celery client's, which has no other way to hear of it.
            if found.run and not await life.dispatcher().holds(found.run):
                await life.tell_clients(found.run, "FAILURE", run_words.deleted_letter())
        elif run.state not in FINAL_STATES:
            if await self._is_lost(run):
                await life.give_up(run, run_words.deleted_letter())
        elif run.error is not None and run.error.kind == KIND:
            deleted = run_words.line(life.scope.now(), run_words.DELETED, "WARNING")
            await life.write_down(run.id, deleted)
        await life.dispatcher().delete_dead(life.scope.owner, letter)

    async def _is_lost(self, run: Run) -> bool:
        """Whether nobody works at a run, and no other message of it waits."""
        if run.state not in ("PENDING", "RETRY"):
            return False
        return not await self.life.dispatcher().holds(run.id)

    async def _letter(self, letter: int) -> DeadLetter:
        for found in await self.letters():
            if found.id == letter:
                return found
        raise NotFound(
            "Dead letter not found", f"There is no dead letter {letter}.", "It may be gone already."
        )

    async def _run(self, letter: DeadLetter) -> Run | None:
        scope = self.life.scope
        if not letter.run:
            return None
        try:
            return await scope.storage.get_run(scope.owner, letter.run)
        except NotFound:
            return None  # another Celery client's, which no worker has begun

    async def _reopen(self, letter: DeadLetter) -> Run | None:
        run = await self._run(letter)
        if run is None or run.error is None or run.error.kind != KIND:
            return None
        life, scope = self.life, self.life.scope
        line = run_words.line(scope.now(), run_words.REVIVED)
        if run.kind != "answer":
            opened = await scope.storage.reopen_run(scope.owner, run.id, (line,))
        else:
            opened = await self._reopen_answer(run, line)
        if opened is not None:
            await scope.tell_run(opened)
            await life.tell_clients(opened.id, opened.state)
        return opened

    async def _reopen_answer(self, run: Run, line: LogLine) -> Run | None:
        """Let an answer wait again in its chat. Raises NotFound, Conflict."""
        scope = self.life.scope
        reopened = await scope.storage.reopen_answer(scope.owner, run.id, (line,))
        if reopened is None:
            if (await scope.storage.get_run(scope.owner, run.id)).state != "FAILURE":
                return None  # somebody else was quicker
            raise Conflict(
                "The chat went on without this answer",
                "It was asked for again there.",
                "Delete the letter.",
            )
        opened, answer = reopened
        await scope.tell_message(answer)
        await scope.tell_chat(answer.chat, run.id)
        return opened
