"""When routines are due: found, begun, kept apart where they were missed, and brought to their end.

Owns the tick, which any process may do at any time: each time of a routine happens once all the
same, since the storage says who was first. It must not know SQL or Celery.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from worker.contract.errors import Conflict, NagathaError, NotFound, StorageError
from worker.contract.events import (
    ChatChanged,
    MessageChanged,
    OccurrenceChanged,
    RoutineChanged,
    RunChanged,
)
from worker.contract.routines import FAILURES_TO_PAUSE, Occurrence, Routine
from worker.contract.types import FINAL_STATES, Problem, Run
from worker.service.carrier import Carrier
from worker.service.routine_ends import ended_as
from worker.service.routine_start import Starts
from worker.service.routine_times import passed, rule_of
from worker.service.scope import new_id
from worker.storage.base import Storage
from worker.storage.routines import OVERLAP, OwnedOccurrence, RoutineChanges, Start

log = logging.getLogger(__name__)

T = TypeVar("T")

LATE = timedelta(minutes=2)
"""A time that is found so much later was missed: nobody was there. Beat looks each minute."""
CATCH_UPS = 2
"""Missed occurrences that are made up for at once."""
SETTLING = 20.0
"""Seconds after the start, or after the machine woke, before the first of them begins."""
SLEPT = 30.0
"""Seconds by which the wall clock gained on the other one: the machine slept, or the clock was
set."""
EVERY = 30.0
"""Seconds after which is looked again, whatever was planned: clocks may be set."""
_LEAST = 0.05


class RoutineClock:
    """Looks after the routines of everybody. One for each engine, on its loop.

    `tick` and `next_routine_due` may be called by any timer; `run` is one.
    """

    def __init__(
        self,
        *,
        storage: Callable[[], Storage],
        homes: Callable[[str], Starts],
        carrier: Carrier,
        paused: Callable[[], bool],
        write_here: Callable[[str, str], Awaitable[bool]],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """`homes` are an owner's. `paused`: whether a person has paused background work.
        `write_here` writes a queued answer in this process, where nobody works at the queue.
        `monotonic` counts seconds and stands still while the machine sleeps."""
        self._storage = storage
        self._homes = homes
        self._carrier = carrier
        self._paused = paused
        self._write_here = write_here
        self._now = now
        self._monotonic = monotonic
        self._awake_since = monotonic()
        self._looked: tuple[datetime, float] | None = None
        self._changed = asyncio.Event()
        self._ticking = asyncio.Lock()
        self._some_wait = False
        """Whether something waited at the last look that could not begin yet."""
        self._broke: datetime | None = None
        """When it was looked last, where a routine that is due could not be begun: it is tried
        again after a while, and holds up none that is due later."""

    # the timer ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Tick when something is due, until this is cancelled."""
        while True:
            self._changed.clear()
            wait = EVERY
            try:
                await self.tick()
                due = await self.next_routine_due()
                if due is not None:
                    left = (due - self._now()).total_seconds()
                    wait = min(EVERY, max(_LEAST, left))
            except NagathaError as error:
                log.warning("the schedules have to wait: %s", error)
            except Exception:  # a defect of ours must not end all schedules
                log.exception("the schedules could not be looked after")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def changed(self) -> None:
        """Look again: when something is due may be another time now."""
        self._changed.set()

    def woke(self) -> None:
        """The machine slept until now."""
        self._awake_since = self._monotonic()
        self._changed.set()

    async def next_routine_due(self) -> datetime | None:
        """When `tick` has something to do next; None while nothing is planned.

        Raises StorageError.
        """
        if self._paused():
            return None
        due = await self._storage().next_routine_due(self._broke)
        waiting = await self._storage().open_occurrences(("waiting",))
        settling = SETTLING - (self._monotonic() - self._awake_since)
        if settling > 0 and any(owned.catch_up for owned in waiting):
            settled = self._now() + timedelta(seconds=settling)
            due = settled if due is None else min(due, settled)
        return due

    # the tick ----------------------------------------------------------------------------

    async def tick(self) -> None:
        """Bring to an end what has ended, begin what is due, make up for what was missed.

        Twice at a time, and in two processes, it begins everything once. Raises StorageError,
        with the rest left for the next time.
        """
        async with self._ticking:
            now = self._look_at_clocks()
            self._broke = None
            await self._end_all(now)
            if self._paused():
                return
            for owner, routine in await self._storage().due_routines(now):
                await self._apart(routine.id, now, self._come(owner, routine, now))
            await self._begin_waiting(now)

    async def _apart(
        self, routine: str, now: datetime, work: Coroutine[object, object, T]
    ) -> T | None:
        """The result of `work`; None where it broke, which must not hold up other routines."""
        try:
            return await work
        except StorageError:
            raise
        except Exception:  # a defect of ours, or of what is stored
            log.exception("the schedule %s could not be looked after", routine)
            self._broke = now
            return None

    def _look_at_clocks(self) -> datetime:
        now, seconds = self._now(), self._monotonic()
        if self._looked is not None:
            wall = (now - self._looked[0]).total_seconds()
            if wall - (seconds - self._looked[1]) > SLEPT:
                self._awake_since = seconds
        self._looked = now, seconds
        return now

    async def _come(self, owner: str, routine: Routine, now: datetime) -> None:
        """A routine whose time has come: once, or several times while nobody was there."""
        assert routine.due is not None  # it was found by it
        home = self._homes(owner)
        try:
            times = await asyncio.to_thread(passed, rule_of(routine), routine.due, now)
        except ValueError as error:  # stored by another version, or a zone that is gone
            log.error("the schedule %s has no rule any more: %s", routine.id, error)
            changes: RoutineChanges = {"due": None, "paused": True, "updated": now}
            changes["paused_why"] = f"When it runs makes no sense here: {error}."
            await self._storage().update_routine(owner, routine.id, changes)
            await self._tell_routine(home, routine.id)
            return
        move = (routine.due, times.following)
        time = Occurrence(new_id(), routine.id, times.last, state="waiting", earlier=times.earlier)
        if now - times.last <= LATE:
            await self._begin(home, routine, time, move)
        elif routine.missed == "skip":
            await self._add(home, replace(time, state="skipped", ended=now), move)
        elif routine.missed == "ask":
            asking = await self._storage().asking_occurrences(home.scope.owner)
            before = [one for one in asking if one.routine == routine.id]
            await self._add_for_all(home, replace(time, state="asking"), move, before)
        else:
            waiting = await self._storage().open_occurrences(("waiting",))
            before = [
                owned.occurrence
                for owned in waiting
                if owned.catch_up and owned.occurrence.routine == routine.id
            ]
            await self._add_for_all(home, time, move, before)
        await self._tell_routine(home, routine.id)

    async def _add_for_all(
        self,
        home: Starts,
        time: Occurrence,
        move: tuple[datetime, datetime | None],
        before: Sequence[Occurrence],
    ) -> None:
        """Ask once about all that was missed, or make up for it once: also for what was missed
        `before`, and is not decided or begun yet."""
        earlier = time.earlier + sum(one.earlier + 1 for one in before)
        both = replace(time, earlier=earlier)
        instead = tuple(one.id for one in before)
        await self._add(home, both, move, catch_up=time.state == "waiting", instead=instead)
        for one in before:
            await self._tell(home, await self._storage().get_occurrence(home.scope.owner, one.id))

    async def _add(
        self,
        home: Starts,
        time: Occurrence,
        move: tuple[datetime, datetime | None] | None,
        start: Start | None = None,
        *,
        catch_up: bool = False,
        instead: tuple[str, ...] = (),
    ) -> bool:
        added = await self._storage().add_occurrence(
            home.scope.owner, time, move=move, start=start, catch_up=catch_up, instead=instead
        )
        if added:
            await self._tell(home, time)
        return added

    # beginning ---------------------------------------------------------------------------

    async def begin_by_hand(self, owner: str, routine: Routine, time: Occurrence) -> Occurrence:
        """Begin an occurrence that a person asks for, and return it as it is then.

        Raises Conflict while the one before goes on, where the routine wants no other meanwhile;
        and what is wrong with its task, arguments or chat.
        """
        home = self._homes(owner)
        begun, start = await home.begin(routine, time)
        try:
            await self._add(home, begun, None, start)
        except Conflict as error:
            if error.kind == OVERLAP and routine.overlap == "skip":
                raise
            await self._add(home, time, None)
            return time
        await self._begun(home, start)
        return begun

    async def _begin(
        self,
        home: Starts,
        routine: Routine,
        time: Occurrence,
        move: tuple[datetime, datetime | None] | None,
    ) -> bool:
        """Begin an occurrence: a new one with `move`, one that waits without. Whether it runs."""
        storage, owner = self._storage(), home.scope.owner
        try:
            begun, start = await home.begin(routine, time)
        except NagathaError as error:
            if error.kind in ("disk_full", "read_only", "damaged", "storage"):
                raise
            if move is None or await self._add(home, time, move):
                await self._fail(home, time, error.problem)
            return False
        try:
            if move is not None:
                there = await self._add(home, begun, move, start)
            elif there := await storage.start_occurrence(owner, begun, start):
                await self._tell(home, begun)
        except Conflict as error:
            await self._held_up(home, routine, time, move, error)
            return False
        if there:
            await self._begun(home, start)
        return there

    async def _held_up(
        self,
        home: Starts,
        routine: Routine,
        time: Occurrence,
        move: tuple[datetime, datetime | None] | None,
        error: Conflict,
    ) -> None:
        """The one before goes on, or its chat is busy: wait, or leave this one out."""
        wait = error.kind != OVERLAP or routine.overlap == "queue" or time.by_hand
        if wait and move is not None:
            # One waits, and stands for all that come meanwhile.
            waiting = await self._storage().open_occurrences(("waiting",))
            wait = all(owned.occurrence.routine != routine.id for owned in waiting)
        if move is not None:
            state = time if wait else replace(time, state="skipped", ended=self._now())
            await self._add(home, replace(state, error=None if wait else error.problem), move)
        elif not wait:
            skipped = replace(time, state="skipped", ended=self._now(), error=error.problem)
            await self._end(home, skipped, None)

    async def _begun(self, home: Starts, start: Start) -> None:
        """Tell what is stored now, and hand it to whoever works at it."""
        scope, run = home.scope, start.run
        await scope.tell(RunChanged(run=run, run_id=run.id))
        if start.answer is None:
            await home.jobs.enqueue(run)
            return
        chat = await scope.storage.get_chat(scope.owner, start.answer.chat)
        written = [one for one in (start.question, start.answer) if one is not None]
        await scope.tell_all(
            (
                ChatChanged(chat=chat, run_id=run.id),
                *(MessageChanged(message=one, run_id=one.run or "") for one in written),
            )
        )
        sent = await self._carrier.send(scope, run)
        if not sent or not self._carrier.is_served():
            with contextlib.suppress(NagathaError):  # recovery does it
                await self._write_here(scope.owner, run.id)

    async def _begin_waiting(self, now: datetime) -> None:
        """Begin what waits and may: what was missed a few at a time, and not at once."""
        there = await self._storage().open_occurrences(("waiting", "running"))
        catching_up = sum(one.catch_up and one.occurrence.state == "running" for one in there)
        settled = self._monotonic() - self._awake_since >= SETTLING
        self._some_wait = False
        for owned in there:
            if owned.occurrence.state != "waiting":
                continue
            if owned.catch_up and (not settled or catching_up >= CATCH_UPS):
                continue
            begun = await self._apart(owned.occurrence.routine, now, self._begin_one(owned))
            if not begun:
                self._some_wait = True
            elif owned.catch_up:
                catching_up += 1

    async def _begin_one(self, owned: OwnedOccurrence) -> bool:
        home, time = self._homes(owned.owner), owned.occurrence
        routine = await self._storage().get_routine(owned.owner, time.routine)
        if routine.deleted is not None or (routine.paused and not time.by_hand):
            skipped = replace(time, state="skipped", ended=self._now())
            await self._end(home, skipped, None)
            return False
        return await self._begin(home, routine, time, None)

    # ending ------------------------------------------------------------------------------

    async def heed(self, owner: str, run: Run) -> None:
        """A run has changed: where it was of a routine and ended, so does its occurrence.

        Raises StorageError.
        """
        if run.state not in FINAL_STATES:
            return
        if run.source != "schedule":
            if run.kind == "answer" and self._some_wait:
                self.changed()  # a prompt may have waited for its chat
            return
        time = await self._storage().occurrence_of(owner, run.id)
        if time is not None and time.ended is None:
            await self._end_with(self._homes(owner), time, run)
            self.changed()

    async def _end_all(self, now: datetime) -> None:
        """What a process that is gone told nobody."""
        for owned in await self._storage().open_occurrences(("running", "parked")):
            await self._apart(owned.occurrence.routine, now, self._end_where_over(owned))

    async def _end_where_over(self, owned: OwnedOccurrence) -> None:
        run: Run | None = None
        if owned.occurrence.run is not None:
            with contextlib.suppress(NotFound):
                run = await self._storage().get_run(owned.owner, owned.occurrence.run)
        if run is None or run.state in FINAL_STATES:
            await self._end_with(self._homes(owned.owner), owned.occurrence, run)

    async def _end_with(self, home: Starts, time: Occurrence, run: Run | None) -> None:
        ended, failed = await ended_as(home.scope, time, run)
        await self._end(home, ended, failed)

    async def _fail(self, home: Starts, time: Occurrence, problem: Problem) -> None:
        await self._end(home, replace(time, state="failed", ended=self._now(), error=problem), True)

    async def _end(self, home: Starts, time: Occurrence, failed: bool | None) -> None:
        storage, owner = self._storage(), home.scope.owner
        why = f"It failed {FAILURES_TO_PAUSE} times in a row"
        if time.error is not None:
            why = f"{why}: {time.error.title}"
        routine = await storage.end_occurrence(owner, time, failed, f"{why}.", self._now())
        if routine is None:
            return  # another process was quicker
        await self._tell(home, await storage.get_occurrence(owner, time.id))
        await home.scope.tell(RoutineChanged(routine=routine))

    # telling -----------------------------------------------------------------------------

    async def _tell(self, home: Starts, time: Occurrence) -> None:
        await home.scope.tell(OccurrenceChanged(occurrence=time, run_id=time.run or ""))

    async def _tell_routine(self, home: Starts, routine: str) -> None:
        found = await self._storage().get_routine(home.scope.owner, routine)
        await home.scope.tell(RoutineChanged(routine=found))
