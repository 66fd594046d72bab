"""The verbs of answers that background work writes, and of answers that are kept to be used again.

Owns that part of the `Storage` interface; see `base` for what holds for all verbs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from worker.contract.jobs import LogLine
from worker.contract.types import Message, Run, UsageRecord


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that may be used again for a while."""

    key: str
    """A hash of everything that the answer depends on."""
    at: datetime
    """When it was given."""
    expires: datetime
    """From then on it is not used any more."""
    provider: str
    model: str
    """As the server named it."""
    text: str


class AnswerStorage(Protocol):
    """See the module."""

    # queued answers ----------------------------------------------------------------------

    async def claim_answer(
        self, owner: str, run: str, process: str, at: datetime
    ) -> tuple[Run, Message] | None:
        """Take the run of an answer that waits (PENDING or RETRY, claimed by nobody), in one
        step with reading its answer: the run becomes STARTED with one attempt more. None when
        it has ended, was cancelled, or another process writes it, or it is in RETRY and not due;
        one run is taken once."""
        ...

    async def put_back_answer(
        self, owner: str, answer: Message, run: Run, usage: Sequence[UsageRecord] = ()
    ) -> None:
        """In one transaction: an answer that is to go on later, as it stands (its state stays
        streaming), its run (PENDING or RETRY), claimed by nobody, and what it used so far.
        Replaces the pieces of `append_text`."""
        ...

    async def revoke_answer(self, owner: str, run: str, at: datetime) -> Message | None:
        """End the run of an answer that waits as REVOKED, and the answer as stopped with the
        text kept so far, in one transaction. Returns that answer; None, with nothing changed,
        when it does not wait: it has ended, or a process writes it."""
        ...

    async def reopen_answer(
        self, owner: str, run: str, lines: Sequence[LogLine] = ()
    ) -> tuple[Run, Message] | None:
        """Let the answer of a run in FAILURE wait again, from the text that was kept: the run as
        PENDING and unclaimed, with `lines` in its log, the answer as streaming, in one
        transaction. None, with nothing changed, when the run is in another state, or another run
        has gone on with the answer. Raises Conflict while another answer of the chat is
        streaming."""
        ...

    # kept answers ------------------------------------------------------------------------

    async def put_answer(self, owner: str, answer: KeptAnswer) -> None:
        """Keep an answer, in place of one of the same key."""
        ...

    async def get_answer(self, owner: str, key: str, now: datetime) -> KeptAnswer | None:
        """The answer kept under `key` that has not expired at `now`."""
        ...

    async def count_answers(self, owner: str, now: datetime) -> int:
        """How many are kept that have not expired at `now`."""
        ...

    async def clear_answers(self, owner: str | None) -> int:
        """Forget the kept answers of `owner`, of everybody when None; how many there were."""
        ...

    async def expire_answers(self, now: datetime) -> int:
        """Forget those of everybody that have expired at `now`; how many there were."""
        ...
