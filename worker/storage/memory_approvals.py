"""The verbs of approvals of `MemoryStorage`.

Owns nothing besides: the state is in `memory_state`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from worker.contract.routines import Approval, Verdict
from worker.contract.types import FINAL_STATES, JsonObject, Message, Run, UsageRecord
from worker.storage import rules
from worker.storage.approvals import ParkedCall
from worker.storage.memory_state import MemoryState, Owned


class MemoryApprovals(MemoryState):
    """`ApprovalStorage` in this process."""

    @abstractmethod
    async def put_back_answer(
        self, owner: str, answer: Message, run: Run, usage: Sequence[UsageRecord] = ()
    ) -> None:
        """See `AnswerStorage.put_back_answer`."""

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
        """See `ApprovalStorage.park_answer`."""
        await self.put_back_answer(owner, answer, run, usage)
        mine = self._of(owner)
        known = {one.call for one in self._calls_of(owner, run.id)}
        for parked in calls:
            if parked.call not in known:
                mine.calls[parked.approval.id] = parked
        mine.standstills[run.id] = standstill
        for time in mine.times.values():
            if time.occurrence.run == run.id and time.occurrence.state == "running":
                time.occurrence = replace(time.occurrence, state="parked")
                time.parked = at

    async def get_standstill(self, owner: str, run: str) -> JsonObject | None:
        """See `ApprovalStorage.get_standstill`."""
        return self._of(owner).standstills.get(run)

    async def parked_calls(self, owner: str, run: str) -> tuple[ParkedCall, ...]:
        """See `ApprovalStorage.parked_calls`."""
        return tuple(
            replace(one, approval=self._told_approval(owner, one))
            for one in self._calls_of(owner, run)
        )

    async def waiting_approvals(self, owner: str) -> tuple[Approval, ...]:
        """See `ApprovalStorage.waiting_approvals`."""
        told = [self._told_approval(owner, one) for one in self._of(owner).calls.values()]
        waiting = [one for one in told if one.verdict is None and not one.expired]
        return tuple(sorted(waiting, key=lambda one: one.asked))

    async def get_approval(self, owner: str, approval: str) -> Approval:
        """See `ApprovalStorage.get_approval`."""
        return self._told_approval(owner, self._call(owner, approval))

    async def answer_approval(
        self, owner: str, approval: str, verdict: Verdict, instead: str, at: datetime, go_on: Run
    ) -> tuple[Approval, Run | None]:
        """See `ApprovalStorage.answer_approval`."""
        mine, found = self._of(owner), self._call(owner, approval)
        if found.approval.verdict is not None:
            raise rules.decided_before()
        if self._told_approval(owner, found).expired:
            raise rules.expired_approval()
        answered = replace(found.approval, verdict=verdict, instead=instead, answered=at)
        mine.calls[approval] = replace(found, approval=answered)
        if verdict == "always":
            mine.allowed.add(answered.tool)
        if any(rules.waits(one) for one in self._calls_of(owner, answered.run)):
            return answered, None
        mine.runs[go_on.id] = (go_on, "")
        for time in mine.times.values():
            if time.occurrence.run == answered.run and time.occurrence.state == "parked":
                time.occurrence = replace(time.occurrence, state="running")
                if time.parked is not None:
                    time.parked_for += max(0.0, (at - time.parked).total_seconds())
                time.parked = None
        return answered, go_on

    async def begin_call(self, owner: str, approval: str, at: datetime) -> bool:
        """See `ApprovalStorage.begin_call`."""
        found = self._call(owner, approval)
        if found.made is not None:
            return False
        self._of(owner).calls[approval] = replace(found, made=at)
        return True

    async def end_call(self, owner: str, approval: str, result: str, failed: bool) -> None:
        """See `ApprovalStorage.end_call`."""
        found = self._call(owner, approval)
        self._of(owner).calls[approval] = replace(found, result=result, failed=failed)

    async def parked_runs(self) -> frozenset[str]:
        """See `ApprovalStorage.parked_runs`."""
        found = set()
        for owner in tuple(self._owners):
            found |= {one.run for one in await self.waiting_approvals(owner)}
        return frozenset(found)

    async def allowed_tools(self, owner: str) -> tuple[str, ...]:
        """See `ApprovalStorage.allowed_tools`."""
        return tuple(sorted(self._of(owner).allowed))

    async def revoke_tool(self, owner: str, tool: str) -> None:
        """See `ApprovalStorage.revoke_tool`."""
        self._of(owner).allowed.discard(tool)

    # within ------------------------------------------------------------------------------

    def _call(self, owner: str, approval: str) -> ParkedCall:
        found = self._of(owner).calls.get(approval)
        if found is None:
            raise rules.missing_approval(approval)
        return found

    def _told_approval(self, owner: str, parked: ParkedCall) -> Approval:
        run, _ = self._of(owner).runs.get(parked.approval.run, (None, ""))
        gone = run is None or run.state in FINAL_STATES
        return replace(parked.approval, expired=parked.approval.verdict is None and gone)

    def _forget_calls(self, mine: Owned) -> None:
        mine.calls = {n: one for n, one in mine.calls.items() if one.approval.run in mine.runs}
        mine.standstills = {n: one for n, one in mine.standstills.items() if n in mine.runs}
