"""Answers that wait for a person's word: stored whole, holding nothing, until it comes.

Owns what is stored and told when an answer is parked. It must not know who answers, nor how.
"""

from collections.abc import Sequence
from dataclasses import replace

from worker.agent.calls import Wanted
from worker.agent.standstill import Parked
from worker.contract.events import ApprovalChanged, OccurrenceChanged, RunChanged
from worker.contract.routines import Approval
from worker.contract.types import Message, Run, UsageRecord
from worker.service.scope import Scope, new_id
from worker.storage.approvals import ParkedCall
from worker.storage.rules import released

WAITS = "waits for your approval"
"""The progress of a run that is parked."""


class AnswerParked(Exception):
    """An answer cannot go on without a person's word."""

    def __init__(self, message: Message, parked: Parked) -> None:
        super().__init__(WAITS)
        self.message = message
        """With what it was answered by so far."""
        self.parked = parked


async def park(
    scope: Scope, message: Message, run: Run, parked: Parked, used: Sequence[UsageRecord]
) -> tuple[Message, Run]:
    """Store an answer as it stands, with what it waits for, and tell that; its process holds
    nothing of it afterwards. Raises StorageError, with nothing changed."""
    now = scope.now()
    occurrence = await scope.storage.occurrence_of(scope.owner, run.id)
    waiting = replace(message, state="streaming", error=None)
    back = replace(released(run), progress_text=WAITS)
    calls = tuple(
        ParkedCall(
            Approval(
                id=new_id(),
                run=run.id,
                tool=wanted.tool,
                arguments=dict(wanted.arguments),
                why=scope.redact(wanted.why),
                asked=now,
                chat=message.chat,
                message=message.id,
                routine=None if occurrence is None else occurrence.routine,
                may_always=wanted.may_always,
            ),
            wanted.call,
        )
        for wanted in parked.wanted
    )
    await scope.storage.park_answer(
        scope.owner, waiting, back, calls, parked.standstill.json(), now, used
    )
    await scope.tell_message(waiting)
    await scope.tell_all(
        (
            RunChanged(run=back, run_id=run.id),
            *(ApprovalChanged(approval=one.approval, run_id=run.id) for one in calls),
        )
    )
    if occurrence is not None:
        await tell_occurrence(scope, run.id)
    return waiting, back


async def tell_occurrence(scope: Scope, run: str) -> None:
    """Publish how the occurrence of a run is now, where it has one."""
    found = await scope.storage.occurrence_of(scope.owner, run)
    if found is not None:
        await scope.tell(OccurrenceChanged(occurrence=found, run_id=run))


def asked(wanted: Sequence[Wanted]) -> str:
    """A line for the run's log."""
    return f"It {WAITS}: {'; '.join(one.why for one in wanted)}"
