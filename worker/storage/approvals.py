"""The verbs of approvals: answers that wait for a person's word, and hold nothing meanwhile.

Owns that part of the `Storage` interface; see `base` for what holds for all verbs. An approval
without a verdict has expired once its run has ended or is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from worker.contract.routines import Approval, Verdict
from worker.contract.types import JsonObject, Message, Run, UsageRecord


@dataclass(frozen=True, slots=True)
class ParkedCall:
    """A call of a tool that waited, or waits, for a person's word."""

    approval: Approval
    call: str
    """The call's id within its answer."""
    made: datetime | None = None
    """When the call was begun; it is begun once, whatever happens to the process."""
    result: str | None = None
    """What it gave; None while that is not known."""
    failed: bool = False


class ApprovalStorage(Protocol):
    """See the module."""

    async def park_answer(
        self,
        owner: str,
        answer: Message,
        run: Run,
        calls: Sequence[ParkedCall],
        standstill: JsonObject,
        at: datetime,
        usage: Sequence[UsageRecord] = (),
    ) -> None:
        """`put_back_answer`, and in the same transaction the calls that wait, where the answer
        stands, and its occurrence, where it has one, as parked since `at`.

        It is not taken by `claim_answer` until each of its calls has its verdict.
        """
        ...

    async def get_standstill(self, owner: str, run: str) -> JsonObject | None:
        """Where the answer of a run stood when it was parked last; None where it never was."""
        ...

    async def parked_calls(self, owner: str, run: str) -> tuple[ParkedCall, ...]:
        """All of a run, oldest first."""
        ...

    async def waiting_approvals(self, owner: str) -> tuple[Approval, ...]:
        """Those that wait and have not expired, oldest first."""
        ...

    async def get_approval(self, owner: str, approval: str) -> Approval:
        """One."""
        ...

    async def answer_approval(
        self, owner: str, approval: str, verdict: Verdict, instead: str, at: datetime, go_on: Run
    ) -> tuple[Approval, Run | None]:
        """In one transaction: the verdict; with "always", the tool as allowed from now on; and
        where that was the last one its run waited for, the run as `go_on`, unclaimed, and its
        occurrence as running.

        Returns the approval, and the run where it goes on. Raises Conflict where it was answered
        before, or has expired.
        """
        ...

    async def begin_call(self, owner: str, approval: str, at: datetime) -> bool:
        """Note that the call is being made; False where that was noted before."""
        ...

    async def end_call(self, owner: str, approval: str, result: str, failed: bool) -> None:
        """Keep what the call gave."""
        ...

    async def parked_runs(self) -> frozenset[str]:
        """The runs of everybody that wait for a verdict."""
        ...

    async def allowed_tools(self, owner: str) -> tuple[str, ...]:
        """The titles of tools that need not be asked about any more, in order."""
        ...

    async def revoke_tool(self, owner: str, tool: str) -> None:
        """Ask about a tool again; nothing where it is asked about."""
        ...
