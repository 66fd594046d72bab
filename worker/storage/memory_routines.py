"""The verbs of routines of `MemoryStorage`.

Owns nothing besides: the state is in `memory_state`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from worker.contract.jobs import LogLine
from worker.contract.routines import Occurrence, OccurrenceState, Routine
from worker.contract.types import Chat, Message, Run
from worker.storage import rules
from worker.storage.base import Begun
from worker.storage.memory_state import MemoryState, Owned, Time
from worker.storage.routines import OwnedOccurrence, RoutineChanges, Start

_AT_WORK: tuple[OccurrenceState, ...] = ("running", "parked")
_OPEN: tuple[OccurrenceState, ...] = ("waiting", *_AT_WORK)


class MemoryRoutines(MemoryState):
    """`RoutineStorage` in this process."""

    @abstractmethod
    async def begin_answer(
        self,
        owner: str,
        *,
        question: Message | None,
        answer: Message,
        run: Run,
        process: str,
        chat: Chat | None = None,
    ) -> Begun:
        """See `Storage.begin_answer`."""

    @abstractmethod
    async def add_run(
        self, owner: str, run: Run, lines: Sequence[LogLine] = (), process: str = ""
    ) -> None:
        """See `Storage.add_run`."""

    @abstractmethod
    async def add_log(self, owner: str, run: str, lines: Sequence[LogLine]) -> None:
        """See `Storage.add_log`."""

    # routines ----------------------------------------------------------------------------

    async def add_routine(self, owner: str, routine: Routine) -> Routine:
        """See `RoutineStorage.add_routine`."""
        mine = self._of(owner).routines
        if routine.id in mine:
            raise rules.already_there("schedule", routine.id)
        mine[routine.id] = replace(routine, last=None)
        return mine[routine.id]

    async def get_routine(self, owner: str, routine: str) -> Routine:
        """See `RoutineStorage.get_routine`."""
        return self._with_last(owner, self._routine(owner, routine))

    async def list_routines(self, owner: str) -> tuple[Routine, ...]:
        """See `RoutineStorage.list_routines`."""
        there = [one for one in self._of(owner).routines.values() if one.deleted is None]
        with_due = [(one.due, one.title, one) for one in there if one.due is not None]
        without = [(one.title, one) for one in there if one.due is None]
        with_due.sort(key=lambda row: row[:2])
        without.sort(key=lambda row: row[0])
        found = [row[2] for row in with_due] + [row[1] for row in without]
        return tuple(self._with_last(owner, one) for one in found)

    async def update_routine(self, owner: str, routine: str, changes: RoutineChanges) -> Routine:
        """See `RoutineStorage.update_routine`."""
        found = replace(self._routine(owner, routine), **changes)  # type: ignore[arg-type]
        self._of(owner).routines[routine] = found
        return self._with_last(owner, found)

    async def due_routines(self, now: datetime) -> tuple[tuple[str, Routine], ...]:
        """See `RoutineStorage.due_routines`."""
        found = [
            (one.due, owner, one)
            for owner, mine in self._owners.items()
            for one in mine.routines.values()
            if one.due is not None and one.due <= now
        ]
        found.sort(key=lambda row: row[0])
        return tuple((owner, self._with_last(owner, one)) for _, owner, one in found)

    async def next_routine_due(self, after: datetime | None = None) -> datetime | None:
        """See `RoutineStorage.next_routine_due`."""
        everybody = (one for mine in self._owners.values() for one in mine.routines.values())
        dues = (one.due for one in everybody if one.due is not None)
        return min((due for due in dues if after is None or due > after), default=None)

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
        mine, routine = self._of(owner), self._routine(owner, occurrence.routine)
        if move is not None and routine.due != move[0]:
            return False
        taken = any(
            time.occurrence.due == occurrence.due
            for time in self._times_of(owner, occurrence.routine)
        )
        if not taken and start is not None:
            await self._start(owner, occurrence, start)
        if move is not None:
            mine.routines[routine.id] = replace(routine, due=move[1])
        if taken:
            return False
        mine.times[occurrence.id] = Time(occurrence, catch_up)
        for name in instead:
            time = mine.times.get(name)
            if time is not None and time.occurrence.state in ("asking", "waiting"):
                time.occurrence = replace(time.occurrence, state="skipped")
        return True

    async def start_occurrence(self, owner: str, occurrence: Occurrence, start: Start) -> bool:
        """See `RoutineStorage.start_occurrence`."""
        time = self._time(owner, occurrence.id)
        if time.occurrence.state != "waiting":
            return False
        await self._start(owner, occurrence, start)
        time.occurrence = occurrence
        return True

    async def _start(self, owner: str, occurrence: Occurrence, start: Start) -> None:
        for other in self._times_of(owner, occurrence.routine):
            if other.occurrence.id != occurrence.id and other.occurrence.state in _AT_WORK:
                raise rules.overlapping()
        if start.answer is None:
            await self.add_run(owner, start.run, start.lines)
            return
        await self.begin_answer(
            owner,
            question=start.question,
            answer=start.answer,
            run=start.run,
            process="",
            chat=start.chat,
        )
        await self.add_log(owner, start.run.id, start.lines)

    async def end_occurrence(
        self,
        owner: str,
        occurrence: Occurrence,
        failed: bool | None,
        pause_why: str = "",
        at: datetime | None = None,
    ) -> Routine | None:
        """See `RoutineStorage.end_occurrence`."""
        time = self._time(owner, occurrence.id)
        before = time.occurrence
        if before.state not in _OPEN:
            return None
        seconds = rules.worked_seconds(
            before.started, occurrence.ended, time.parked, time.parked_for
        )
        time.occurrence = replace(occurrence, started=before.started, seconds=seconds)
        time.parked = None
        routine = self._routine(owner, before.routine)
        after = rules.failed_once_more(routine, failed, pause_why, at or occurrence.ended)
        self._of(owner).routines[after.id] = after
        return self._with_last(owner, after)

    async def decide_occurrence(
        self, owner: str, occurrence: str, run: bool, at: datetime
    ) -> Occurrence | None:
        """See `RoutineStorage.decide_occurrence`."""
        time = self._time(owner, occurrence)
        if time.occurrence.state != "asking":
            return None
        if run:
            time.occurrence, time.catch_up = replace(time.occurrence, state="waiting"), True
        else:
            time.occurrence = replace(time.occurrence, state="skipped", ended=at)
        return time.occurrence

    async def get_occurrence(self, owner: str, occurrence: str) -> Occurrence:
        """See `RoutineStorage.get_occurrence`."""
        return self._time(owner, occurrence).occurrence

    async def occurrence_of(self, owner: str, run: str) -> Occurrence | None:
        """See `RoutineStorage.occurrence_of`."""
        times = (time.occurrence for time in self._of(owner).times.values())
        return next((one for one in times if one.run == run), None)

    async def occurrences(self, owner: str, routine: str, limit: int) -> tuple[Occurrence, ...]:
        """See `RoutineStorage.occurrences`."""
        self._routine(owner, routine)
        found = [time.occurrence for time in self._times_of(owner, routine)]
        found.sort(key=lambda one: one.due, reverse=True)
        return tuple(found[: rules.within(limit)])

    async def asking_occurrences(self, owner: str) -> tuple[Occurrence, ...]:
        """See `RoutineStorage.asking_occurrences`."""
        found = [
            time.occurrence
            for time in self._of(owner).times.values()
            if time.occurrence.state == "asking"
            and self._routine(owner, time.occurrence.routine).deleted is None
        ]
        return tuple(sorted(found, key=lambda one: one.due))

    async def open_occurrences(
        self, states: Sequence[OccurrenceState]
    ) -> tuple[OwnedOccurrence, ...]:
        """See `RoutineStorage.open_occurrences`."""
        found = [
            OwnedOccurrence(owner, time.occurrence, time.catch_up)
            for owner, mine in self._owners.items()
            for time in mine.times.values()
            if time.occurrence.state in states
        ]
        return tuple(sorted(found, key=lambda owned: owned.occurrence.due))

    async def run_cost(self, owner: str, run: str) -> Decimal | None:
        """See `RoutineStorage.run_cost`."""
        costs = [record.cost for record in self._of(owner).usage.values() if record.run == run]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None

    # within ------------------------------------------------------------------------------

    def _routine(self, owner: str, routine: str) -> Routine:
        found = self._of(owner).routines.get(routine)
        if found is None:
            raise rules.missing_routine(routine)
        return found

    def _time(self, owner: str, occurrence: str) -> Time:
        found = self._of(owner).times.get(occurrence)
        if found is None:
            raise rules.missing_occurrence(occurrence)
        return found

    def _times_of(self, owner: str, routine: str) -> list[Time]:
        times = self._of(owner).times.values()
        return [time for time in times if time.occurrence.routine == routine]

    def _with_last(self, owner: str, routine: Routine) -> Routine:
        times = (time.occurrence for time in self._times_of(owner, routine.id))
        told = [one for one in times if one.state != "asking"]
        return replace(routine, last=max(told, key=lambda one: one.due, default=None))

    def _forget_times(self, mine: Owned, deleted_before: datetime, ended_before: datetime) -> None:
        gone = {
            name
            for name, one in mine.routines.items()
            if one.deleted is not None and one.deleted < deleted_before
        }
        mine.routines = {n: one for n, one in mine.routines.items() if n not in gone}
        last: dict[str, datetime] = {}
        for time in mine.times.values():
            of = time.occurrence
            last[of.routine] = max(of.due, last.get(of.routine, of.due))
        for name, time in tuple(mine.times.items()):
            of = time.occurrence
            old = (of.ended or of.due) < ended_before and of.due < last[of.routine]
            if of.routine in gone or (old and of.state not in ("asking", *_OPEN)):
                del mine.times[name]
