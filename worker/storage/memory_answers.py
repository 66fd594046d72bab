"""The verbs of queued and kept answers of `MemoryStorage`.

Owns nothing besides: the state is in `memory_state`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from worker.contract.jobs import LogLine
from worker.contract.types import Message, Run, UsageRecord
from worker.storage import rules
from worker.storage.answers import KeptAnswer
from worker.storage.memory_state import MemoryState


class MemoryAnswers(MemoryState):
    """`AnswerStorage` in this process."""

    async def claim_answer(
        self, owner: str, run: str, process: str, at: datetime
    ) -> tuple[Run, Message] | None:
        """See `AnswerStorage.claim_answer`."""
        found, holder = self._run(owner, run)
        if found.message is None or holder or found.state not in rules.WAITING:
            return None
        if any(rules.waits(parked) for parked in self._calls_of(owner, run)):
            return None
        if rules.is_early(found, at):
            return None
        node = self._node(owner, found.message)
        if node.message.state != "streaming" or node.message.run != run:
            return None
        taken = rules.claimed(found, at)
        self._of(owner).runs[run] = (taken, process)
        return taken, self._complete(owner, node)

    async def put_back_answer(
        self, owner: str, answer: Message, run: Run, usage: Sequence[UsageRecord] = ()
    ) -> None:
        """See `AnswerStorage.put_back_answer`."""
        mine = self._of(owner)
        self._end(self._node(owner, answer.id), replace(answer, state="streaming"))
        mine.runs[run.id] = (run, "")
        for record in usage:
            counted = replace(record, usage=rules.counted(record.usage))
            mine.usage.setdefault(record.id, counted)

    async def revoke_answer(self, owner: str, run: str, at: datetime) -> Message | None:
        """See `AnswerStorage.revoke_answer`."""
        found, holder = self._run(owner, run)
        if found.message is None or holder or found.state not in rules.WAITING:
            return None
        node = self._node(owner, found.message)
        if node.message.state != "streaming" or node.message.run != run:
            return None
        self._of(owner).runs[run] = (replace(found, state="REVOKED", ended=at), "")
        self._end(node, replace(self._complete(owner, node), state="stopped"))
        return self._complete(owner, node)

    async def reopen_answer(
        self, owner: str, run: str, lines: Sequence[LogLine] = ()
    ) -> tuple[Run, Message] | None:
        """See `AnswerStorage.reopen_answer`."""
        found, _ = self._run(owner, run)
        opened = rules.reopened(found)
        if opened is None or found.message is None:
            return None
        node = self._node(owner, found.message)
        if node.message.state == "streaming" or node.message.run != run:
            return None
        if any(
            other.message.state == "streaming" for other in self._nodes_of(owner, node.message.chat)
        ):
            raise rules.answer_under_way()
        waiting = replace(self._complete(owner, node), state="streaming", error=None)
        await self.put_back_answer(owner, waiting, opened)
        self._write_down(owner, run, lines)
        return opened, self._complete(owner, node)

    async def put_answer(self, owner: str, answer: KeptAnswer) -> None:
        """See `AnswerStorage.put_answer`."""
        self._of(owner).kept[answer.key] = answer

    async def get_answer(self, owner: str, key: str, now: datetime) -> KeptAnswer | None:
        """See `AnswerStorage.get_answer`."""
        found = self._of(owner).kept.get(key)
        return found if found is not None and found.expires > now else None

    async def count_answers(self, owner: str, now: datetime) -> int:
        """See `AnswerStorage.count_answers`."""
        return sum(answer.expires > now for answer in self._of(owner).kept.values())

    async def clear_answers(self, owner: str | None) -> int:
        """See `AnswerStorage.clear_answers`."""
        forgotten = 0
        for name, mine in self._owners.items():
            if owner in (None, name):
                forgotten += len(mine.kept)
                mine.kept.clear()
        return forgotten

    async def expire_answers(self, now: datetime) -> int:
        """See `AnswerStorage.expire_answers`."""
        forgotten = 0
        for mine in self._owners.values():
            left = {key: answer for key, answer in mine.kept.items() if answer.expires > now}
            forgotten += len(mine.kept) - len(left)
            mine.kept = left
        return forgotten
