"""The use cases of approvals: what waits, a person's word, and what follows from it.

Owns `ApprovalService`, and the gate through which calls go that need an agreement. How an answer
is parked is in `parking`; it must not know SQL or Celery.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from worker.contract.errors import InvalidInput, NagathaError
from worker.contract.events import ApprovalChanged, RunChanged
from worker.contract.jobs import PRIORITY_PERSON
from worker.contract.routines import Approval, Verdict
from worker.contract.types import Run
from worker.service.carrier import Carrier
from worker.service.parking import tell_occurrence
from worker.service.routing import TASKS
from worker.service.scope import Scope
from worker.service.wish import Wish
from worker.storage.rules import expired_approval, released
from worker.tools.approval import Agreement, ApprovalWanted
from worker.tools.base import Tool, ToolContext, ToolOutcome

log = logging.getLogger(__name__)

LONGEST_INSTEAD = 4000
"""Characters of what a person wants done instead."""
VERDICTS: tuple[Verdict, ...] = ("once", "always", "deny")
UNKNOWN = (
    "The program ended while this call was being made. Nobody knows whether it took effect, and "
    "it is not made again. Tell the person so."
)
DENIED = "The person did not allow this call. Do not try it again in another way."


@dataclass(frozen=True, slots=True)
class Approvals:
    """`ApprovalService` for one owner."""

    scope: Scope
    carrier: Carrier
    write_here: Callable[[Scope, str], Awaitable[bool]]
    """Goes on with the answer of a run in this process; False where it is left to the queue."""

    async def waiting(self) -> tuple[Approval, ...]:
        """See `ApprovalService.waiting`."""
        return await self.scope.storage.waiting_approvals(self.scope.owner)

    async def get(self, approval: str) -> Approval:
        """See `ApprovalService.get`."""
        return await self.scope.storage.get_approval(self.scope.owner, approval)

    async def answer(self, approval: str, verdict: Verdict, instead: str = "") -> Approval:
        """See `ApprovalService.answer`."""
        storage, owner = self.scope.storage, self.scope.owner
        found = await self.get(approval)
        if verdict not in VERDICTS:
            raise InvalidInput("That is no answer", f"It is {verdict!r}.", "Say once or deny.")
        if verdict == "always" and not found.may_always:
            raise InvalidInput(
                "This is asked about each time", f"{found.tool} cannot be allowed for good."
            )
        if found.expired:
            raise expired_approval()
        run = await storage.get_run(owner, found.run)
        goes_on = replace(
            released(run),
            lane="queued",
            name=TASKS[Wish.of(run.arguments).query_type],
            # A person waits for it now, also while background work is paused.
            priority=PRIORITY_PERSON,
        )
        answered, gone_on = await storage.answer_approval(
            owner, approval, verdict, instead[:LONGEST_INSTEAD], self.scope.now(), goes_on
        )
        await self.scope.tell(ApprovalChanged(approval=answered, run_id=answered.run))
        said = "A person said no" if verdict == "deny" else "A person agreed"
        await self.carrier.write_down(self.scope, answered.run, f"{said}: {answered.why}")
        if gone_on is not None:
            await self._go_on(gone_on)
        return answered

    async def _go_on(self, run: Run) -> None:
        await self.scope.tell(RunChanged(run=run, run_id=run.id))
        await tell_occurrence(self.scope, run.id)
        # It is stored as waiting: whatever goes wrong here, recovery queues it.
        try:
            here = await self.write_here(self.scope, run.id)
        except NagathaError as error:
            log.warning("run %s waits for recovery: %s", run.id, error)
            return
        if not here:
            await self.carrier.send(self.scope, run)

    async def always(self) -> tuple[str, ...]:
        """See `ApprovalService.always`."""
        return await self.scope.storage.allowed_tools(self.scope.owner)

    async def revoke(self, tool: str) -> None:
        """See `ApprovalService.revoke`."""
        await self.scope.storage.revoke_tool(self.scope.owner, tool)


async def tell_expired(scope: Scope, run: str) -> None:
    """Publish the approvals of a run that nobody needs to answer any more."""
    for parked in await scope.storage.parked_calls(scope.owner, run):
        if parked.approval.expired:
            await scope.tell(ApprovalChanged(approval=parked.approval, run_id=run))


class ApprovalGate:
    """The gate of one owner: lets calls through as a person said, each once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def call(
        self,
        tool: Tool,
        arguments: Mapping[str, object],
        context: ToolContext,
        agreement: Agreement,
    ) -> ToolOutcome:
        """See `Gate.call`."""
        storage, owner = self._scope.storage, self._scope.owner
        calls = await storage.parked_calls(owner, context.run)
        known = next((one for one in calls if one.call == context.call), None)
        if known is None:
            if agreement.may_always and agreement.tool in await storage.allowed_tools(owner):
                return await tool.call(arguments, context)
            raise ApprovalWanted(agreement, arguments)
        approval = known.approval
        if approval.verdict is None:
            raise ApprovalWanted(agreement, arguments)
        if approval.verdict == "deny":
            wish = approval.instead.strip()
            told = f"{DENIED} They want this instead: {wish}" if wish else DENIED
            return ToolOutcome(told, failed=True)
        if known.result is not None:
            return ToolOutcome(known.result, known.failed)
        # Noted before it is made: a process that is killed in between must not make it twice.
        if not await storage.begin_call(owner, approval.id, self._scope.now()):
            return ToolOutcome(UNKNOWN, failed=True)
        outcome = await tool.call(arguments, context)
        try:
            await storage.end_call(owner, approval.id, outcome.text, outcome.failed)
        except NagathaError as error:  # the call is made; what it gave is told all the same
            log.warning("the result of a call is not kept: %s", error)
        return outcome
