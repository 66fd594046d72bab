"""The verbs of routines and approvals, each in its transaction.

Owns nothing besides; `store` joins them with the other verbs.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from worker.contract.routines import Approval, Occurrence, OccurrenceState, Routine, Verdict
from worker.contract.types import JsonObject, Message, Run, UsageRecord
from worker.storage.approvals import ParkedCall
from worker.storage.routines import OwnedOccurrence, RoutineChanges, Start
from worker.storage.sqlite import approvals, routines
from worker.storage.sqlite.connections import Connections


class RoutineVerbs(ABC):
    """`RoutineStorage` and `ApprovalStorage` in a file. Who inherits it has the connections."""

    @property
    @abstractmethod
    def _db(self) -> Connections:
        """The open connections. Raises StorageError when there are none."""

    # routines ----------------------------------------------------------------------------

    async def add_routine(self, owner: str, routine: Routine) -> Routine:
        """See `RoutineStorage.add_routine`."""
        return await self._db.write(routines.add_routine, owner, routine)

    async def get_routine(self, owner: str, routine: str) -> Routine:
        """See `RoutineStorage.get_routine`."""
        return await self._db.read(routines.get_routine, owner, routine)

    async def list_routines(self, owner: str) -> tuple[Routine, ...]:
        """See `RoutineStorage.list_routines`."""
        return await self._db.read(routines.list_routines, owner)

    async def update_routine(self, owner: str, routine: str, changes: RoutineChanges) -> Routine:
        """See `RoutineStorage.update_routine`."""
        return await self._db.write(routines.update_routine, owner, routine, changes)

    async def due_routines(self, now: datetime) -> tuple[tuple[str, Routine], ...]:
        """See `RoutineStorage.due_routines`."""
        return await self._db.read(routines.due_routines, now)

    async def next_routine_due(self, after: datetime | None = None) -> datetime | None:
        """See `RoutineStorage.next_routine_due`."""
        return await self._db.read(routines.next_routine_due, after)

    # occurrences -------------------------------------------------------------------------

    async def add_occurrence(
        self,
        owner: str,
        occurrence: Occurrence,
        *,
        move: tuple[datetime, datetime | None] | None = None,
        start: Start | None = None,
        catch_up: bool = False,
        instead: Sequence[str] = (),
    ) -> bool:
        """See `RoutineStorage.add_occurrence`."""
        return await self._db.write(
            routines.add_occurrence, owner, occurrence, move, start, catch_up, instead
        )

    async def start_occurrence(self, owner: str, occurrence: Occurrence, start: Start) -> bool:
        """See `RoutineStorage.start_occurrence`."""
        return await self._db.write(routines.start_occurrence, owner, occurrence, start)

    async def end_occurrence(
        self,
        owner: str,
        occurrence: Occurrence,
        failed: bool | None,
        pause_why: str = "",
        at: datetime | None = None,
    ) -> Routine | None:
        """See `RoutineStorage.end_occurrence`."""
        return await self._db.write(
            routines.end_occurrence, owner, occurrence, failed, pause_why, at
        )

    async def decide_occurrence(
        self, owner: str, occurrence: str, run: bool, at: datetime
    ) -> Occurrence | None:
        """See `RoutineStorage.decide_occurrence`."""
        return await self._db.write(routines.decide_occurrence, owner, occurrence, run, at)

    async def get_occurrence(self, owner: str, occurrence: str) -> Occurrence:
        """See `RoutineStorage.get_occurrence`."""
        return await self._db.read(routines.get_occurrence, owner, occurrence)

    async def occurrence_of(self, owner: str, run: str) -> Occurrence | None:
        """See `RoutineStorage.occurrence_of`."""
        return await self._db.read(routines.occurrence_of, owner, run)

    async def occurrences(self, owner: str, routine: str, limit: int) -> tuple[Occurrence, ...]:
        """See `RoutineStorage.occurrences`."""
        return await self._db.read(routines.of_routine, owner, routine, limit)

    async def asking_occurrences(self, owner: str) -> tuple[Occurrence, ...]:
        """See `RoutineStorage.asking_occurrences`."""
        return await self._db.read(routines.asking, owner)

    async def open_occurrences(
        self, states: Sequence[OccurrenceState]
    ) -> tuple[OwnedOccurrence, ...]:
        """See `RoutineStorage.open_occurrences`."""
        return await self._db.read(routines.open_occurrences, states)

    async def run_cost(self, owner: str, run: str) -> Decimal | None:
        """See `RoutineStorage.run_cost`."""
        return await self._db.read(routines.run_cost, owner, run)

    # approvals ---------------------------------------------------------------------------

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
        await self._db.write(
            approvals.park_answer, owner, answer, run, calls, standstill, at, usage
        )

    async def get_standstill(self, owner: str, run: str) -> JsonObject | None:
        """See `ApprovalStorage.get_standstill`."""
        return await self._db.read(approvals.get_standstill, owner, run)

    async def parked_calls(self, owner: str, run: str) -> tuple[ParkedCall, ...]:
        """See `ApprovalStorage.parked_calls`."""
        return await self._db.read(approvals.parked_calls, owner, run)

    async def waiting_approvals(self, owner: str) -> tuple[Approval, ...]:
        """See `ApprovalStorage.waiting_approvals`."""
        return await self._db.read(approvals.waiting_approvals, owner)

    async def get_approval(self, owner: str, approval: str) -> Approval:
        """See `ApprovalStorage.get_approval`."""
        return await self._db.read(approvals.get_approval, owner, approval)

    async def answer_approval(
        self, owner: str, approval: str, verdict: Verdict, instead: str, at: datetime, go_on: Run
    ) -> tuple[Approval, Run | None]:
        """See `ApprovalStorage.answer_approval`."""
        return await self._db.write(
            approvals.answer_approval, owner, approval, verdict, instead, at, go_on
        )

    async def begin_call(self, owner: str, approval: str, at: datetime) -> bool:
        """See `ApprovalStorage.begin_call`."""
        return await self._db.write(approvals.begin_call, owner, approval, at)

    async def end_call(self, owner: str, approval: str, result: str, failed: bool) -> None:
        """See `ApprovalStorage.end_call`."""
        await self._db.write(approvals.end_call, owner, approval, result, failed)

    async def parked_runs(self) -> frozenset[str]:
        """See `ApprovalStorage.parked_runs`."""
        return await self._db.read(approvals.parked_runs)

    async def allowed_tools(self, owner: str) -> tuple[str, ...]:
        """See `ApprovalStorage.allowed_tools`."""
        return await self._db.read(approvals.allowed, owner)

    async def revoke_tool(self, owner: str, tool: str) -> None:
        """See `ApprovalStorage.revoke_tool`."""
        await self._db.write(approvals.revoke_tool, owner, tool)
