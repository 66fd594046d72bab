"""The verbs of queued and kept answers, each in its transaction.

Owns nothing besides; `store` joins them with the other verbs.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from worker.contract.jobs import LogLine
from worker.contract.types import Message, Run, UsageRecord
from worker.storage.answers import KeptAnswer
from worker.storage.sqlite import answers, queued
from worker.storage.sqlite.connections import Connections


class AnswerVerbs(ABC):
    """`AnswerStorage` in a file. Who inherits it has the connections."""

    @property
    @abstractmethod
    def _db(self) -> Connections:
        """The open connections. Raises StorageError when there are none."""

    async def claim_answer(
        self, owner: str, run: str, process: str, at: datetime
    ) -> tuple[Run, Message] | None:
        """See `AnswerStorage.claim_answer`."""
        return await self._db.write(queued.claim_answer, owner, run, process, at)

    async def put_back_answer(
        self, owner: str, answer: Message, run: Run, usage: Sequence[UsageRecord] = ()
    ) -> None:
        """See `AnswerStorage.put_back_answer`."""
        await self._db.write(queued.put_back_answer, owner, answer, run, usage)

    async def revoke_answer(self, owner: str, run: str, at: datetime) -> Message | None:
        """See `AnswerStorage.revoke_answer`."""
        return await self._db.write(queued.revoke_answer, owner, run, at)

    async def reopen_answer(
        self, owner: str, run: str, lines: Sequence[LogLine] = ()
    ) -> tuple[Run, Message] | None:
        """See `AnswerStorage.reopen_answer`."""
        return await self._db.write(queued.reopen_answer, owner, run, lines)

    async def put_answer(self, owner: str, answer: KeptAnswer) -> None:
        """See `AnswerStorage.put_answer`."""
        await self._db.write_quickly(answers.put_answer, owner, answer)

    async def get_answer(self, owner: str, key: str, now: datetime) -> KeptAnswer | None:
        """See `AnswerStorage.get_answer`."""
        return await self._db.read(answers.get_answer, owner, key, now)

    async def count_answers(self, owner: str, now: datetime) -> int:
        """See `AnswerStorage.count_answers`."""
        return await self._db.read(answers.count_answers, owner, now)

    async def clear_answers(self, owner: str | None) -> int:
        """See `AnswerStorage.clear_answers`."""
        return await self._db.write(answers.clear_answers, owner)

    async def expire_answers(self, now: datetime) -> int:
        """See `AnswerStorage.expire_answers`."""
        return await self._db.write(answers.expire_answers, now)
