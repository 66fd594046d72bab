"""Dead letters: messages that the broker gave up, together with their runs.

Owns that a run and its message never say different things. It must not know the broker.
"""

import logging
from dataclasses import dataclass

from worker.contract.errors import InvalidInput, NotFound
from worker.contract.jobs import DeadLetter
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
        answer = await self._run(found)
        if answer is not None and answer.kind == "answer":
            raise InvalidInput(
                "An answer is not taken up again here",
                "Its message was given up, and the chat says so.",
                "Ask again in its chat, then delete the letter.",
            )
        # The row first: a worker that gets the message finds something to do. Should the process
        # end in between, recovery finds a waiting run whose message is dead, and ends it again.
        opened = await self._reopen(found)
        try:
            await life.dispatcher().retry_dead(life.scope.owner, letter)
        except BaseException:
            if opened is not None:
                await life.fail(opened.id, run_words.dead_letter())
            raise
        # Recovery may have looked between the two steps.
        await self._reopen(found)

    async def delete(self, letter: int) -> None:
        """See `JobService.delete_dead`."""
        life = self.life
        found = await self._letter(letter)
        # The row first: recovery would queue a waiting run anew that has no message.
        run = await self._run(found)
        if run is not None and run.state not in FINAL_STATES and await self._is_lost(run):
            await life.give_up(run, run_words.deleted_letter())
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
        if run.kind == "answer":
            return None  # it ended in its chat, where it is asked for again
        scope = self.life.scope
        line = run_words.line(scope.now(), run_words.REVIVED)
        opened = await scope.storage.reopen_run(scope.owner, run.id, (line,))
        if opened is not None:
            await scope.tell_run(opened)
        return opened
